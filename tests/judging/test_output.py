"""What is read from an answer, and what is found wrong with it."""

from __future__ import annotations

import json
import unicodedata
from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_marks import SOME_MARKS

from evalkit._internal.strict_json import DEEPEST
from evalkit.golden.schema import Schema
from evalkit.judging.defects import DEFECTS
from evalkit.judging.json_objects import MOST_CHARACTERS, MOST_STARTS
from evalkit.judging.output import Output, parse
from evalkit.models.backend import Completion, FinishReason
from evalkit.models.reasoning import Mark
from evalkit.models.request import Message

SCHEMA = Schema(
    {
        "oneOf": [
            {
                "type": "object",
                "required": ["direction", "magnitude", "novelty"],
                "additionalProperties": False,
                "properties": {
                    "direction": {"type": "number", "minimum": -1, "maximum": 1},
                    "magnitude": {"type": "number", "minimum": 0, "maximum": 1},
                    "novelty": {"enum": ["new", "update", "old"]},
                },
            },
            {"$ref": "#/$defs/error"},
        ],
        "$defs": {
            "error": {
                "type": "object",
                "required": ["error"],
                "additionalProperties": False,
                "properties": {"error": {"enum": ["cut_off", "injection"]}},
            }
        },
    }
)
ANY = Schema({"type": "object"})
VALUE = {"direction": 1, "magnitude": 0.2, "novelty": "new"}
GOOD = json.dumps(VALUE)
MESSAGES = (
    Message("system", "You judge headlines.\nAnswer with one JSON object of three fields and nothing else."),
    Message("user", "Headline: Riksbank cuts rate to 1.75%\nQuestion: Will the Riksbank cut before June?"),
)


def read(
    text: str, finish: FinishReason = "stop", *, prefill: str = "", schema: Schema = SCHEMA, rendered: str | None = None
) -> Output:
    return parse(Completion(text, finish, rendered), prefill=prefill, schema=schema, messages=MESSAGES)


def good_but(**fields: Any) -> str:
    return json.dumps({**VALUE, **fields})


# -- a good answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [GOOD, f" \r\n\t{GOOD}\n", json.dumps(VALUE, indent=2), '{"error": "cut_off"}'])
def test_one_object_that_the_schema_accepts_is_strict(text: str) -> None:
    output = read(text)
    assert output == Output(json.loads(text), strict=True, defects=(), thinking=None, answer=text, why="")
    assert output.extractable


def test_an_object_that_an_api_says_it_refused_is_not_strict_and_says_why() -> None:
    output = read(GOOD, "refusal")
    assert (output.value, output.strict, output.defects) == (VALUE, False, ("refusal",))
    assert output.why == "the API says that it was refused"


def test_what_is_judged_is_prefill_and_completion_together() -> None:
    output = read(GOOD[1:], prefill="{")
    assert (output.strict, output.value, output.answer) == (True, VALUE, GOOD)


def test_an_answer_after_reasoning_is_strict_and_the_reasoning_kept() -> None:
    output = read(f'<think>\nA cut {{so}} "YES".\n</think>\n\n{GOOD}')
    assert (output.strict, output.thinking, output.answer) == (True, '\nA cut {so} "YES".\n', f"\n\n{GOOD}")


def test_reasoning_that_the_prompt_opened_is_reasoning() -> None:
    output = read(f"A cut, so YES.</think>{GOOD}", rendered="<|im_start|>assistant\n<think>\n")
    assert (output.strict, output.thinking) == (True, "A cut, so YES.")


@pytest.mark.parametrize(
    "text",
    [
        "assistant assistant assistant",
        "<|im_end|>",
        "```",
        "<think>",
        "{",
        "}",
        '{"a": 1}',
        "NaN",
        "I'm sorry, I can't",
    ],
)
def test_nothing_inside_a_string_is_a_defect(text: str) -> None:
    assert read(json.dumps({"reason": text}), schema=ANY).defects == ()


def test_an_object_that_ends_with_the_last_token_is_not_truncated() -> None:
    assert read(GOOD, "length").strict


# -- one defect at a time, as small models really write -----------------------------------------------


@pytest.mark.parametrize(
    ("text", "finish", "defects"),
    [
        ("", "stop", ("empty",)),
        (" \n\n", "stop", ("empty",)),
        ("<think>\n\n</think>\n\n", "stop", ("empty",)),
        ("The rate cut makes YES more likely.", "stop", ("prose_before",)),
        ("0.7", "stop", ("prose_before",)),
        ("[1, 2]", "stop", ("prose_before",)),
        (json.dumps(GOOD), "stop", ("prose_before", "prose_after", "not_json")),
        ("The assistant coach resigned, the system: unclear.", "stop", ("prose_before",)),
        ("assistant assistant assistant", "stop", ("role_marker",)),
        ("assistant\nassistant\nassistant\n", "length", ("role_marker", "truncated")),
        ("assistantassistantassistant", "length", ("role_marker", "truncated")),
        (GOOD[:40], "length", ("truncated",)),
        (GOOD[:40], "stop", ("truncated",)),
        (GOOD[:-2], "length", ("truncated",)),
        ('{"direction": tru', "length", ("truncated",)),
        ('{"direction": 1.', "length", ("truncated",)),
        (r'{"novelty": "\u00', "length", ("truncated",)),
        ("{", "length", ("truncated",)),
        ("{", "object_closed", ("truncated",)),
        ("Here is my judgement of the", "length", ("prose_before", "truncated")),
        ("{'direction': 1, 'magnitude': 0.2, 'novelty': 'new'}", "stop", ("not_json",)),
        ("{direction: 1, magnitude: 0.2}", "stop", ("not_json",)),
        (GOOD[:-1] + ",}", "stop", ("not_json",)),
        ('{"direction": 1 // up\n}', "stop", ("not_json",)),
        ('{"direction": +1}', "stop", ("not_json",)),
        ('{"novelty": "new\nold"}', "stop", ("not_json",)),
        ("{'direction': 1} Hope this helps!", "stop", ("prose_after", "not_json")),
        ('{"direction": up, "magnitude": 0.2', "length", ("truncated", "not_json")),
        ('{"direction": 1, "direction": -1, "magnitude": 0.2, "novelty": "new"}', "stop", ("duplicate_key",)),
        ('{"direction": 1, "magnitude": NaN, "novelty": "new"}', "stop", ("not_finite",)),
        ('{"direction": 1, "magnitude": -Infinity, "novelty": "new"}', "stop", ("not_finite",)),
        ('{"direction": 1, "magnitude": 1e999, "novelty": "new"}', "stop", ("not_finite",)),
        ('{"a": NaN, "a": 1}', "stop", ("duplicate_key", "not_finite")),
        ("<think>The headline says that the", "length", ("truncated", "unclosed_thinking")),
        (f"<think>So {GOOD}", "stop", ("truncated", "unclosed_thinking")),
        (good_but(novelty="recent"), "stop", ("schema_violation",)),
        (f'{{"answer": {GOOD}}}', "stop", ("schema_violation",)),
        ("{}", "stop", ("schema_violation",)),
        ('{"direction": 1}\n{"direction": 2}', "stop", ("several_objects", "schema_violation")),
        ("I'm sorry, but I can't assist with that.", "stop", ("refusal",)),
        ("As an AI language model, I cannot predict markets.", "stop", ("refusal",)),
        ("I’m unable to judge this headline.", "stop", ("refusal",)),
        ('{"I\'m sorry, but I can\'t assist with that."}', "stop", ("not_json", "refusal")),
    ],
)  # fmt: skip
def test_an_answer_without_a_usable_object_says_why(text: str, finish: FinishReason, defects: tuple[str, ...]) -> None:
    output = read(text, finish)
    assert (output.defects, output.value, output.strict, output.extractable) == (defects, None, False, False)
    assert output.why
    assert output.why.isprintable(), "one line"


@pytest.mark.parametrize(
    ("text", "finish", "defects"),
    [
        (f"Sure! Here is the JSON:\n{GOOD}", "stop", ("prose_before",)),
        (f"Use {{headline}} as given: {GOOD}", "stop", ("prose_before",)),
        (f'{{"direction": up}} {GOOD}', "stop", ("prose_before", "not_json")),
        (f"\ufeff{GOOD}", "stop", ("prose_before",)),
        (f"{GOOD}\n\nThe rate cut makes", "object_closed", ("prose_after",)),
        (f"{GOOD}\0", "stop", ("prose_after",)),
        (GOOD + "}", "stop", ("prose_after",)),
        (f"[{GOOD}]", "stop", ("prose_before", "prose_after")),
        (f"```json\n{GOOD}\n```", "stop", ("code_fence",)),
        (f"```\n{GOOD}", "object_closed", ("code_fence",)),
        (f"Here it is:\n```json\n{GOOD}\n```\nEnjoy!", "stop", ("prose_before", "prose_after", "code_fence")),
        (f"assistant\n{GOOD}", "stop", ("role_marker",)),
        (f"{GOOD}<|im_end|>\n<|im_start|>user", "object_closed", ("role_marker",)),
        (f"{GOOD}</s>[INST]", "object_closed", ("role_marker",)),
        (f"{GOOD}\nassistant\n{GOOD}", "stop", ("role_marker", "several_objects")),
        (f"User: what now?\nAssistant: {GOOD}", "stop", ("prose_before", "role_marker")),
        (f"Riksbank cuts rate to 1.75%\n{GOOD}", "stop", ("prose_before",)),
        (f"Riksbank cuts rate to 1.75% Question: Will the Riksbank\n{GOOD}", "stop", ("prose_before", "prompt_echo")),
        (f"{GOOD}\n{GOOD}", "stop", ("several_objects",)),
        (f'{{"thought": "a cut"}}\n{GOOD}', "stop", ("several_objects",)),
        (f"{GOOD}\n{GOOD[:20]}", "object_closed", ("prose_after",)),
        (f"{GOOD}\n{GOOD[:20]}", "length", ("prose_after", "truncated")),
        (f"{GOOD} or {{“direction”: 1}}", "stop", ("prose_after", "not_json")),
        (f'{GOOD} {{"direction": NaN}}', "stop", ("several_objects", "not_finite")),
    ],
)  # fmt: skip
def test_a_good_object_is_dug_out_of_what_stands_around_it(
    text: str, finish: FinishReason, defects: tuple[str, ...]
) -> None:
    output = read(text, finish)
    assert (output.defects, output.value, output.strict, output.extractable) == (defects, VALUE, False, True)
    assert output.why
    assert output.why.isprintable(), "one line"


def test_the_first_of_several_accepted_objects_is_the_value() -> None:
    assert read(f"{good_but(novelty='old')} {GOOD}").value == {**VALUE, "novelty": "old"}


def test_an_object_inside_another_is_not_a_further_one() -> None:
    output = read('{"a": {"b": {}}, "c": [{}, {}]}', schema=ANY)
    assert output.strict


def test_an_object_inside_a_broken_one_is_not_dug_out() -> None:
    assert read(f'{{"answer": {GOOD}, "why": "the').defects == ("truncated",)


def test_a_whole_object_after_a_prefilled_brace_is_a_defect_and_is_dug_out() -> None:
    output = read(GOOD, prefill="{")
    assert (output.value, output.defects, output.why) == (VALUE, ("prose_before",), "before the object: '{'")


def test_a_prefilled_answer_to_which_nothing_was_added_is_empty() -> None:
    assert read("", prefill="{").defects == ("empty", "truncated")


def test_a_refusal_after_a_prefilled_brace_is_a_refusal() -> None:
    assert read("I'm sorry, I can't do that.", prefill="{").defects == ("refusal",)


def test_text_that_was_cut_because_an_object_had_closed_is_not_truncated() -> None:
    assert read('{"direction": 1} {"dir', "object_closed").defects == ("prose_after", "schema_violation")


def test_a_short_message_counts_as_an_echo_only_as_a_whole() -> None:
    def echoed(text: str, *, asked: str) -> bool:
        output = parse(Completion(text, "stop"), prefill="", schema=ANY, messages=[Message("user", asked)])
        return "prompt_echo" in output.defects

    assert echoed("Fed  cuts\nrates {}", asked="Fed cuts rates")
    assert not echoed("Fed cuts {}", asked="Fed cuts rates")
    assert not echoed("up {}", asked="up")


def test_an_echo_inside_the_object_is_none_and_behind_it_is_one() -> None:
    asked = MESSAGES[1].content
    assert read(json.dumps({"reason": asked}), schema=ANY).strict
    assert read(f"{GOOD} {asked}").defects == ("prose_after", "prompt_echo")
    assert read(json.dumps({"reason": asked})[:-5], "length").defects == ("truncated",)


def test_an_earlier_answer_of_the_conversation_is_no_prompt() -> None:
    shot = Message("assistant", "The headline bears on the very matter asked about, so:")
    output = parse(Completion(f"{shot.content} {GOOD}", "stop"), prefill="", schema=SCHEMA, messages=[shot])
    assert output.defects == ("prose_before",)


def test_every_defect_has_a_meaning_of_one_sentence() -> None:
    assert all(meaning.endswith(".") and meaning.count(".") == 1 for meaning in DEFECTS.values())


# -- why ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the answer is empty"),
        ("Up.", "no object: 'Up.'"),
        ("<think>so", "the reasoning never closes"),
        (f"Sure! {GOOD}", "before the object: 'Sure! '"),
        (f"{GOOD} Done.", "after the object: ' Done.'"),
        ("{} {}", "direction: missing, expected number"),
        ('{"direction": 1, "mag', """the object never closes: it ends in '{"direction": 1, "mag'"""),
        ('{"direction": up}', "not JSON at character 14: expecting value, got 'up}'"),
        ('{"a": [{"b": 1, "b": 2}]}', "b: given more than once"),
        ('{"a": -Infinity}', "'-Infinity' is not a finite number"),
    ],
)
def test_why_names_the_place_and_what_stands_there(text: str, why: str) -> None:
    assert read(text).why == why


def test_why_names_a_further_object_by_its_place() -> None:
    assert read("{} {}", schema=ANY).why == "another object at character 3"


def test_a_label_that_differs_in_unicode_form_only_says_so() -> None:
    schema = Schema({"properties": {"city": {"enum": ["Málaga", "Lyon"]}, "unit": {"const": "m²"}}})
    decomposed = {"city": unicodedata.normalize("NFD", "Málaga")}
    assert str(schema.violation(decomposed)).startswith("city: differs in Unicode form only, got ")
    assert str(schema.violation({"unit": "m2"})).startswith("unit: differs in Unicode form only, got ")


@pytest.mark.parametrize(
    ("value", "violation"),
    [
        (VALUE, None),
        ({"error": "injection"}, None),
        ({**VALUE, "novelty": "recent"},
         "novelty: not one of the values, got 'recent', expected 'new', 'update' or 'old'"),
        ({**VALUE, "direction": "up"}, "direction: wrong type, got 'up', expected number"),
        ({**VALUE, "magnitude": 2}, "magnitude: out of range, got 2, expected at most 1"),
        ({"direction": 1, "magnitude": 0}, "novelty: missing, expected 'new', 'update' or 'old'"),
        (
            {**VALUE, "reason": "a cut"},
            "reason: not a field of the schema, got 'a cut', expected 'direction', 'magnitude' or 'novelty'",
        ),
        ({"error": "unclear"}, "error: not one of the values, got 'unclear', expected 'cut_off' or 'injection'"),
        ({**VALUE, "error": "cut_off"},
         "error: not a field of the schema, got 'cut_off', expected 'direction', 'magnitude' or 'novelty'"),
        ({}, "direction: missing, expected number"),
    ],
)  # fmt: skip
def test_a_violation_speaks_of_the_branch_that_was_meant(value: Any, violation: str | None) -> None:
    assert SCHEMA.violation(value) == violation


@pytest.mark.parametrize(
    ("schema", "value", "violation"),
    [
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 1]},
         "a[1]: wrong type, got 1, expected string"),
        ({"properties": {"a": {"properties": {"b": {"const": 1}}}}}, {"a": {"b": 2}},
         "a.b: not one of the values, got 2, expected 1"),
        ({"properties": {"a": {"anyOf": [{"type": "null"}, {"type": ["string", "number"]}]}}}, {"a": []},
         "a: wrong type, got [], expected null, string or number"),
        ({"properties": {"a": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 2}]}}}, {"a": "abc"},
         "a: refused, got 'abc', expected maxLength 2"),
        ({"properties": {"a": False}}, {"a": 1}, "a field: not allowed, got 1, expected none"),
        ({"minProperties": 1}, {}, "the object: refused, got {}, expected minProperties 1"),
        ({"oneOf": [{}, {"type": "object"}]}, {},
         "the object: fits more than one branch, got {}, expected exactly one of oneOf"),
        ({"properties": {"a b": {"exclusiveMinimum": 0}}}, {"a b": 0},
         "['a b']: out of range, got 0, expected more than 0"),
    ],
)  # fmt: skip
def test_a_violation_says_field_what_got_and_expected(schema: dict[str, Any], value: Any, violation: str) -> None:
    assert Schema(schema).violation(value) == violation


def test_a_violation_stays_one_short_line() -> None:
    violation = ANY.violation(["\n" * 100_000])
    assert violation is not None
    assert "\n" not in violation
    assert len(violation) < 300


def test_a_schema_that_calls_itself_is_followed_as_deep_as_objects_are_read() -> None:
    schema = Schema({"additionalProperties": {"$ref": "#"}, "type": ["object", "number"]})
    assert read('{"a":' * DEEPEST + "1" + "}" * DEEPEST, schema=schema).strict


def test_a_schema_that_never_ends_is_a_violation() -> None:
    nested: dict[str, Any] = {}
    for _ in range(2000):
        nested = {"a": nested}
    schema = Schema({"additionalProperties": {"$ref": "#"}})
    assert schema.violation(nested) == "the object: nested too deeply to be checked"


def test_an_invalid_schema_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"properties\.a\.type: 'text' is not valid"):
        Schema({"properties": {"a": {"type": "text"}}})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
    ],
)
def test_a_reference_that_leads_back_to_itself_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"'\$ref' is '#.*', which leads back to itself before any field"):
        Schema(schema)


def test_a_field_that_is_missing_is_told_with_what_its_reference_says() -> None:
    schema = Schema(
        {
            "required": ["mood"],
            "properties": {"mood": {"$ref": "#/$defs/mood"}},
            "$defs": {"mood": {"enum": ["a", "b"]}},
        }
    )
    assert schema.violation({}) == "mood: missing, expected 'a' or 'b'"


@pytest.mark.parametrize("reference", ["https://example.com/schema.json", "other.json", "#/$defs/missing"])
def test_a_schema_that_refers_outside_itself_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match=r"expected '#' or '#/\.\.\.' to a place in this schema"):
        Schema({"properties": {"a": {"$ref": reference}}})


# -- any text at all ----------------------------------------------------------------------------------

MILLION = 1_000_000


def million(unit: str) -> str:
    """``unit`` again and again, a million characters."""
    return unit * (MILLION // len(unit))


@pytest.mark.parametrize(
    ("text", "defects"),
    [
        (million("{"), ("prose_before", "truncated")),
        (million('{"a":'), ("truncated",)),
        (million('{"a":['), ("truncated",)),
        ('{"a":' + million("["), ("truncated",)),
        (million('{"'), ("truncated", "not_json")),
        (million("{'"), ("truncated", "not_json")),
        (million('{"a" '), ("truncated", "not_json")),
        (million('{"\\'), ("truncated", "not_json")),
        ('{"a": "' + million("{"), ("truncated",)),
        ('{"a": "' + million("\\"), ("truncated",)),
        ('{"a": "' + million('\\"'), ("truncated",)),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, ("schema_violation",)),
        ('{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1), ("schema_violation",)),
        ('{"a":' + "9" * 5_000 + "}", ("not_finite",)),
        ('{"a":' + "9" * 400 + "}", ("not_finite",)),
        ('{"a":-1' + "0" * 5_000 + ".5}", ("not_finite",)),
        (million("<think>"), ("truncated", "unclosed_thinking")),
        (million("<think></think>"), ("empty",)),
        (million("<"), ("prose_before",)),
        (million("\0"), ("prose_before",)),
        (million("\ud800"), ("prose_before",)),
        (million("\n"), ("empty",)),
        (million("assistant "), ("role_marker",)),
        (million("`"), ("code_fence",)),
    ],
)  # fmt: skip
def test_an_answer_that_means_harm_is_read_like_any_other(text: str, defects: tuple[str, ...]) -> None:
    output = read(text, schema=ANY)
    assert (output.defects, output.extractable) == (defects, False)
    assert len(output.why) < 300
    assert output.answer == (text if "<think>" not in text else "")


def test_a_million_objects_are_several() -> None:
    output = read("{} " * MILLION, schema=ANY)
    assert (output.value, output.defects) == ({}, ("prose_after", "several_objects"))


def test_objects_are_looked_for_at_a_bounded_number_of_places() -> None:
    assert read("{'a': 1} " * (MOST_STARTS - 1) + GOOD).value == VALUE
    assert read("{'a': 1} " * MOST_STARTS + GOOD).value is None


def test_a_good_object_behind_a_million_words_is_found() -> None:
    assert read(million("word ") + GOOD).value == VALUE


def test_an_object_is_read_up_to_a_bounded_size() -> None:
    small, large = ('{"a":"' + "x" * (MOST_CHARACTERS - 8 + more) + '"}' for more in (0, 1))
    assert read(small, schema=ANY).strict
    assert read(large, schema=ANY).why == "the object: ends after 100001 characters, read are 100000"


def test_white_space_around_an_object_has_no_bound() -> None:
    assert read(" " * MILLION + GOOD + "\n" * MILLION).strict


def test_the_largest_double_is_finite_and_a_long_fraction_too() -> None:
    output = read('{"a": 1' + "0" * 308 + ', "b": 0.' + "3" * 5_000 + ', "c": 1e-999}', schema=ANY)
    assert output.value == {"a": 10**308, "b": 0.3333333333333333, "c": 0.0}


@pytest.mark.parametrize(
    "text", ['{"a": "\ud800"}', r'{"a": "\ud800"}', r'{"\ude00": 1}', r'{"a": [{"b": "x\ud83d"}]}']
)
def test_half_a_character_is_taken_by_no_reader(text: str) -> None:
    output = read(text, schema=ANY)
    assert (output.value, output.strict, output.defects) == (None, False, ("lone_surrogate",))


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read(r'{"a": "\ud83d\ude00"}', schema=ANY).value == {"a": "😀"}


@pytest.mark.parametrize(
    "text",
    [
        "{“direction”: 1}",
        "{„direction“: 1}",
        '{\xa0"direction": 1}',
        '{\u200b"direction": 1}',
        '{ // up\n"direction": 1}',
        '{ /* up */ "direction": 1}',
        '{ # up\n"direction": 1}',
        r"{\"direction\": 1}",
        r"{\n \"direction\": 1}",
        "{direction: 1}",
        "{direction-size: 1}",
        "{'direction': 1}",
    ],
)
def test_what_was_meant_for_an_object_and_is_no_json_is_called_so(text: str) -> None:
    assert read(text).defects == ("not_json",)


@pytest.mark.parametrize("word", ["assistant", "<|im_start|>assistant", "<start_of_turn>model", "<|turn>model", "user"])
@pytest.mark.parametrize("glued", ["Да. ", "「はい」 ", "Sure. "])
def test_a_role_word_glued_to_a_text_of_any_script_is_one(word: str, glued: str) -> None:
    assert "role_marker" in read(f"{word}{glued}{GOOD}").defects
    assert "role_marker" in read(f"{word}{GOOD}").defects


@pytest.mark.parametrize("text", ["Users agree. ", "The systems: fine. ", "userland ", "assistants "])
def test_a_word_that_begins_like_a_role_is_none(text: str) -> None:
    assert "role_marker" not in read(f"{text}{GOOD}").defects


DRAFT = GOOD.replace("1", "-1", 1)


@pytest.mark.parametrize("mark", SOME_MARKS, ids=lambda mark: mark.opens)
def test_a_draft_in_the_reasoning_is_never_the_answer(mark: Mark) -> None:
    for opening in (mark.opens + mark.label, *([""] if mark.alone else [])):
        output = read(f"{opening}Maybe {DRAFT}? No, it rises.{mark.closes}{GOOD}")
        assert (output.value, output.strict) == (VALUE, True)
        assert DRAFT in (output.thinking or "")
        assert read(f"{opening}Maybe {DRAFT}? No, it rises.{mark.closes}").value is None
    assert (read(f"{mark.opens}Maybe {DRAFT}?").value is None) == mark.alone


def test_the_last_object_behind_the_reasoning_counts() -> None:
    assert read(f"<think>Hm.</think>{DRAFT} or rather {GOOD}").value == VALUE
    assert read(f"{DRAFT}<think>No.</think>{GOOD}").value == VALUE


def test_an_answer_that_is_all_reasoning_is_called_so() -> None:
    assert read(f"<think>So {GOOD}.</think>\n").defects == ("empty", "only_reasoning")
    apart = parse(Completion("", "stop", thinking=f"So {GOOD}."), prefill="", schema=SCHEMA)
    assert (apart.value, apart.defects) == (None, ("empty", "only_reasoning"))


@pytest.mark.parametrize("thinking", ["Hm.", ""])
def test_reasoning_that_a_server_took_out_does_not_swallow_the_answer(thinking: str) -> None:
    apart = Completion(GOOD, "stop", "<|im_start|>assistant\n<think>\n", thinking=thinking)
    output = parse(apart, prefill="", schema=SCHEMA)
    assert (output.value, output.strict, output.thinking) == (VALUE, True, thinking)


def test_a_tool_call_in_the_place_of_an_answer_is_called_so() -> None:
    assert parse(Completion("", "tool_call"), prefill="", schema=SCHEMA).defects == ("empty", "tool_call")


def test_an_alias_may_name_the_marks_of_its_reasoning() -> None:
    text = f"<ponder>Maybe {DRAFT}?</ponder>{GOOD}"
    completion = Completion(text, "stop")
    assert parse(completion, prefill="", schema=SCHEMA, reasoning=("<ponder>", "</ponder>")).value == VALUE


PIECES = ["{", "}", '"', "\\", " ", "\n", "a", ":", ",", "[", "]", "1", "NaN", "1e999", '"a":', '{"a":', "<think>",
         "</think>", "```json\n", "assistant", "<|im_end|>", "\0", "\ud800", "\ufeff", "\xa0",
         '{"a": 1}', '{"a": 1, "a": 2}',
         '{"b": 2}', "I'm sorry, I can't. ", '"}', "{}"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(st.characters(exclude_categories=()))
FINISHES = st.sampled_from(["stop", "length", "object_closed", "recorded"])
SOME = Schema({"required": ["a"]})


def as_a_strict_reader_would(text: str) -> Any:
    """The object that ``text`` is, and None where a reader that takes nothing on trust would refuse it."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def finite(text: str) -> float:
        assert isfinite(float(text))
        return float(text)

    try:
        value = json.loads(text.strip(" \t\n\r"), object_pairs_hook=unique, parse_constant=finite, parse_float=finite)
    except (ValueError, AssertionError):
        return None
    return value if isinstance(value, dict) and "a" in value else None


@given(text=TEXTS, prefill=st.sampled_from(["", "{", '{"a":', "<think>\n"]), finish=FINISHES)
def test_any_text_is_read_and_strict_means_that_nothing_is_wrong(text: str, prefill: str, finish: FinishReason) -> None:
    output = read(text, finish, prefill=prefill, schema=SOME)
    assert output.strict == (not output.defects) == (not output.why) == (output.extractable and not output.defects)
    assert list(output.defects) == [name for name in DEFECTS if name in output.defects]
    assert set(output.answer) <= set(prefill + text)
    assert "\n" not in output.why


@given(text=TEXTS.filter(lambda text: "<think>" not in text), finish=FINISHES)
def test_strict_is_what_a_strict_reader_accepts(text: str, finish: FinishReason) -> None:
    expected = as_a_strict_reader_would(text)
    output = read(text, finish, schema=SOME)
    assert output.strict == (expected is not None)
    assert not output.strict or output.value == expected


SPACE = st.text(" \t\n\r", max_size=5)
VALUES = st.fixed_dictionaries(
    {"direction": st.floats(-1, 1), "magnitude": st.floats(0, 1), "novelty": st.sampled_from(["new", "update", "old"])}
) | st.fixed_dictionaries({"error": st.sampled_from(["cut_off", "injection"])})


@given(before=SPACE, value=VALUES, indent=st.sampled_from([None, 0, 2]), after=SPACE, finish=FINISHES)
def test_an_accepted_object_comes_back_as_it_was_dumped(
    before: str, value: dict[str, Any], indent: int | None, after: str, finish: FinishReason
) -> None:
    output = read(before + json.dumps(value, indent=indent) + after, finish)
    assert (output.strict, output.value) == (True, value)
