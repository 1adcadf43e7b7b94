"""A baseline is a small reviewed file: written whole, read strictly, asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import ConfigError, GoldenError, UnknownName
from evalkit.judging.baseline import (
    Baseline,
    BaselineOptions,
    ScoredModel,
    check,
    find,
    place,
    read,
    saved_names,
    take,
    write,
)
from evalkit.runs.compare import scored_model

if TYPE_CHECKING:
    from conftest import MiniProject

SAVED = Baseline(
    "baseline main", "mood", "test", "tuned", "5eed", "2026-11-21",
    {"t-02": {"strict": 1.0, "mood": 0.0}, "t-01": {"strict": 1.0, "mood": 0.25}},
)  # fmt: skip

TEXT = """{
"task": "mood",
"split": "test",
"backend": "tuned",
"checksum": "5eed",
"date": "2026-11-21",
"scores": [
["t-01", "mood", 0.25],
["t-01", "strict", 1],
["t-02", "mood", 0],
["t-02", "strict", 1]
]
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = place(tmp_path / "golden", "mood", "main")
    write(path, SAVED)
    return path


def stored(project: MiniProject, **more: Any) -> ScoredModel:
    """What `tuned` scored in a run."""
    session = project.asked(("tuned",), **more)
    return scored_model(session.judged("mood"), "tuned", session.rows("mood"))


def test_the_file_has_a_line_for_each_score_of_each_example_in_order(file: Path) -> None:
    assert file.read_text() == TEXT


def test_what_was_written_is_read(file: Path) -> None:
    assert read(file) == SAVED


def test_one_flip_is_one_line_of_a_diff(file: Path) -> None:
    flipped = replace(SAVED, scores={**SAVED.scores, "t-02": {"strict": 1.0, "mood": 1.0}})
    write(file, flipped)
    changed = [pair for pair in zip(TEXT.split("\n"), file.read_text().split("\n"), strict=True) if len({*pair}) == 2]
    assert changed == [('["t-02", "mood", 0],', '["t-02", "mood", 1],')]


def test_a_write_that_fails_leaves_the_file_as_it_was(file: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        write(file, replace(SAVED, date=object()))  # type: ignore[arg-type]
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ('["t-02", "mood", 0],\n["t-02", "strict", 1]\n]\n}\n', "", 10, "not valid JSON: "),
        ('["t-02", "mood", 0],', '<<<<<<< main\n["t-02", "mood", 0],', 10, "not valid JSON: "),
        ("{\n", '{"x": 1}', 1, "not valid JSON: "),
        (TEXT, "[]", 1, "expected an object with task, split, backend, checksum, date and the list scores"),
        ('"split": "test",\n', "", 1, "expected an object with task, split, "),
        ('"mood",\n', '"weather",\n', 2, "task is 'weather', expected 'mood'"),
        ('"tuned"', "3", 4, "backend is 3, expected a text"),
        ('["t-01", "mood", 0.25],\n', '["t-01", "mood", 0.25], ', 8, "got '[\"t-01\", \"mood\", 0.25], [\"t-01\""),
        ('"mood", 0.25', '"mood", 1.25', 8, "expected [\"example\", \"score\", a number from 0 to 1]"),
        ('"mood", 0.25', '"mood", NaN', 8, "expected [\"example\", \"score\", a number from 0 to 1]"),
        ('"mood", 0.25', '"mood", true', 8, "expected [\"example\", \"score\", a number from 0 to 1]"),
        ('"mood", 0.25', '"mood"', 8, "expected [\"example\", \"score\", a number from 0 to 1]"),
        ('"t-02", "mood"', '"t-01", "mood"', 10, "t-01 mood stands twice, or out of order"),
        ('"t-01", "strict"', '"t-01", "mood"', 9, "t-01 mood stands twice, or out of order"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_with_its_line(file: Path, old: str, new: str, line: int, told: str) -> None:
    assert TEXT.count(old) == 1
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(GoldenError, match="1 problem in the golden data") as caught:
        read(file)
    assert str(caught.value.problems[0]).startswith(f"golden/baselines/mood/main.json:{line}: ")
    assert told in str(caught.value)


def test_a_name_that_a_task_does_not_have_is_told_with_those_it_has(file: Path) -> None:
    golden = file.parents[2]
    assert (saved_names(golden, "mood"), saved_names(golden, "weather")) == (["main"], [])
    assert find(golden, "mood", "main") == SAVED
    told = r"unknown baseline of mood 'mian'. Did you mean 'main'\? Known: main. Save one with --save-baseline=mian."
    with pytest.raises(UnknownName, match=told):
        find(golden, "mood", "mian")


@pytest.mark.parametrize(
    ("wanted", "backends", "split", "told"),
    [
        (BaselineOptions(strict=True), ["tuned"], "test", "--strict-baseline needs --baseline=NAME"),
        (BaselineOptions(save="../main"), ["tuned"], "test", r"--save-baseline: '../main' is no name"),
        (BaselineOptions(save=""), ["tuned"], "test", r"--save-baseline: '' is no name"),
        (BaselineOptions(save="main"), ["tuned", "base"], "test", "exactly one --backend, got tuned, base"),
        (BaselineOptions(compare="main"), ["tuned", "base"], "test", "exactly one --backend, got tuned, base"),
        (BaselineOptions(compare="mian"), ["tuned"], "test", r"unknown baseline 'mian'. Did you mean 'main'\?"),
        (BaselineOptions(compare=""), ["tuned"], "test", "unknown baseline ''.*Known: main"),
        (
            BaselineOptions(compare="main"),
            ["tuned"],
            "dev",
            "baseline main of mood is about the test split, this run about dev",
        ),
    ],
)
def test_what_cannot_be_done_is_told_before_a_model_is_asked(
    file: Path, wanted: BaselineOptions, backends: Sequence[str], split: str, told: str
) -> None:
    with pytest.raises((ConfigError, UnknownName), match=told):
        check(wanted, file.parents[2], ["mood", "weather"], backends, split)


def test_a_broken_file_is_told_before_a_model_is_asked(file: Path) -> None:
    file.write_text("{")
    with pytest.raises(GoldenError, match=r"main.json:1: not valid JSON"):
        check(BaselineOptions(compare="main"), file.parents[2], ["mood"], ["tuned"], "test")


def test_a_name_that_one_of_the_tasks_has_is_known(file: Path) -> None:
    check(
        BaselineOptions(compare="main", save="next", strict=True),
        file.parents[2],
        ["mood", "weather"],
        ["tuned"],
        "test",
    )


def test_a_run_is_taken_with_every_score_of_every_split(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-03": '{"mood": "bad", "strength": 0.9}'})
    found = take("main", stored(project), "2026-11-21T12:00:00+00:00")
    assert (found.task, found.split, found.backend, found.date) == ("mood", "test", "tuned", "2026-11-21")
    assert found.checksum == project.task().checksum
    assert found.scores.keys() == project.right().keys()
    assert found.scores["t-03"] == {"strict": 1.0, "extractable": 1.0, "mood": 0.0, "strength": 1.0}
    assert found.scores["m-1"] == {"strict": 1.0, "extractable": 1.0, "error": 1.0}


def test_a_run_of_a_part_is_no_baseline(project: MiniProject) -> None:
    session = project.session(["tuned"])
    session.ask(project.selection(tuned=["t-01", "t-02"]), lambda _: None)
    with pytest.raises(ConfigError, match=r"mood: no baseline of tuned: 2 of 12 examples of test were selected"):
        take("main", scored_model(session.judged("mood"), "tuned", session.rows("mood")), "2026-11-21")


def test_a_run_with_unanswered_examples_is_no_baseline(project: MiniProject) -> None:
    project.answers("tuned", {name: text for name, text in project.right().items() if name != "t-05"})
    with pytest.raises(ConfigError, match=r"mood: no baseline of tuned: 1 example stayed unanswered \(t-05\)"):
        take("main", stored(project), "2026-11-21")
