"""The files of a golden folder are strict JSON in UTF-8: anything else is told by file and line, with what to do."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.errors import FrozenError, LooksError
from evalkit.golden import freeze as frozen
from evalkit.golden.ledger_lines import read_lines
from evalkit.golden.loader import load_task

if TYPE_CHECKING:
    from conftest import MiniProject

NESTED = 5000
FAULTS = {
    "1e400": ("1e400", "1e400 is too large"),
    "NaN": ("NaN", "NaN is not JSON"),
    "half a pair": (r'"\ud83d"', r"\ud83d stands alone"),
    "5,000 digits": ("7" * 5000, "a number of 5000 digits is too large"),
    "a key twice": ('{"k": 1, "k": 2}', "key 'k' stands twice"),
    "5,000 brackets": ("[" * NESTED + "]" * NESTED, "nested deeper than 100"),
}
every_fault = pytest.mark.parametrize(("value", "told"), FAULTS.values(), ids=FAULTS)


@every_fault
@pytest.mark.parametrize("split", ["train", "test", "malformed"])
def test_a_line_of_a_split_is_refused_with_file_and_line(
    project: MiniProject, split: str, value: str, told: str
) -> None:
    line = '{"id": "x-1", "input": {"text": "x"}, "expected": {"mood": "good", "strength": %s}}'
    number = project.append(split, line % value)
    (problem,) = project.problems()
    assert problem.startswith(f"golden/mood/{split}.jsonl:{number}: {told}")


@every_fault
def test_a_schema_is_refused_with_the_line_of_the_fault(project: MiniProject, value: str, told: str) -> None:
    project.write("golden/mood/schema.json", f'{{\n"type": "object",\n"default": {value}\n}}')
    (problem,) = project.problems()
    assert problem.startswith(f"golden/mood/schema.json:3: {told}")


@every_fault
def test_frozen_json_is_refused_with_the_line_of_the_fault(project: MiniProject, value: str, told: str) -> None:
    project.write("golden/mood/frozen.json", f'{{\n"planned_looks": 3,\n"splits": {value}\n}}')
    with pytest.raises(FrozenError, match=r"frozen\.json:3: can't be read") as caught:
        load_task(project.folder)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["[1]", "true", '{"planned_looks": true}', '{"planned_looks": "3"}', "", "{}"])
def test_frozen_json_of_another_shape_is_told(project: MiniProject, text: str) -> None:
    project.write("golden/mood/frozen.json", text)
    with pytest.raises(FrozenError, match=r"frozen\.json.*can't be read"):
        load_task(project.folder)


@every_fault
def test_a_line_of_the_ledger_is_refused_with_its_number(project: MiniProject, value: str, told: str) -> None:
    project.write("golden/mood/looks.jsonl", f'\n{{"candidate": "tuned", "note": {value}}}\n')
    with pytest.raises(LooksError, match=r"looks\.jsonl:2: no look") as caught:
        read_lines(project.folder)
    assert told in str(caught.value)


def test_the_recorded_case_of_a_number_beyond_doubles_is_refused(project: MiniProject) -> None:
    project.append("test", (Path(__file__).parent / "cases" / "golden_1e400.jsonl").read_text(encoding="utf-8").strip())
    assert project.problems()[0].startswith("golden/mood/test.jsonl:13: 1e400 is too large")


def test_every_line_that_is_wrong_is_told_at_once(project: MiniProject) -> None:
    numbers = [project.append("test", line) for line in ('{"id": 1e999}', "{'id': 1}", "\0")]
    assert [problem.partition(": ")[0] for problem in project.problems()] == [
        f"golden/mood/test.jsonl:{number}" for number in numbers
    ]


@pytest.mark.parametrize("name", ["test.jsonl", "schema.json", "task.toml"])
def test_a_byte_order_mark_is_accepted(project: MiniProject, name: str) -> None:
    before = project.task()
    path = project.folder / name
    path.write_bytes(BOM_UTF8 + path.read_bytes())
    assert project.task() == before


def test_a_byte_order_mark_is_no_change_of_what_was_frozen(project: MiniProject) -> None:
    frozen.freeze(project.folder, load_task(project.folder, verify=False).splits)
    for name in ("test.jsonl", "train.jsonl", "frozen.json"):
        path = project.folder / name
        path.write_bytes(BOM_UTF8 + path.read_bytes())
    assert frozen.verify(project.folder, load_task(project.folder, verify=False).splits)


def test_a_byte_order_mark_stays_out_of_the_middle_when_a_test_split_is_retired(project: MiniProject) -> None:
    path = project.folder / "test.jsonl"
    path.write_bytes(BOM_UTF8 + path.read_bytes())
    frozen.renew(project.folder, load_task(project.folder, verify=False).splits)
    assert BOM_UTF8 not in (project.folder / "train.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["test.jsonl", "schema.json", "task.toml"])
def test_utf_16_is_told_with_the_remedy(project: MiniProject, name: str) -> None:
    path = project.folder / name
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-16")
    told = project.problems()
    assert f"golden/mood/{name}:1: the file is in UTF-16 or UTF-32: save it as UTF-8" in told
