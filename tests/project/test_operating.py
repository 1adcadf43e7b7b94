"""The published chances of each answer, where they are counted and where they are drawn."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evalkit.judging.reason import Status
from evalkit.stats.paired import paired

if TYPE_CHECKING:
    import operating
else:  # by its path: the folder holds a coverage.py, which must not stand for the package of that name
    _spec = spec_from_file_location("operating", Path(__file__).parents[2] / "benchmarks" / "operating.py")
    operating = module_from_spec(_spec)
    sys.modules["operating"] = operating
    _spec.loader.exec_module(operating)

DOCS = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")


def rows(name: str) -> dict[tuple[int, int], list[str]]:
    """A table of the docs: its cells by n and flips."""
    found = re.search(rf"<!-- operating {name}: begin -->\n(.*?)\n<!-- operating {name}: end -->", DOCS, re.DOTALL)
    assert found is not None
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()[2:]]
    return {(int(line[0]), int(line[1].split()[0])): line[2:] for line in lines}


def test_counts_are_decided_as_the_gates_decide() -> None:
    rng = np.random.default_rng(1)
    for _ in range(120):
        n = int(rng.choice([20, 60, 130]))
        gained, lost = (int(count) for count in rng.integers(0, n // 4, size=2))
        ours = [1] * gained + [0] * lost + [1] * (n - gained - lost)
        theirs = [0] * gained + [1] * (n - gained)
        found = paired(ours, theirs, operating.labels(n, False), alpha=operating.LEVEL)
        assert operating.decided(found) == operating.of_counts(gained, lost, n)


@pytest.mark.parametrize("n", [20, 60, 130, 300])
@pytest.mark.parametrize("flips", operating.FLIPS)
def test_a_false_win_is_as_rare_as_its_level(n: int, flips: float) -> None:
    wins, _ = operating.exact(n, flips, 0.0)
    assert wins[0] <= operating.LEVEL


@pytest.mark.parametrize("flips", operating.FLIPS)
def test_a_loss_that_is_none_is_red_as_rarely_as_is_promised(flips: float) -> None:
    _, holds = operating.exact(130, flips, 0.0)
    assert holds[1] <= 0.05


def test_a_loss_of_ten_points_is_red_in_nine_of_ten_runs() -> None:
    _, holds = operating.exact(130, 0.05, -0.10)
    assert holds[1] == pytest.approx(0.90, abs=0.01)
    assert holds[0] <= operating.LEVEL


@pytest.mark.parametrize("n", [20, 60, 130])
def test_a_rare_collapse_ships_no_more_often_than_its_level(n: int) -> None:
    assert operating.false_wins(n, 60) <= operating.LEVEL * 60


@pytest.mark.nightly
@pytest.mark.parametrize("n", operating.COLLAPSES)
def test_the_docs_show_how_often_a_rare_collapse_ships(n: int) -> None:
    tries = operating.COLLAPSES[n]
    false = operating.false_wins(n, tries)
    assert f"{false} of {tries:,} for n = {n}" in " ".join(DOCS.split())
    assert false <= operating.LEVEL * tries


def test_the_gates_know_three_answers() -> None:
    assert [*operating._PLACES] == [Status.SHIP, Status.BLOCK, Status.INCONCLUSIVE]


@pytest.mark.parametrize(("row", "name"), [(0, "win exact"), (1, "no_loss exact")])
def test_the_docs_show_what_is_counted(row: int, name: str) -> None:
    sign = -1 if row else 1
    for n, flips in ((60, 0.10), (130, 0.20)):
        expected = [operating.cell(operating.exact(n, flips, sign * d)[row]) for d in operating.DIFFERENCES]
        assert rows(name)[n, round(100 * flips)] == expected


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "draw", "grouped"),
    [
        ("win graded", operating.graded, False),
        ("win graded in groups", operating.graded, True),
        ("win right or wrong in groups", operating.right_or_wrong, True),
    ],
)
def test_the_docs_show_what_is_drawn(name: str, draw: operating.Draw, grouped: bool) -> None:
    for difference in (0.0, 0.10):
        shares = operating.sampled(draw, grouped, 60, 0.10, difference, operating.REPEATS)
        column = operating.DIFFERENCES.index(difference)
        assert rows(name)[60, 10][column] == operating.cell(shares[0])
