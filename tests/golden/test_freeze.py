"""A frozen split that is not what it was is told by the examples that differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evalkit.errors import FrozenError
from evalkit.golden import freeze as frozen
from evalkit.golden.loader import load_task

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MiniProject
    from evalkit.golden.model import Example


def lines(project: MiniProject, split: str = "test") -> list[str]:
    return (project.folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()


def rewrite(project: MiniProject, kept: list[str], split: str = "test") -> None:
    project.write(f"golden/mood/{split}.jsonl", "".join(f"{line}\n" for line in kept))


@pytest.fixture
def frozen_project(project: MiniProject) -> MiniProject:
    frozen.freeze(project.folder, project.task().splits)
    return project


def test_what_was_never_frozen_is_not_frozen(project: MiniProject) -> None:
    assert frozen.verify(project.folder, project.task().splits) is False


def test_what_is_as_it_was_is_frozen(frozen_project: MiniProject) -> None:
    assert frozen.verify(frozen_project.folder, frozen_project.task().splits) is True


def test_the_record_has_a_checksum_and_a_count_of_each_split(frozen_project: MiniProject) -> None:
    record = json.loads((frozen_project.folder / "frozen.json").read_text())
    assert {split: entry["count"] for split, entry in record["splits"].items()} == {
        "train": 5, "test": 12, "reference": 1, "malformed": 1,
    }  # fmt: skip
    assert all(len(entry["sha256"]) == 64 for entry in record["splits"].values())


def test_a_line_separator_inside_a_text_can_be_frozen(project: MiniProject) -> None:
    entry = {"id": "t-20", "input": {"text": "one\u2028two"}, "expected": {"mood": "good", "strength": 1}}
    project.append("test", json.dumps(entry, ensure_ascii=False))
    frozen.freeze(project.folder, load_task(project.folder, verify=False).splits)
    assert frozen.verify(project.folder, project.task().splits) is True


def test_windows_line_ends_are_no_change(frozen_project: MiniProject) -> None:
    path = frozen_project.folder / "test.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert frozen_project.task().splits["test"]


def test_changed_added_and_removed_examples_are_named(frozen_project: MiniProject) -> None:
    before = lines(frozen_project)
    changed = before[2].replace("0.9", "0.8")
    rewrite(frozen_project, [*before[1:2], changed, *before[3:]])
    frozen_project.append("test", before[0].replace("t-01", "t-99"))
    expected = r"test.jsonl \(12 examples then, 12 now\): changed: t-03; added: t-99; removed: t-01"
    with pytest.raises(FrozenError, match=expected):
        frozen_project.task()


def test_every_changed_split_is_named_in_one_error(frozen_project: MiniProject) -> None:
    for split in ("train", "malformed"):
        rewrite(
            frozen_project,
            [line.replace("This", "That").replace('""', '" "') for line in lines(frozen_project, split)],
            split,
        )
    with pytest.raises(FrozenError, match=r"(?s)train.jsonl \(5.*l-3, l-4\n.*malformed.jsonl .*changed: m-1\n"):
        frozen_project.task()


def test_of_many_examples_only_the_first_are_named(frozen_project: MiniProject) -> None:
    rewrite(frozen_project, lines(frozen_project)[:2])
    with pytest.raises(FrozenError, match="removed: t-03, t-04, t-05, t-06, t-07 and 5 more"):
        frozen_project.task()


def test_a_changed_order_is_told_as_that(frozen_project: MiniProject) -> None:
    rewrite(frozen_project, lines(frozen_project)[::-1])
    with pytest.raises(FrozenError, match=r"test.jsonl \(12 examples then, 12 now\): the order or the white space"):
        frozen_project.task()


def test_a_removed_split_is_told(frozen_project: MiniProject) -> None:
    (frozen_project.folder / "reference.jsonl").unlink()
    with pytest.raises(FrozenError, match=r"reference.jsonl was removed"):
        frozen_project.task()


def test_an_added_split_is_told(frozen_project: MiniProject) -> None:
    frozen_project.split("dev", [{"id": "d-1", "input": {"text": "x"}, "expected": {"mood": "bad", "strength": 0}}])
    with pytest.raises(FrozenError, match=r"dev.jsonl was added"):
        frozen_project.task()


def test_the_error_says_how_to_accept_the_change(frozen_project: MiniProject) -> None:
    rewrite(frozen_project, lines(frozen_project)[1:])
    with pytest.raises(FrozenError, match="Take the change back, or accept it with `evalkit freeze mood`"):
        frozen_project.task()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"splits": 3}',
        b'{"splits": {"test": {}}}',
        b'{"splits": {"test": {"sha256": "x", "count": 1, "examples": []}}}',
        b"\xff",
    ],
)
def test_a_damaged_record_is_an_error_with_its_place_and_the_remedy(project: MiniProject, text: bytes) -> None:
    path: Path = project.folder / "frozen.json"
    path.write_bytes(text)
    with pytest.raises(
        FrozenError, match=r"golden/mood/(frozen.json: can't be read .*|.*)`evalkit freeze mood`"
    ) as error:
        frozen.verify(project.folder, {"test": project_examples(project)})
    assert str(path) in str(error.value)


def project_examples(project: MiniProject) -> tuple[Example, ...]:
    return load_task(project.folder, verify=False).splits["test"]
