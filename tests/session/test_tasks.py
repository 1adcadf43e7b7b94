"""A session reads the golden tasks that it uses, each once, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evalkit.errors import ConfigError, GoldenError, UnknownName
from evalkit.golden.freeze import freeze
from evalkit.session.tasks import GoldenTasks

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def tasks(project: MiniProject) -> GoldenTasks:
    """The task `mood`, and `broken`, which can't be read."""
    project.write("golden/broken/task.toml", "no TOML")
    return GoldenTasks(project.root / "golden")


def test_a_task_that_nobody_asks_for_is_not_read(tasks: GoldenTasks) -> None:
    assert tasks.task("mood").title == "Is the mood good?"
    assert list(tasks.read) == ["mood"]


def test_a_task_is_read_once(tasks: GoldenTasks) -> None:
    assert tasks.task("mood") is tasks.task("mood")


def test_all_problems_of_all_tasks_come_in_one_error(project: MiniProject) -> None:
    other = project.root / "golden" / "other"
    other.mkdir()
    (other / "task.toml").write_text("titel = 'x'\n")
    project.contract("strict = 0.8", "stricd = 0.8")
    project.contract("max_tokens", "max_token")
    project.append("test", '{"id": ')
    project.append("train", {"id": "l-0", "input": {"text": "x"}, "expected": {"mood": "good", "strength": 0.9}})
    with pytest.raises(GoldenError, match="8 problems in the golden data") as caught:
        GoldenTasks(project.root / "golden").all()
    assert [problem.where for problem in caught.value.problems] == [
        "golden/mood/task.toml",
        "golden/mood/train.jsonl:6",
        "golden/mood/test.jsonl:13",
        "golden/mood/task.toml",
        "golden/other/task.toml",
        "golden/other/task.toml",
        "golden/other/task.toml",
        "golden/other/schema.json",
    ]


def test_an_unknown_task_is_told_with_those_there_are(tasks: GoldenTasks) -> None:
    with pytest.raises(UnknownName, match=r"unknown task 'moood'. Did you mean 'mood'\? Known: broken, mood"):
        tasks.task("moood")


def test_a_folder_without_tasks_is_told(project: MiniProject) -> None:
    with pytest.raises(ConfigError, match="gold: no golden task there"):
        GoldenTasks(project.root / "gold").need_some()


@pytest.mark.parametrize("is_frozen", [False, True])
def test_whether_a_task_is_frozen_is_known_once_it_was_read(project: MiniProject, is_frozen: bool) -> None:
    if is_frozen:
        freeze(project.folder, project.task().splits)
    tasks = GoldenTasks(project.root / "golden")
    assert tasks.is_frozen(tasks.task("mood")) is is_frozen
