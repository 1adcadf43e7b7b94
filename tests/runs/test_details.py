"""A run keeps where a model is weak: of those it is about, and of no floor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evalkit.runs.record import ModelRun, TaskResult, dump_run, load_run
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.5}'


def tagged(project: MiniProject) -> None:
    """The first eight examples, all good, are `sunny`; `tuned` takes two of them for bad."""
    lines = [json.loads(line) for line in (project.folder / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    project.split("test", [line | {"tags": ["sunny"] if number < 8 else ["dull"]} for number, line in enumerate(lines)])
    project.answers("tuned", project.right() | {"t-01": BAD, "t-02": BAD})


def model_run(judged: TaskResult, name: str) -> ModelRun:
    return next(one for one in judged.model_runs if one.name == name)


def test_a_tested_model_has_its_scores_by_tag(project: MiniProject) -> None:
    tagged(project)
    run = model_run(project.asked().judged("mood"), "tuned")
    mood = next(table for table in run.slices if table.score == "mood")
    assert [(one.tag, one.rate.value, one.rate.n) for one in mood.slices] == [("sunny", 0.75, 8)]
    assert mood.small == {"dull": 4}


def test_a_tested_model_has_a_confusion_of_each_field_of_classes(project: MiniProject) -> None:
    tagged(project)
    run = model_run(project.asked().judged("mood"), "tuned")
    [mood] = run.confusions
    assert (mood.score, mood.labels, [row.answered for row in mood.rows]) == ("mood", ("good", "bad"), [(6, 2), (0, 4)])


def test_a_declared_rival_has_them_too_and_a_floor_has_none(project: MiniProject) -> None:
    tagged(project)
    run = project.asked(("tuned",), ("base",)).judged("mood")
    assert {one.name for one in run.model_runs if one.confusions} == {"tuned", "base"}


def test_a_rival_that_no_hypothesis_names_has_none(project: MiniProject) -> None:
    tagged(project)
    run = project.asked(("base",), ("tuned",)).judged("mood")
    assert {one.name for one in run.model_runs if one.confusions} == {"base"}


def test_stored_and_read_again_they_are_the_same(project: MiniProject) -> None:
    tagged(project)
    session = project.asked(("tuned",), ("base",))
    run = finish(session, session.selection, "pytest", {}).run
    assert load_run(json.loads(json.dumps(dump_run(run)))).tasks[0].model_runs == run.tasks[0].model_runs
