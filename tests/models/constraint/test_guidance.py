"""What llguidance holds of a schema: whatever it lets through, the schema accepts; what it can't hold is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from evalkit.errors import BackendDied, ConfigError, MissingModel
from evalkit.golden.model import Decoding
from evalkit.golden.schema import Schema
from evalkit.models.constraint import guidance
from evalkit.models.constraint.guidance import check_no_reasoning, for_llama_cpp, grammar, hold
from evalkit.models.request import Message, Request

ROOT = Path(__file__).parents[3]
TASKS = ("market_direction", "news_metadata", "request_router", "ticket_priority")


def schema_of(task: str) -> dict[str, Any]:
    return json.loads((ROOT / "golden" / task / "schema.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


BYTES = LLTokenizer("byte")
"""A tokenizer of which every token is one byte."""


def accepts(schema: Mapping[str, Any], text: str) -> bool:
    """Whether the grammar lets ``text`` be a whole answer."""
    matcher = LLMatcher(BYTES, grammar(hold(schema).sent))
    assert not matcher.is_error(), matcher.get_error()
    tokens = list(text.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def written(schema: Mapping[str, Any], choices: st.DataObject, most: int = 400) -> str | None:
    """An answer that the grammar lets through, byte by byte as ``choices`` draws; None where it does not end."""
    matcher = LLMatcher(BYTES, grammar(hold(schema).sent))
    out = bytearray()
    while not matcher.is_stopped():
        assert not matcher.is_error(), matcher.get_error()
        mask = matcher.compute_bitmask()
        allowed = [byte for byte in range(256) if mask[byte // 8] >> (byte % 8) & 1]
        if not allowed:
            break
        plain = [byte for byte in allowed if 32 <= byte < 127 and byte != ord("\\")]
        byte = choices.draw(st.sampled_from(plain or allowed))
        assert matcher.consume_token(byte)
        out.append(byte)
        if len(out) > most:
            return None
    return out.decode()


def numbers(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    low, high = st.integers(-50, 20), st.integers(21, 90)
    bounds = st.fixed_dictionaries({}, optional={"minimum": low, "maximum": high, "exclusiveMinimum": low})
    return bounds.map(lambda part: {"type": kind, **part})


LEAVES = st.one_of(
    numbers("integer"),
    numbers("number"),
    st.just({"type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 40}),
    st.fixed_dictionaries({"type": st.just("string"), "minLength": st.integers(0, 2), "maxLength": st.integers(2, 4)}),
    st.sampled_from(["^[a-c]{1,3}$", "^(yes|no)$", r"^\d{2}-\d$"]).map(
        lambda text: {"type": "string", "pattern": text}
    ),
    st.sampled_from(["date", "time", "ipv4", "uuid"]).map(lambda name: {"type": "string", "format": name}),
    st.lists(st.sampled_from(["a", 'say "b"', 3, None, True, "é"]), min_size=1, max_size=3).map(lambda v: {"enum": v}),
    st.sampled_from([{"a": 1}, "x", 4]).map(lambda value: {"const": value}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["integer", "null"]}, {"$ref": "#/$defs/part"}]),
)


def objects(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def closed(fields: dict[str, Any], optional: bool) -> dict[str, Any]:
        required = list(fields)[:-1] if optional else list(fields)
        return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}

    return st.builds(closed, st.dictionaries(st.sampled_from("abcd"), parts, min_size=1, max_size=3), st.booleans())


def wider(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least, "maxItems": 2},
        parts,
        st.integers(0, 2),
    )
    rows = st.lists(parts, min_size=1, max_size=2).map(
        lambda items: {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    )
    choices = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        lists, rows, objects(parts), choices.map(lambda of: {"anyOf": of}), choices.map(lambda of: {"oneOf": of})
    )


PART = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
SCHEMAS = objects(st.recursive(LEAVES, wider, max_leaves=6)).map(lambda schema: {**schema, "$defs": {"part": PART}})


@settings(max_examples=100, deadline=None)
@given(SCHEMAS, st.data())
def test_what_the_grammar_lets_through_the_schema_accepts(schema: dict[str, Any], choices: st.DataObject) -> None:
    held = hold(schema)
    answer = written(schema, choices)
    if answer is None:
        return
    value = json.loads(answer)
    assert Schema(held.obeyed).violation(value) is None
    if not held.left_out:
        assert Schema(schema).violation(value) is None


@pytest.mark.parametrize("task", TASKS)
def test_every_expected_answer_of_the_golden_tasks_can_be_written(task: str) -> None:
    schema = schema_of(task)
    for split in ("dev", "reference", "malformed"):
        for line in (ROOT / "golden" / task / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            expected = json.loads(line)["expected"]
            order = next(part["properties"] for part in schema["oneOf"] if set(part["properties"]) == set(expected))
            assert accepts(schema, json.dumps({name: expected[name] for name in order}, ensure_ascii=False)), expected


@pytest.mark.parametrize(
    ("task", "wrong"),
    [
        ("ticket_priority", '{"priority": "urgent", "reason": "x"}'),
        ("ticket_priority", '{"reason": "x"}'),
        ("ticket_priority", '{"priority": "low", "reason": ""}'),
        ("ticket_priority", '{"priority": "low", "reason": "x", "more": 1}'),
        ("ticket_priority", '{"priority":"low","reason":"x"}'),
        ("news_metadata", '{"company_names": [], "relevance_score": 11, "key_insights": [], "summary": "x"}'),
        ("news_metadata", '{"company_names": [], "relevance_score": 1.5, "key_insights": [], "summary": "x"}'),
        ("request_router", '{"error": "no"}'),
        ("request_router", 'Sure! {"error": "injection"}'),
        ("market_direction", '{"error": "injection"} I hope this helps'),
    ],
)
def test_a_wrong_answer_cant_be_written(task: str, wrong: str) -> None:
    assert not accepts(schema_of(task), wrong)


def test_a_schema_that_is_held_whole_is_asked_as_it_stands_so_that_stored_answers_stay() -> None:
    for task in ("market_direction", "request_router", "ticket_priority"):
        assert json.dumps(hold(schema_of(task)).sent) == json.dumps(schema_of(task))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guidance, "find_spec", lambda _: None)
    with pytest.raises(MissingModel, match=r"llguidance.*pip install 'pytest-evalkit\[hf\]'"):
        hold({"type": "object"})


def test_unique_items_are_left_out_and_told_and_are_no_breach() -> None:
    held = hold(schema_of("news_metadata"))
    assert held.left_out == ("uniqueItems at oneOf[0].properties.company_names",)
    twice = {"company_names": ["A", "A"], "relevance_score": 1, "key_insights": [], "summary": "x"}
    assert Schema(held.obeyed).violation(twice) is None
    assert Schema(schema_of("news_metadata")).violation(twice) is not None


def test_a_one_of_whose_branches_overlap_is_held_as_any_of_and_told() -> None:
    schema = {"type": "object", "properties": {"n": {"oneOf": [{"type": "integer"}, {"type": "number"}]}}}
    held = hold(schema)
    assert held.left_out == ("oneOf at properties.n, which is held as anyOf",)
    assert Schema(held.obeyed).violation({"n": 1}) is None


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"not": {"type": "null"}}, r'not {"type": "null"} at properties\.a'),
        ({"if": {"type": "string"}, "then": {"minLength": 3}}, r"if .* at properties\.a; then .* at properties\.a"),
        ({"type": "array", "contains": {"type": "null"}}, r"contains .* at properties\.a"),
        ({"type": "object", "propertyNames": {"pattern": "^a"}}, r"propertyNames .* at properties\.a"),
        ({"type": "string", "format": "iri"}, r'format "iri" at properties\.a'),
        ({"type": "string", "pattern": "^(?!x)y"}, r"pattern .* at properties\.a"),
        ({"type": "array", "items": {"not": {}}}, r"not {} at properties\.a\.items"),
        ({"type": "integer", "minimum": 3, "maximum": 1}, r"minimum 3 at properties\.a"),
        ({"$ref": "#/$defs/b"}, r"dependentRequired .* at \$defs\.b"),
    ],
)
def test_what_cant_be_held_is_refused_by_name_and_place(part: dict[str, Any], told: str) -> None:
    definitions = {"b": {"type": "object", "dependentRequired": {"a": ["b"]}}} if "$ref" in part else {}
    schema = {"type": "object", "properties": {"a": part}, "required": ["a"], "$defs": definitions}
    with pytest.raises(ConfigError, match=f"can't hold an answer to {told}: write the schema without that"):
        hold(schema)


def test_a_field_that_is_called_like_a_keyword_is_a_field() -> None:
    schema = {"type": "object", "properties": {"not": {"type": "boolean"}, "uniqueItems": {"const": 1}}}
    assert hold(schema).left_out == ()
    assert accepts(schema, '{"not": true, "uniqueItems": 1}')


def test_llama_cpp_is_handed_the_same_spelling() -> None:
    schema = for_llama_cpp(hold(schema_of("market_direction")).sent)
    assert schema["x-guidance"]["whitespace_flexible"] is False
    assert schema["oneOf"][0]["properties"]["relevance"]["multipleOf"] == 0.001


def test_a_template_that_opens_the_reasoning_and_a_schema_exclude_each_other() -> None:
    request = Request("moods", "t-1", (Message("user", "Rain"),), "", Decoding(), schema={"type": "object"})
    check_no_reasoning(request, "<|im_start|>assistant\n")
    with pytest.raises(BackendDied, match=r"moods: the chat template opens the reasoning.*set thinking = false"):
        check_no_reasoning(request, "<|im_start|>assistant\n<think>\n")
