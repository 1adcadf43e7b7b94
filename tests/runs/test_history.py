"""One score over the stored runs: a line a run, the oldest first, and nothing mixed that is not the same."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import ConfigError, UnknownName
from evalkit.reports.history import render
from evalkit.runs.build import make_run
from evalkit.runs.history import history
from evalkit.runs.record import Run, TaskResult

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.9}'


def on_day(day: int, judged: TaskResult) -> Run:
    return replace(make_run(f"run-{day}", [judged], "pytest suites", {}), created=f"2026-11-{day:02}T08:00:00+00:00")


def run(project: MiniProject, day: int, wrong: int = 0, **more: Any) -> Run:
    """A stored run of that day, in which `tuned` gives as many of the first moods wrong."""
    project.answers("tuned", project.right() | {f"t-{n:02}": BAD for n in range(1, wrong + 1)})
    judged = project.asked(("tuned",), ("base",), identity=f"run-{day}", **more).judged("mood")
    return on_day(day, judged)


def part(project: MiniProject, day: int) -> Run:
    """A run of a part of the split."""
    session = project.session(["tuned"], identity=f"run-{day}")
    session.ask(project.selection(tuned=["t-01"]), lambda _: None)
    return on_day(day, session.judged("mood"))


def test_each_run_has_its_rate_with_interval_and_n(project: MiniProject) -> None:
    found = history([run(project, 1, 8), run(project, 2, 4), run(project, 3)], "mood")
    assert (found.score, [look.backend for look in found.looks]) == ("mood", ["tuned"] * 3)
    assert [look.rate.value for look in found.looks] == [4 / 12, 8 / 12, 1.0]
    assert {look.rate.n for look in found.looks} == {12}
    assert len({look.model for look in found.looks}) == 3
    assert len({look.data for look in found.looks}) == 1


def test_a_line_a_run_under_a_line_of_bars(project: MiniProject) -> None:
    text = render(history([run(project, 1, 8), run(project, 12)], "mood", "mood", "tuned"))
    lines = text.splitlines()
    assert lines[0] == "mood: mood in %, with 95 % intervals"
    assert lines[2] == "tuned on test  ▃█"
    assert lines[3].startswith("2026-11-01 08:00  run-1   n=12  33.3 [13.8, 60.9]     model ")
    assert lines[4].startswith("2026-11-12 08:00  run-12  n=12  100.0 [75.8, 100.0]   model ")


def test_another_score_and_a_model_that_was_only_compared_with_may_be_followed(project: MiniProject) -> None:
    runs = [run(project, 1, 8), run(project, 2)]
    assert [look.rate.value for look in history(runs, "mood", "strict").looks] == [1.0, 1.0]
    assert [look.rate.value for look in history(runs, "mood", backend="base").looks] == [0.0, 0.0]


def test_splits_stand_apart(project: MiniProject) -> None:
    project.split("dev", [{"id": "d-1", "input": {"text": "x"}, "expected": {"mood": "good", "strength": 0.9}}])
    first = run(project, 1)
    project.answers("tuned", {**project.right(), "d-1": BAD})
    session = project.session(["tuned"], split="dev", identity="run-2")
    session.ask(project.selection(tuned=["d-1"]), lambda _: None)
    dev = on_day(2, session.judged("mood"))
    lines = render(history([first, dev], "mood")).splitlines()
    assert [line for line in lines if line.startswith("tuned on")] == ["tuned on test  █", "tuned on dev  ▁"]


def test_runs_of_a_part_are_left_out_and_counted(project: MiniProject) -> None:
    found = history([run(project, 1), part(project, 2)], "mood")
    assert ([look.run for look in found.looks], found.parts) == (["run-1"], 1)
    assert render(found).splitlines()[-1] == "left out: 1 run of a part of the split"
    with pytest.raises(ConfigError, match="mood: the only stored run was of a part of its split"):
        history([part(project, 3)], "mood")


def test_unknown_names_are_told_with_those_there_are(project: MiniProject) -> None:
    runs = [run(project, 1)]
    with pytest.raises(UnknownName, match=r"unknown task of the stored runs 'moood'. Did you mean 'mood'\?"):
        history(runs, "moood")
    with pytest.raises(UnknownName, match=r"unknown backend of the stored runs of mood 'tunde'. Did you mean 'tuned'"):
        history(runs, "mood", backend="tunde")
    with pytest.raises(UnknownName, match=r"unknown score of the stored runs of mood 'strenght'. Did you mean 'stren"):
        history(runs, "mood", "strenght")


def test_of_runs_with_long_lists_of_names_only_what_is_shown_is_held(project: MiniProject) -> None:
    one = run(project, 1)

    def runs() -> Iterator[Run]:
        for number in range(20):
            [task] = one.tasks
            names = tuple(f"run {number} example {example}" for example in range(5_000))
            models = tuple(replace(model, failed=names) for model in task.model_runs)
            yield replace(one, id=f"run-{number}", tasks=(replace(task, model_runs=models),))

    tracemalloc.start()
    found = history(runs(), "mood")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(found.looks), peak < 2_000_000) == (20, True)
