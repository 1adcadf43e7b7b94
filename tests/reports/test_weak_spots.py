"""Where a model is weak stands in every report: short in the terminal, whole with details, folded in Markdown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.judging.confusion import Confused, Confusion, ConfusionRow
from evalkit.judging.slices import ScoreSlices, Slice
from evalkit.judging.wording import confusions, weaker_slices
from evalkit.reports import json as as_json
from evalkit.reports import markdown, terminal, weak_spots
from evalkit.reports.page import Page
from evalkit.runs.record import ModelRun, Run
from evalkit.session.finish import finish
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.1}'


@pytest.fixture
def run(project: MiniProject) -> Run:
    """`tuned` takes four of the eight good examples, which are `sunny`, for bad ones, of the wrong strength too."""
    lines = [json.loads(line) for line in (project.folder / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    project.split("test", [line | {"tags": ["sunny"] if number < 8 else ["dull"]} for number, line in enumerate(lines)])
    project.answers("tuned", project.right() | {f"t-{number:02}": BAD for number in range(1, 5)})
    session = project.asked(("tuned",), ("base",))
    return finish(session, session.selection, "pytest", {}).run


def text(run: Run, **page: Any) -> str:
    return "".join(terminal.render(run, page=Page(**page)))


def with_slices(run: Run, *tables: ScoreSlices) -> Run:
    [task] = run.tasks
    first, *others = task.model_runs
    return replace(run, tasks=(replace(task, model_runs=(replace(first, slices=tables), *others)),))


def cells(text: str, name: str) -> list[str]:
    """The words of the line that begins so."""
    return next(line for line in text.splitlines() if line.startswith(name)).split()


def test_the_terminal_shows_the_primary_score_by_tag(run: Run) -> None:
    assert cells(text(run, details=True), "sunny")[:4] == ["sunny", "50.0", "[21.5,", "78.5]"]


def test_other_scores_are_shown_by_tag_where_details_are_asked_for(run: Run) -> None:
    wanted = "tuned, strength by tag"
    assert (wanted in text(run), wanted in text(run, details=True)) == (False, True)


def test_tags_of_few_examples_are_counted(run: Run) -> None:
    assert "1 tag with fewer than 8 examples" in text(run, details=True)


def test_a_short_report_names_the_three_weakest_kinds(run: Run) -> None:
    many = ScoreSlices("mood", tuple(Slice(f"tag{number:02}", Estimate(0.5, 0.2, 0.8, 9)) for number in range(13)))
    short, whole = (text(with_slices(run, many), details=details) for details in (False, True))
    assert [f"tag{number:02}" in short for number in (0, 2, 3)] == [True, True, False]
    assert "tag12" in whole


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_table_is_wider_than_the_terminal(run: Run, width: int) -> None:
    lines = text(run, width=width, details=True).splitlines()
    assert max(len(line.rstrip()) for line in lines if not line.startswith("run ")) <= width


def test_the_verdict_comes_first(run: Run) -> None:
    assert text(run).splitlines()[0].startswith("mood · tuned: ")


def test_confusion_stands_by_what_is_right_and_what_is_answered(run: Run) -> None:
    assert cells(text(run, details=True), "good") == ["good", "[4]", "4", "8"]


@pytest.mark.parametrize("render", [terminal.render, markdown.render])
def test_the_largest_confusion_is_a_sentence(run: Run, render: Any) -> None:
    assert "tuned confuses: mood: answers bad in 4 of 8 where good is right" in " ".join("".join(render(run)).split())


def test_markdown_folds_every_score_and_confusion(run: Run) -> None:
    folded = "".join(markdown.render(run)).partition("<details><summary>tuned")[2].partition("</details>")[0]
    assert "tuned, strength by tag" in folded
    assert "| good | [4] | 4 | 8 |" in folded


def test_json_has_the_data(run: Run) -> None:
    [task] = json.loads("".join(as_json.render(run)))["tasks"]
    tuned = task["model_runs"][0]
    assert [table["score"] for table in tuned["slices"]] == ["mood", "strength"]
    assert tuned["confusions"][0]["rows"][0]["answered"] == [4, 4]


def test_labels_that_are_too_long_for_the_terminal_are_numbered(run: Run) -> None:
    names = ("A very long label of a class " * 2, "Another quite long label " * 2)
    item = Confusion("mood", 2, names, tuple(ConfusionRow(name, 1, (1, 0)) for name in names))
    [task] = run.tasks
    first, *others = task.model_runs
    shown = text(
        replace(run, tasks=(replace(task, model_runs=(replace(first, confusions=(item,)), *others)),)),
        width=80,
        details=True,
    )
    assert cells(shown, "1 A very")[-2:] == ["[1]", "1"]


def model_run(run: Run) -> ModelRun:
    return run.tasks[0].model_runs[0]


def test_an_empty_label_is_named() -> None:
    item = Confusion("summary", 2, largest=(Confused("", "-", 3, 4),))
    assert confusions("tuned", [item]) == "tuned confuses: summary: answers − in 3 of 4 where (empty) is right"


def test_a_mistake_that_was_made_once_is_no_sentence() -> None:
    assert confusions("tuned", [Confusion("mood", 2, largest=(Confused("a", "b", 1, 4),))]) == ""


def test_of_too_many_classes_the_largest_mistakes_are_listed(run: Run) -> None:
    item = Confusion("mood", 14, largest=(Confused("a", "b", 3, 4), Confused("c", "d", 1, 2)))
    assert list(weak_spots.mistakes(item)) == ["b in 3 of 4 where a is right", "d in 1 of 2 where c is right"]
    assert weak_spots.mistakes_heading(model_run(run), item) == "tuned, mood: 14 classes, the largest mistakes"


def test_a_slice_is_told_only_where_it_is_shown_to_be_weaker() -> None:
    rate, apart = Estimate(0.2, 0.1, 0.4, 20), Estimate(-0.5, -0.7, -0.2, 80)
    table = ScoreSlices("mood", (Slice("turned", rate, apart, 0.001, 0.002), Slice("old", rate, apart, 0.03, 0.06)))
    assert list(weaker_slices("tuned", [table])) == [
        "tuned is weaker on mood where turned (20.0 %, -50.0 points from the rest, n = 20)"
    ]
