"""No loss: shown by the bounds and the margin, refuted by them and by the p of a loss."""

from __future__ import annotations

import numpy as np
import pytest
from scored_pairs import count_of, judged, remarks

from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import Comparison
from evalkit.judging.gates import Evidence, kind_of, no_loss
from evalkit.judging.reason import Status
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import paired

MARGIN = Hypothesis("no_loss", None, ("base",), "mood", margin=0.05)


def compared(lost: int, gained: int = 0, n: int = 100, margin: float = 0.1) -> Comparison:
    same = "1" * (n - lost - gained)
    ours, theirs = "0" * lost + "1" * gained + same, "1" * lost + "0" * gained + same
    return judged(Hypothesis("no_loss", None, ("base",), "mood", margin=margin), ours, theirs)


@pytest.mark.parametrize(
    ("lost", "gained", "status", "remark"),
    [
        (0, 0, Status.SHIP, []),
        (2, 0, Status.SHIP, []),  # Tango's lower bound is -7.0 points
        (5, 4, Status.SHIP, []),
        (12, 8, Status.INCONCLUSIVE, ["would_tell"]),  # from -13.1 to +5.1, p .25
        (7, 0, Status.BLOCK, ["loss_shown"]),  # from -13.7 to -2.9, p 1/128
        (12, 0, Status.BLOCK, ["loss_shown", "estimate_beyond"]),  # from -19.8 to -7.0
        (40, 0, Status.BLOCK, ["beyond_margin"]),
    ],
)
def test_no_loss_is_judged_by_the_margin_and_by_a_loss_at_all(
    lost: int, gained: int, status: Status, remark: list[str]
) -> None:
    comparison = compared(lost, gained)
    assert (comparison.status, comparison.holds, remarks(comparison)) == (status, status is Status.SHIP, remark)


def test_ten_of_130_lost_and_none_gained_are_red() -> None:
    comparison = compared(10, 0, 130, 0.05)
    assert (comparison.status, comparison.p_worse) == (Status.BLOCK, 1 / 1024)


def test_a_loss_that_is_shown_to_be_within_the_margin_ships() -> None:
    # 20 of 1,000 lost: a loss for certain, and from -3.1 to -1.3 points.
    comparison = compared(20, 0, 1000, 0.05)
    assert comparison.p_worse is not None
    assert comparison.p_worse < 1e-5
    assert comparison.status is Status.SHIP


def test_an_estimate_beyond_the_margin_is_a_sentence_and_no_gate() -> None:
    comparison = compared(3, 0, 40, 0.07)
    assert (comparison.status, remarks(comparison)) == (Status.INCONCLUSIVE, ["estimate_beyond", "few_flips"])


@pytest.mark.parametrize(("p_worse", "status"), [(0.05, Status.BLOCK), (0.0501, Status.INCONCLUSIVE)])
def test_the_p_of_a_loss_decides_at_a_twentieth(p_worse: float, status: Status) -> None:
    seen = compared(12, 8).paired
    assert no_loss.decide(MARGIN, Evidence(seen, None, p_worse)).status is status


@pytest.mark.parametrize(("truth", "least", "most"), [(-0.10, 0.88, 1.0), (0.0, 0.0, 0.03)])
def test_at_130_examples_a_loss_of_ten_points_is_red_in_nine_of_ten_and_none_in_three_of_a_hundred(
    truth: float, least: float, most: float
) -> None:
    """12 % flips where 10 points are lost, 10 % where none: drawn, and judged by the gate."""
    rng = np.random.default_rng(17)
    gained, lost = (0.01, 0.11) if truth else (0.05, 0.05)
    cells = rng.multinomial(130, (gained, lost, 1 - gained - lost), size=2000)
    red: dict[tuple[int, int], bool] = {}
    for won, missed in {(int(cell[0]), int(cell[1])) for cell in cells}:
        red[won, missed] = compared(missed, won, 130, 0.05).status is Status.BLOCK
    share = np.mean([red[int(cell[0]), int(cell[1])] for cell in cells])
    assert least <= share <= most


def test_scoring_less_among_readable_answers_is_a_note() -> None:
    comparison = judged(MARGIN, "1" * 100, "1" * 100, Estimate(-0.3, -0.4, -0.2, 50))
    assert (comparison.status, remarks(comparison)) == (Status.SHIP, ["less_among_readable"])


def drawn(rng: np.random.Generator, n: int) -> tuple[list[int], list[int], Estimate]:
    """The tuned model is always readable and right in 60 of 100, the base right in 40 and unreadable in 90 of its 100
    wrong answers: the scores of both, and the difference where both are readable."""
    tuned, base = (rng.random(n) < 0.6).astype(int), (rng.random(n) < 0.4).astype(int)
    read = (base == 1) | (rng.random(n) >= 0.9)
    names = [str(number) for number in range(int(read.sum()))]
    return tuned.tolist(), base.tolist(), paired(tuned[read].tolist(), base[read].tolist(), names).difference


@pytest.mark.parametrize("n", [130, 300])
@pytest.mark.parametrize("kind", ["win", "no_loss"])
def test_a_better_model_is_never_blocked_for_what_the_other_left_unreadable(kind: str, n: int) -> None:
    rng = np.random.default_rng(5)
    hypothesis = Hypothesis(kind, None, ("base",), "mood", margin=0.05 if kind == "no_loss" else 0.0)
    statuses, noted = [], 0
    for _ in range(40):
        ours, theirs, among = drawn(rng, n)
        comparison = judged(hypothesis, "".join(map(str, ours)), "".join(map(str, theirs)), among)
        statuses.append(comparison.status)
        noted += "less_among_readable" in remarks(comparison)
    assert Status.BLOCK not in statuses
    assert noted > 20  # where it would have been stopped


def test_a_no_loss_that_is_not_shown_says_how_many_examples_would_tell() -> None:
    needed = count_of(compared(12, 8), "would_tell")
    assert needed is not None
    assert needed > 100


def test_under_nine_flips_nobody_says_how_many_examples_would_tell() -> None:
    comparison = compared(0, 0, 40, 0.05)
    assert (remarks(comparison), count_of(comparison, "few_flips")) == (["few_flips"], 0)


def test_the_smallest_margin_that_is_declared_of_a_model_and_a_score_counts() -> None:
    wide = Hypothesis("no_loss", None, ("base",), "mood", margin=0.3)
    narrow = Hypothesis("no_loss", "tuned", ("base",), "mood", margin=0.1)
    others = [
        Hypothesis("equivalent", None, ("base",), "mood", margin=0.01),
        Hypothesis("win", None, ("base",), "mood"),
    ]
    declared = [wide, narrow, *others]
    assert no_loss.least_margin(declared, "tuned", "mood", 0.05) == 0.1
    assert no_loss.least_margin(declared, "merged", "mood", 0.05) == 0.3
    assert no_loss.least_margin(declared, "tuned", "strength", 0.05) == 0.05


def test_no_loss_claims_no_gain() -> None:
    assert not kind_of("no_loss").GAIN
