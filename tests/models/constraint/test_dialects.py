"""What each vendor is sent of a schema, what is left out of it, and that only what was sent can be disobeyed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import ConfigError
from evalkit.golden.schema import Schema
from evalkit.models.constraint import anthropic_dialect, llama_grammar, openai_dialect
from evalkit.models.constraint.envelope import unwrapped
from evalkit.models.constraint.held import as_it_is, parts_of

ROOT = Path(__file__).parents[3]
TASKS = ("market_direction", "news_metadata", "request_router", "ticket_priority")
PERSON = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "format": "iri"},
        "age": {"type": "integer", "minimum": 0},
        "not": {"enum": ["a", None]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "uniqueItems": True, "maxItems": 3},
    },
    "$defs": {"part": {"oneOf": [{"type": ["string", "null"]}, {"type": "object", "properties": {"n": {"const": 1}}}]}},
}


def schema_of(task: str) -> dict[str, Any]:
    return json.loads((ROOT / "golden" / task / "schema.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def keywords(schema: Mapping[str, Any]) -> Iterator[str]:
    for _, part in parts_of(schema):
        yield from part


def test_openai_is_sent_its_own_subset_and_the_rest_is_named() -> None:
    held = openai_dialect.hold(PERSON)
    assert {*keywords(held.sent)} == {
        "type", "required", "properties", "additionalProperties", "$defs", "minimum", "enum", "items", "$ref",
        "maxItems", "anyOf", "const",
    }  # fmt: skip
    assert held.sent["required"] == ["name", "age", "not", "parts"]
    assert held.sent["properties"]["not"] == {"enum": ["a", None], "type": ["string", "null"]}
    assert not held.enveloped
    assert set(held.left_out) == {
        "minLength at properties.name",
        "format iri at properties.name",
        "uniqueItems at properties.parts",
        "optional fields at the root: age, not, parts must be there",
        "additionalProperties at the root: there can be none",
        "oneOf at $defs.part, which is sent as anyOf",
        "optional fields at $defs.part.oneOf[1]: n must be there",
        "additionalProperties at $defs.part.oneOf[1]: there can be none",
    }


@pytest.mark.parametrize("task", TASKS)
def test_openai_is_sent_no_choice_at_the_root(task: str) -> None:
    held = openai_dialect.hold(schema_of(task))
    assert held.enveloped
    assert held.sent["type"] == "object"
    assert not {"oneOf", "anyOf", "minLength", "maxLength", "uniqueItems"} & {*held.sent}
    assert not {"oneOf", "minLength", "maxLength", "uniqueItems"} & {*keywords(held.sent)}
    for _, part in parts_of(held.sent):
        if "properties" in part:
            assert (part["additionalProperties"], part["required"]) == (False, list(part["properties"]))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("dialect", [openai_dialect, anthropic_dialect, llama_grammar])
def test_what_the_task_accepts_obeys_every_dialect(task: str, dialect: Any) -> None:
    held = dialect.hold(schema_of(task))
    for split in ("dev", "malformed"):
        for line in (ROOT / "golden" / task / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            expected = json.loads(line)["expected"]
            assert Schema(held.obeyed).violation(expected) is None
            if held.enveloped:
                assert Schema(held.sent).violation({"answer": expected}) is None


@pytest.mark.parametrize("dialect", [openai_dialect, anthropic_dialect, llama_grammar])
def test_a_keyword_that_was_left_out_is_not_disobeyed(dialect: Any) -> None:
    held = dialect.hold(schema_of("news_metadata"))
    twice = {"company_names": ["A", "A"], "relevance_score": 1, "key_insights": [], "summary": "x"}
    assert any("uniqueItems at oneOf[0].properties.company_names" in told for told in held.left_out)
    assert Schema(held.obeyed).violation(twice) is None
    assert Schema(held.obeyed).violation({**twice, "more": 1}) is not None


def test_anthropic_is_sent_what_its_sdk_makes_of_a_schema() -> None:
    from anthropic import transform_schema

    schema = {key: value for key, value in schema_of("ticket_priority").items() if key != "$schema"}
    held = anthropic_dialect.hold(schema_of("ticket_priority"))
    assert held.sent == transform_schema(schema)
    assert held.left_out == (
        "oneOf at the root, which is sent as anyOf",
        "minLength at oneOf[0].properties.reason",
        "maxLength at oneOf[0].properties.reason",
    )


def test_a_server_of_others_is_sent_all_and_not_blamed_for_what_no_grammar_holds() -> None:
    schema = schema_of("news_metadata")
    held = as_it_is(schema)
    twice = {"company_names": ["A", "A"], "relevance_score": 1, "key_insights": [], "summary": "x"}
    assert held.sent == schema
    assert held.left_out == ("uniqueItems at oneOf[0].properties.company_names",)
    assert Schema(held.obeyed).violation(twice) is None
    assert Schema(held.obeyed).violation({**twice, "relevance_score": 11}) is not None


def test_lists_of_types_reach_anthropic_as_choices() -> None:
    held = anthropic_dialect.hold({"properties": {"n": {"type": ["integer", "null"]}}, "additionalProperties": False})
    assert held.sent["properties"]["n"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert held.left_out == ()


def test_a_schema_that_the_sdk_cant_say_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Anthropic's SDK can't send this schema: Schema must have a 'type'"):
        anthropic_dialect.hold({"type": "object", "properties": {"a": {}}})


def test_ollama_is_sent_all_and_its_grammar_holds_bounds_of_integers_alone() -> None:
    held = llama_grammar.hold(schema_of("market_direction"))
    assert held.sent == schema_of("market_direction")
    assert "maximum at oneOf[0].properties.relevance" in held.left_out
    assert "minimum" in llama_grammar.hold(PERSON).obeyed["properties"]["age"]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('{"answer": {"a": "}"}}', '{"a": "}"}'),
        ('\n{ "answer":{"a":1.0} }\n', '{"a":1.0}'),
        ('{"answer": {"a": 1}, "more": 2}', None),
        ('{"a": 1}', None),
        ('{"answer": {"a": ', None),
        ('Sure: {"answer": {"a": 1}}', None),
    ],
)
def test_the_object_around_an_answer_is_taken_off_and_nothing_else_is(text: str, inside: str | None) -> None:
    assert unwrapped(text) == (text if inside is None else inside)
