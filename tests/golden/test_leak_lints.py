"""What is known of held-out data before: a field, part of a text, a time; names that only the prompt or labels say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from evalkit._internal.registry import find
from evalkit.golden.lints import contained, shared_fields
from evalkit.golden.lints.chronology import read_time
from evalkit.golden.lints.finding import Finding
from evalkit.golden.model import Decoding, Example, Prompt, ScoreRule, Task

if TYPE_CHECKING:
    from conftest import MiniProject

DICE = Random(7)
WORDS = ["".join(DICE.choices("abcdefghijklmnoprstuvw", k=DICE.randint(3, 9))) for _ in range(900)]
SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {"summary": {"type": "string"}, "owner": {}, "mood": {}}}
CITIES = ("Rome", "Oslo", "Bern", "Lima")


def words(count: int) -> str:
    return " ".join(DICE.choices(WORDS, k=count))


def example(split: str, number: int, **inputs: Any) -> Example:
    given = {"title": words(6), "text": words(40), "city": CITIES[number % 4], **inputs}
    name = f"{split}-{number}"
    return Example(name, split, given, {"mood": "good"}, group=name, where=f"golden/t/{split}.jsonl:{number + 1}")


def task_of(train: list[Example], test: list[Example], **fields: Any) -> Task:
    scores = {"mood": ScoreRule("mood", "mood", "exact")}
    task = Task(
        "t", Path("golden/t"), "T", Prompt("Answer with summary, owner and mood.", "{{ text }}"), Decoding(), SCHEMA,
        scores, {}, "mood", {}, (), {"train": tuple(train), "test": tuple(test)}, "",
    )  # fmt: skip
    return replace(task, **fields)


@pytest.fixture
def sound() -> Task:
    return task_of([example("train", n) for n in range(30)], [example("test", n) for n in range(20)])


def found(name: str, task: Task) -> list[Finding]:
    return list(find("lints", name).check(task))


def with_input(task: Task, split: str, index: int, **inputs: Any) -> Task:
    examples = list(task.splits[split])
    examples[index] = replace(examples[index], input={**examples[index].input, **inputs})
    return replace(task, splits={**task.splits, split: tuple(examples)})


# -- fields ---------------------------------------------------------------------------------------------------------


def test_of_data_that_share_cities_alone_nothing_is_said(sound: Task) -> None:
    assert [
        one for name in ("shared_fields", "contained", "chronology", "contract") for one in found(name, sound)
    ] == []


@pytest.mark.parametrize("spelled", [str, str.upper, lambda text: f"  {text.replace(' ', '  ')}!"])
def test_a_title_that_is_the_same_in_train_and_test_is_found(sound: Task, spelled: Any) -> None:
    title = "Die Häfen öffnen wieder"
    task = with_input(with_input(sound, "train", 3, title=title), "test", 5, title=spelled(title))
    (finding,) = found("shared_fields", task)
    assert (finding.level, finding.where) == ("error", "golden/t/test.jsonl:6")
    assert "test-5 has the same title as train-3" in finding.what


def test_a_title_in_a_script_without_spaces_is_found(sound: Task) -> None:
    task = with_input(
        with_input(sound, "train", 3, title="日銀が金利を引き上げ"), "test", 5, title="日銀が金利を引き上げ"
    )
    assert [one.where for one in found("shared_fields", task)] == ["golden/t/test.jsonl:6"]


@pytest.mark.parametrize(
    "values",
    [("Reuters", "Reuters"), ("2026-03-02", "2026-03-02"), ("7", "7"), ("", ""), (None, None), (True, True)],
    ids=str,
)
def test_a_short_value_is_no_leak(sound: Task, values: tuple[Any, Any]) -> None:
    task = with_input(with_input(sound, "train", 3, title=values[0]), "test", 5, title=values[1])
    assert found("shared_fields", task) == []


def test_a_question_that_many_groups_of_train_ask_is_no_leak_and_a_long_one_of_a_single_group_is_a_warning(
    sound: Task,
) -> None:
    task = sound
    for number in range(30):
        task = with_input(task, "train", number, question=f"Will the bank of {CITIES[number % 4]} cut its rates?")
    task = with_input(task, "test", 1, question="Will the bank of Rome cut its rates?")
    assert found("shared_fields", task) == []
    rare = "Does the lighthouse of Santa Marguerita stay in private hands until winter?"
    task = with_input(with_input(task, "train", 9, question=rare), "test", 1, question=rare)
    assert [one.level for one in found("shared_fields", task)] == ["warning"]


def test_a_whole_text_that_comes_again_is_told_by_one_check_alone(sound: Task) -> None:
    again = dict(sound.splits["train"][3].input)
    task = with_input(sound, "test", 5, **again)
    assert [len(found(name, task)) for name in ("duplicates", "shared_fields", "contained")] == [1, 0, 0]


# -- a text in another ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["train", "test"])
@pytest.mark.parametrize("longer", [40, 200, 1000])
def test_a_text_that_stands_in_a_longer_one_is_found_both_ways(sound: Task, inner: str, longer: int) -> None:
    part, outer = words(40), "test" if inner == "train" else "train"
    task = with_input(sound, inner, 3, text=part)
    task = with_input(task, outer, 3, text=f"{words(longer // 2)} {part} {words(longer // 2)}")
    (finding,) = found("contained", task)
    assert (finding.level, finding.where) == ("error", "golden/t/test.jsonl:4")
    assert f"{inner}-3 stands in {outer}-3" in finding.what


def test_a_text_of_which_a_twentieth_was_changed_is_found(sound: Task) -> None:
    part = words(40).split()
    changed = " ".join(["zeppelin", *part[1:20], "ballon", *part[21:]])
    task = with_input(with_input(sound, "train", 3, text=" ".join(part)), "test", 3, text=f"{words(80)} {changed}")
    assert ["stands in test-3" in one.what for one in found("contained", task)] == [True]


def test_what_stands_at_the_head_of_every_text_is_no_leak(sound: Task) -> None:
    head = words(60)
    texts = {split: [replace(one, input={**one.input, "text": f"{head} {words(12)}"}) for one in sound.splits[split]]
             for split in ("train", "test")}  # fmt: skip
    assert found("contained", task_of(texts["train"], texts["test"])) == []


def test_half_of_a_text_is_no_text(sound: Task) -> None:
    part = words(20)
    task = with_input(sound, "train", 3, text=f"{part} {words(20)}")
    assert found("contained", with_input(task, "test", 3, text=f"{words(80)} {part}")) == []


def test_thousands_of_texts_take_seconds() -> None:
    from time import process_time

    train = [example("train", n, text=words(150)) for n in range(2000)]
    test = [example("test", n, text=words(150)) for n in range(300)]
    test[7] = replace(test[7], input={"title": "x", "text": f"{words(50)} {train[5].input['text']} {words(90)}"})
    begun = process_time()
    told = [*contained.check(task_of(train, test)), *shared_fields.check(task_of(train, test))]
    assert [one.where for one in told] == ["golden/t/test.jsonl:8"]
    assert process_time() - begun < 60  # it takes three; a comparison of all with all takes many minutes


# -- time -----------------------------------------------------------------------------------------------------------


def dated(train: list[Any], test: list[Any]) -> Task:
    return task_of(
        [example("train", n, published=value) for n, value in enumerate(train)],
        [example("test", n, published=value) for n, value in enumerate(test)],
        time="published",
    )


@pytest.mark.parametrize(
    ("train", "test", "late"),
    [
        (["2026-01-01", "2026-02-28"], ["2026-03-01", "2026-04-01"], []),
        (["2026-01-01", "2026-03-05"], ["2026-03-01", "2026-04-01"], ["train-1"]),
        (["2026-03-01"], ["2026-03-01"], ["train-0"]),
        (["2026-03-01T09:00:00Z"], ["2026-03-01T09:30:00+00:00"], []),
        (["2026-03-01T09:00:00+00:00"], ["2026-03-01T09:30:00+02:00"], ["train-0"]),
        (["2026-03-01 08:00"], ["2026-03-01T09:00:00Z"], []),
        (["2027-01-01", "2028-01-01"], ["2026-03-01"], ["train-1, train-0"]),
        (["2027-01-01"], [], []),
    ],
)
def test_what_train_holds_of_the_time_of_test_is_found(train: list[str], test: list[str], late: list[str]) -> None:
    task = dated(train, test)
    told = found("chronology", task)
    assert [name in one.what for one, name in zip(told, late, strict=True)] == [True] * len(late)
    assert {one.level for one in told} <= {"error"}
    assert found("chronology", replace(task, time="")) == []


@pytest.mark.parametrize("value", ["soon", "02.03.2026", "", 1772409600, None, ["2026-03-02"], "2026-13-01"])
def test_what_can_not_be_read_as_a_date_is_an_error_with_its_place(value: Any) -> None:
    (finding,) = found("chronology", dated(["2026-01-01", value], ["2026-03-01"]))
    assert (finding.level, finding.where) == ("error", "golden/t/train.jsonl:2")
    assert f"the published of train-1 is {value!r}" in finding.what


def test_a_date_is_its_beginning() -> None:
    assert read_time("2026-03-02") == read_time("2026-03-02T00:00:00Z") == read_time(" 20260302 ")


def test_the_field_of_the_time_is_declared_in_the_task(project: MiniProject) -> None:
    project.contract('required = ["text"]', 'required = ["text"]\ntime = "text"')
    assert project.task().time == "text"
    project.contract('time = "text"', 'time = "txet"')
    assert "unknown field 'txet'. Did you mean 'text'?" in project.problems()[0]


def test_a_key_in_the_wrong_place_is_told_where_it_belongs(project: MiniProject) -> None:
    project.write("golden/mood/task.toml", 'time = "text"\n' + (project.folder / "task.toml").read_text())
    (problem,) = project.problems()
    assert problem.startswith("golden/mood/task.toml: unknown key 'time'.")
    assert problem.endswith("It is a key of [input].")


# -- what the prompt names ------------------------------------------------------------------------------------------


def prompted(task: Task, text: str) -> list[tuple[str, str]]:
    task = replace(task, prompt=Prompt(f"Answer with summary, owner and mood. {text}", "{{ text }}"))
    return [(one.level, one.what.split("'")[1]) for one in found("contract", task)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"action_items": []}', "action_items"),
        ("Give `summary` and `action_items`.", "action_items"),
        ("Give `summary`, `deadline` and `owner`.", "deadline"),
        ('The keys are "summary", "owner", "deadline".', "deadline"),
        ("Return 'actionItems' too.", "actionItems"),
        ("Fields:\n- summary: a sentence\n- action_items: a list\n", "action_items"),
        ("Fields:\n\n* **summary** - a sentence\n* **deadline** - a day\n", "deadline"),
        ("1. summary (text)\n2. deadline (a day)\n3. owner", "deadline"),
        ("An object with the fields summary, owner and deadline.", "deadline"),
    ],
)
def test_a_field_that_the_prompt_asks_for_in_any_way_and_the_schema_lacks_is_an_error(
    sound: Task, text: str, named: str
) -> None:
    assert prompted(sound, f"\n{text}") == [("error", named)]


def test_a_word_with_underscores_in_prose_is_a_warning(sound: Task) -> None:
    assert prompted(sound, "Then fill action_items with what is to be done.") == [("warning", "action_items")]


@pytest.mark.parametrize(
    "text",
    [
        "Mood is `good`, `bad` or `mixed`.",
        'Say "thanks" and "please".',
        "- Note: be brief\n- Important: JSON only",
        "- good: it went well\n- bad: it did not",
        "Write keys in snake_case, as in `summary`.",
        "Read {{ other_field | json }} and {% if a_b is defined %}{{ a_b }}{% endif %}.",
        "See https://example.com/some_page and notes_of.txt or call to_json().",
        "The `title` and the `text` are from a newspaper; `city` is where it is made.",
        "keys to the house, car and shed",
    ],
)
def test_what_else_a_prompt_puts_in_marks_is_no_field(sound: Task, text: str) -> None:
    assert prompted(sound, f"\n{text}") == []


# -- labels ---------------------------------------------------------------------------------------------------------


def named(names: list[str], text: str) -> Task:
    one = replace(example("test", 0, text=text), expected={"companies": names})
    rule = ScoreRule("companies", "companies", "set", {"both_empty": 1})
    return task_of([], [one], scores={"companies": rule})


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        (["Lumora", "Nestlé", "OpenSea", "日立"], []),
        (["Lumora", "Contoso"], ["'Contoso' (test-0)"]),
        (["Lum"], ["'Lum' (test-0)"]),
        ([], []),
    ],
)
def test_companies_that_the_text_never_names_are_a_note(names: list[str], absent: list[str]) -> None:
    task = named(names, "LUMORA's plan for Nestle\u0301 and Open Sea; 株式会社日立製作所も。")
    told = found("unnamed_labels", task)
    assert [(one.level, one.what.endswith(": " + ", ".join(absent))) for one in told] == [("note", True)] * len(absent)


def test_classes_that_no_input_names_are_no_labels_of_this_kind(sound: Task) -> None:
    assert found("unnamed_labels", sound) == []


@pytest.mark.parametrize(("others", "level"), [(6, "note"), (40, "error")])
def test_a_word_that_tells_a_label_that_is_nearly_always_the_same_is_a_note(others: int, level: str) -> None:
    rare = [replace(example("train", n, text=f"zeppelin {words(20)}"), expected={"mood": "bad"}) for n in range(others)]
    rest = [example("train", n) for n in range(others, 100)]
    told = [one for one in found("shortcuts", task_of([*rare, *rest], [])) if "'zeppelin'" in one.what]
    assert [one.level for one in told] == [level]
