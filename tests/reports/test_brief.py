"""The short report has the verdict first, one table that fits, and says how to see the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalkit.reports import brief, terminal
from evalkit.reports.page import Page
from evalkit.session.finish import FinishedRun, finish

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.5}'


def finished(
    project: MiniProject, tested: Sequence[str] = ("tuned",), against: Sequence[str] = ("base",)
) -> FinishedRun:
    session = project.asked(tuple(tested), tuple(against))
    return finish(session, session.selection, "pytest suites", {})


@pytest.fixture
def missing_two(project: MiniProject) -> FinishedRun:
    """`tuned` answers one example wrong and one in prose."""
    project.answers("tuned", project.right() | {"t-03": BAD, "t-05": "prose"})
    return finished(project)


def lines(run: FinishedRun, width: int = 80) -> list[str]:
    return "".join(terminal.render(run.run, run.rows, Page(width=width))).splitlines()


def table(shown: Sequence[str]) -> dict[str, list[str]]:
    """The short table: by the first word of a row its cells."""
    start = next(number for number, line in enumerate(shown) if line.startswith("──"))
    rows = shown[start + 1 : shown.index("", start)]
    return {line.split()[0]: line.split()[1:] for line in rows}


def test_the_first_line_has_the_status_and_the_figure_that_decides(missing_two: FinishedRun) -> None:
    assert (
        lines(missing_two, 120)[0]
        == "mood · tuned: INCONCLUSIVE, iterate. mood 83.3 [55.2, 95.3], base 0.0, best floor 66.7 empty"
    )


def test_each_reason_is_an_item_of_its_own(missing_two: FinishedRun) -> None:
    assert lines(missing_two)[2].startswith("- is not shown to beat majority on mood: +50.0 points (95 % +13.6 to ")


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_line_is_wider_than_the_terminal(missing_two: FinishedRun, width: int) -> None:
    assert max(map(len, lines(missing_two, width))) <= width


def test_the_figures_of_a_rival_have_intervals_where_there_is_room(missing_two: FinishedRun) -> None:
    narrow, wide = (table(lines(missing_two, width))["strength"] for width in (70, 120))
    assert narrow == ["83.3", "[55.2,", "95.3]", "0.0", "33.3", "majority"]
    assert wide == ["83.3", "[55.2,", "95.3]", "0.0", "[0.0,", "24.2]", "33.3", "majority"]


def test_floors_share_a_column_and_the_ceiling_is_none(missing_two: FinishedRun) -> None:
    shown = table(lines(missing_two))
    assert (shown["mood"][-2:], shown["strict"][-2:]) == (["66.7", "empty"], ["100.0", "any"])


def test_a_figure_that_is_not_above_a_floor_is_marked(project: MiniProject) -> None:
    project.answers("tuned", dict.fromkeys(project.right(), '{"mood": "good", "strength": 0.9}'))
    assert table(lines(finished(project)))["mood"][4:6] == ["<", "0.0"]


def test_the_worst_misses_are_shown_with_what_was_expected_and_what_came(missing_two: FinishedRun) -> None:
    shown = lines(missing_two)
    start = next(number for number, line in enumerate(shown) if line.startswith("2 misses of tuned"))
    assert [line.split()[:3] for line in shown[start + 2 : start + 4]] == [
        ["t-03", '"good"', '"bad"'],
        ["t-05", '"good"', "prose_before"],
    ]


def test_more_misses_than_three_are_counted(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {f"t-{number:02}": BAD for number in range(1, 6)})
    assert any(line.startswith("3 of 5 misses of tuned") for line in lines(finished(project)))


def test_a_miss_that_must_pass_comes_first(project: MiniProject) -> None:
    run = finished(project)
    [task] = run.run.tasks
    rows = [row for row in run.rows() if (row.model, row.split) == ("tuned", "test")]
    wrong = {name: replace(score, value=0.0) for name, score in rows[0].scores.items()}
    missed = [replace(row, scores=wrong, must_pass=row.example == "t-09") for row in rows]
    [shown] = brief.misses(task, lambda *_: missed)
    assert [row.example for row in shown.worst] == ["t-09", "t-01", "t-02"]


def test_a_long_input_is_cut_and_its_neighbours_are_not(project: MiniProject) -> None:
    long = {"id": "t-01", "input": {"text": "Rain again. " * 30}, "expected": {"mood": "good", "strength": 0.9}}
    project.split("test", [long])
    project.answers("tuned", {"t-01": BAD})
    [shown] = [line for line in lines(finished(project, against=())) if line.startswith("t-01")]
    assert shown.split()[1:3] == ['"good"', '"bad"']
    assert (len(shown) <= 80, shown[-1]) == (True, "…")


def test_what_is_left_out_is_counted(missing_two: FinishedRun) -> None:
    assert any(line.startswith("- 5 further notes") and line.endswith(": -v") for line in lines(missing_two))


def test_of_many_tested_models_six_have_a_column_and_the_others_are_counted(missing_two: FinishedRun) -> None:
    [task] = missing_two.run.tasks
    tuned = next(one for one in task.model_runs if one.name == "tuned")
    many = tuple(replace(tuned, participant=replace(tuned.participant, name=f"m{number}")) for number in range(8))
    assert list(brief.columns(replace(task, model_runs=many))) == ["m0", "m1", "m2", "m3", "m4", "m5", "best floor"]
    assert "2 more tested models: -v shows all" in brief.remarks(replace(task, model_runs=many))
