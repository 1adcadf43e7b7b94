"""The floors answer without reading: what scores well by them scores for nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit._internal.registry import find
from evalkit.errors import ConfigError, MissingModel
from evalkit.golden.model import Task
from evalkit.judging.answer import Grader
from evalkit.models.backend import Backend, Opening, Spec
from evalkit.models.backends.floors.empty import least
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD, BAD = {"mood": "good", "strength": 0.9}, {"mood": "bad", "strength": 0.5}


def opened(task: Task, spec: str) -> Backend:
    parsed = Spec.parse(spec)
    backend: Backend = find("backends", parsed.scheme).open_backend(Opening(parsed, task, task.folder))
    return backend


def said(task: Task, spec: str, split: str = "test") -> list[Any]:
    """What the backend answers to a split: the objects that are read from prefill and completion."""
    examples, marker, backend = task.splits[split], Grader(task), opened(task, spec)
    answered = backend.answer([render(task, example) for example in examples])
    texts = {request.example_id: (request, completion) for request, completion in answered}
    marked = []
    for example in examples:
        request, completion = texts[example.id]
        assert not isinstance(completion, Exception)
        marked.append(marker.grade(spec, example, request, completion).value)
    return marked


def train(project: MiniProject, *expected: dict[str, Any]) -> Task:
    project.split("train", [{"id": f"l-{n}", "input": {"text": "x"}, "expected": e} for n, e in enumerate(expected)])
    return project.task()


def test_empty_says_the_least_that_the_schema_accepts(project: MiniProject) -> None:
    assert said(project.task(), "empty") == [{"mood": "good", "strength": 0}] * 12


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "number", "minimum": -1, "maximum": 1}, 0),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "number", "maximum": -2}, -2),
        ({"type": "integer", "minimum": -5, "maximum": -2}, -2),
        ({"type": "string"}, ""),
        ({"type": "string", "minLength": 3}, "---"),
        ({"type": "array", "minItems": 2, "items": {"type": "boolean"}}, [False, False]),
        ({"type": ["null", "string"]}, None),
        ({"type": ["string", "null"]}, None),
        ({"type": ["number", "string"]}, ""),
        ({"type": ["boolean", "number"]}, False),
        ({"anyOf": [{"const": 7}, {"type": "string"}]}, ""),
        ({"anyOf": [{"type": "string"}, {"const": 7}]}, ""),
        ({"enum": ["a", None]}, None),
        ({"type": "integer", "minimum": 0.5}, 1),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.5),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "exclusiveMaximum": 0, "minimum": -1}, -0.5),
        ({"type": "integer", "exclusiveMinimum": 2}, 3),
        ({"type": "integer", "multipleOf": 5, "minimum": 7}, 10),
        ({"$ref": "#/$defs/size", "$defs": {"size": {"type": "number", "minimum": 3}}}, 3),
        ({"$ref": "#/$defs/size", "minimum": 4, "$defs": {"size": {"type": "number", "minimum": 3}}}, 4),
        ({"allOf": [{"type": "number"}, {"minimum": 2}, {"minimum": 1}]}, 2),
        (
            {
                "$ref": "#/$defs/a",
                "$defs": {
                    "a": {"required": ["b"], "properties": {"b": {"$ref": "#/$defs/b"}}},
                    "b": {"type": ["integer", "null"]},
                },
            },
            {"b": None},
        ),
        ({"type": "array", "minItems": 1, "items": {"anyOf": [{"$ref": "#"}, {"type": "string"}]}}, [""]),
        ({"required": ["next"], "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}, {"next": None}),
        ({"type": "object", "required": ["a"], "properties": {"a": {"enum": ["x", "y"]}, "b": {}}}, {"a": "x"}),
    ],
)
def test_least_is_as_near_to_nothing_as_the_schema_allows(schema: dict[str, Any], value: Any) -> None:
    assert least(schema) == value


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "^x"}}},
        {"type": "array"},
    ],
)
def test_empty_says_where_a_schema_is_beyond_it(project: MiniProject, schema: Any) -> None:
    task = replace(project.task(), schema=schema)
    with pytest.raises(MissingModel, match=r"empty: can't think of an empty object for .*golden/mood/schema.json"):
        opened(task, "empty")


ANSWER = {
    "type": "object",
    "required": ["mood"],
    "properties": {
        "mood": {"$ref": "#/$defs/mood"},
        "names": {"type": "array", "items": {"type": "string"}},
        "size": {"type": ["number", "null"]},
        "why": {"type": "string"},
    },
    "$defs": {"mood": {"enum": ["good", "bad"]}},
}


@pytest.mark.parametrize(
    ("expected", "floor"),
    [
        ({"names": [], "size": 3}, {"mood": "good", "names": []}),
        ({"names": ["x"], "size": None}, {"mood": "good", "size": None}),
        ({"names": ["x"], "size": 0.1}, {"mood": "good", "size": 0}),
        ({"names": ["x"], "size": 3}, {"mood": "good"}),
        ({"names": [], "size": None, "why": ""}, {"mood": "good", "names": [], "size": None}),
    ],
)
def test_an_optional_field_is_filled_only_where_its_emptiest_value_scores(
    project: MiniProject, expected: dict[str, Any], floor: dict[str, Any]
) -> None:
    """`why` is scored by nothing."""
    project.write("golden/mood/schema.json", json.dumps(ANSWER))
    project.contract("[scores.strength]", '[scores.names]\nscorer = "set"\nboth_empty = 1\n\n[scores.strength]')
    project.contract("[scores.strength]", '[scores.strength]\nfield = "size"')
    project.contract('field = "strength"\nmeasure', 'field = "size"\nmeasure')
    for split in ("train", "reference", "malformed"):
        (project.folder / f"{split}.jsonl").unlink()
    project.contract("[thresholds.malformed]\nerror = 0.5", "")
    lines = [{"id": f"t-{n}", "input": {"text": "x"}, "expected": {"mood": "bad", **expected}} for n in range(2)]
    project.split("test", lines)
    assert said(project.task(), "empty") == [floor] * 2


@pytest.mark.parametrize("schema", [True, {}, {"type": ["array", "object"]}, {"anyOf": [{"type": "null"}, {}]}])
def test_where_any_object_will_do_the_least_is_none_of_it(project: MiniProject, schema: Any) -> None:
    task = replace(project.task(), schema=schema, scores={})
    assert said(task, "empty") == [{}] * 12


def test_an_answer_that_holds_another_without_end_has_no_floor(project: MiniProject) -> None:
    schema = {"required": ["next"], "properties": {"next": {"$ref": "#"}}}
    with pytest.raises(MissingModel, match=r"needs another of its kind inside it, without end"):
        opened(replace(project.task(), schema=schema), "empty")


def test_majority_counts_null_as_a_value_and_not_as_a_number(project: MiniProject) -> None:
    project.change("golden/mood/schema.json", '"type": "number"', '"type": ["number", "null"]')
    numbers = [{"mood": "bad", "strength": n / 20} for n in range(15)]
    nulls = [{"mood": "bad", "strength": None}] * 14
    assert said(train(project, *numbers, *nulls), "majority")[0]["strength"] == 7 / 20
    assert said(train(project, *numbers, *nulls, *nulls[:2]), "majority")[0]["strength"] is None


def test_majority_says_the_commonest_value_of_each_field(project: MiniProject) -> None:
    task = train(project, GOOD, {"mood": "bad", "strength": 0.9}, BAD, {"error": "no_text"})
    assert said(task, "majority") == [{"mood": "bad", "strength": 0.9}] * 12


def test_majority_takes_the_median_of_many_numbers(project: MiniProject) -> None:
    task = train(project, *({"mood": "bad", "strength": n / 20} for n in range(15)))
    assert said(task, "majority")[0] == {"mood": "bad", "strength": 7 / 20}


def test_the_order_of_train_makes_no_difference_to_a_tie(project: MiniProject) -> None:
    first, second = (said(train(project, *order), "majority")[0]["mood"] for order in ((GOOD, BAD), (BAD, GOOD)))
    assert first == second


def test_a_field_that_few_examples_have_is_no_majority(project: MiniProject) -> None:
    project.change("golden/mood/schema.json", '"mood": {"enum"', '"why": {"type": "string"}, "mood": {"enum"')
    task = train(project, GOOD, BAD, {**BAD, "why": "because"})
    assert said(task, "majority")[0] == BAD


def test_majority_without_train_is_missing(project: MiniProject) -> None:
    (project.folder / "train.jsonl").unlink()
    with pytest.raises(MissingModel, match=r"majority: mood has no train.jsonl to take a majority from"):
        opened(project.task(), "majority")


def test_a_majority_that_the_schema_refuses_is_missing_and_not_a_floor_of_zero(project: MiniProject) -> None:
    schema = {"oneOf": [
        {"type": "object", "required": ["mood", "strength"],
         "properties": {"mood": {"const": mood}, "strength": {"const": strength}}}
        for mood, strength in (("good", 1), ("bad", 2), ("bad", 3), ("good", 2))
    ]}  # fmt: skip
    answers = [{"mood": "good", "strength": 1}, {"mood": "good", "strength": 2}, {"mood": "bad", "strength": 3}]
    project.write("golden/mood/schema.json", json.dumps(schema))
    project.split("malformed", [])
    for split in ("test", "reference"):
        project.split(split, [{"id": f"{split}-1", "input": {"text": "x"}, "expected": answers[0]}])
    task = train(project, *answers, answers[2], answers[1], {"mood": "good", "strength": 1}, answers[2])
    with pytest.raises(MissingModel, match="the commonest values of mood make no answer: "):
        opened(task, "majority")


def test_error_says_the_commonest_error_object(project: MiniProject) -> None:
    project.append("malformed", {"id": "m-2", "input": {"text": "x"}, "expected": {"error": "not_english"}})
    task = train(project, {"error": "not_english"}, GOOD)
    assert said(task, "error") == [{"error": "not_english"}] * 12


def test_error_is_missing_where_the_task_knows_no_error_object(project: MiniProject) -> None:
    (project.folder / "malformed.jsonl").unlink()
    with pytest.raises(MissingModel, match="error: mood expects no error object anywhere"):
        opened(project.task(), "error")


@pytest.mark.parametrize("split", ["test", "reference", "malformed"])
def test_the_oracle_says_what_is_expected(project: MiniProject, split: str) -> None:
    task = project.task()
    assert said(task, "oracle", split) == [example.expected for example in task.splits[split]]


def test_the_oracle_of_other_data_is_another_model(project: MiniProject) -> None:
    before = opened(project.task(), "oracle").fingerprint
    project.change("golden/mood/malformed.jsonl", "no_text", "not_english")
    assert opened(project.task(), "oracle").fingerprint != before


@pytest.mark.parametrize("value", [GOOD, {"mood": "good", "strength": 1e-3}])
def test_constant_says_the_object_in_its_spec(project: MiniProject, value: dict[str, Any]) -> None:
    assert said(project.task(), f"constant:{json.dumps(value)}") == [value] * 12


def test_a_plus_in_a_constant_is_no_adapter(project: MiniProject) -> None:
    assert opened(project.task(), 'constant:{"a": "x+y"}').fingerprint == {"constant": {"a": "x+y"}}


def test_a_constant_that_is_no_json_is_told(project: MiniProject) -> None:
    with pytest.raises(ConfigError, match=r"constant:{mood}: not valid JSON: Expecting property name"):
        opened(project.task(), "constant:{mood}")


@pytest.mark.parametrize("floor", ["empty", "majority", "oracle"])
@pytest.mark.parametrize("prefill", ["", "{", '{"mood": ', '{"mood":', '{\n  "mood" : "', "\n{ "])
def test_a_floor_goes_on_from_the_prefill_as_every_model_does(project: MiniProject, floor: str, prefill: str) -> None:
    project.contract("[decoding]", f"prefill = {json.dumps(prefill)}\n[decoding]")
    assert None not in said(project.task(), floor)


def test_a_floor_that_the_prefill_leaves_no_way_to_say_is_unreadable(project: MiniProject) -> None:
    project.contract("[decoding]", "prefill = '{\"mood\": '\n[decoding]")
    assert said(project.task(), "error")[0] is None


# -- words ------------------------------------------------------------------------------------------


def taught(project: MiniProject, *pairs: tuple[str, dict[str, Any]]) -> Task:
    lines = [{"id": f"l-{n}", "input": {"text": text}, "expected": answer} for n, (text, answer) in enumerate(pairs)]
    project.split("train", lines)
    return project.task()


LESSONS = [
    ("all is sunny and warm", GOOD),
    ("sunny again, and warm", GOOD),
    ("rain and cold rain", BAD),
    ("cold, and more rain", BAD),
    ("what a sunny day", GOOD),
    ("rain all day", BAD),
]


def answers_to(task: Task, *texts: str) -> list[Any]:
    """What `words` answers to these inputs."""
    first = task.splits["test"][0]
    requests = [render(task, replace(first, id=text, input={"text": text})) for text in texts]
    answered = {request.example_id: answer for request, answer in opened(task, "words").answer(requests)}
    return [json.loads(answered[text].text) for text in texts]


def test_words_tell_a_closed_field_by_what_stands_in_the_text(project: MiniProject) -> None:
    good, bad = answers_to(taught(project, *LESSONS), "so sunny", "so much rain")
    assert (good["mood"], bad["mood"]) == ("good", "bad")


def test_words_give_every_other_field_as_the_majority_does(project: MiniProject) -> None:
    task = taught(project, *LESSONS, ("sunny", GOOD))
    assert {answer["strength"] for answer in answers_to(task, "sunny", "rain")} == {0.9}


def test_words_answer_with_an_error_object_where_train_has_such(project: MiniProject) -> None:
    nothing = [(f"xx yy zz {n}", {"error": "no_text"}) for n in range(8)]
    task = taught(project, *LESSONS, *nothing)
    assert answers_to(task, "xx yy zz") == [{"error": "no_text"}]
    assert "mood" in answers_to(task, "sunny and warm")[0]


def test_words_need_a_train_split(project: MiniProject) -> None:
    (project.folder / "train.jsonl").unlink()
    with pytest.raises(MissingModel, match=r"no train\.jsonl to learn from"):
        opened(project.task(), "words")


def test_words_know_the_nearest_anchor_of_a_number(project: MiniProject) -> None:
    file = project.folder / "task.toml"
    score = '[scores.size]\nfield = "strength"\nscorer = "number"\ntolerance = 0.1\nanchors = [0.1, 0.9]'
    file.write_text(f"{file.read_text()}\n{score}\n")
    lessons = [(text, {**answer, "strength": 0.8 if answer is GOOD else 0.2}) for text, answer in LESSONS]
    good, bad = answers_to(taught(project, *lessons), "so sunny", "so much rain")
    assert (good["strength"], bad["strength"]) == (0.9, 0.1)
