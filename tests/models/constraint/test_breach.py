"""What shows that a model was not held to its schema, and what does not."""

from __future__ import annotations

import pytest

from evalkit.models.backend import Completion, FinishReason
from evalkit.models.constraint.breach import breach

SCHEMA = {"type": "object", "required": ["mood"], "properties": {"mood": {"enum": ["calm", "tense"]}}}
CALM = '{"mood": "calm"}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"Sure! {CALM}", "no JSON object alone"),
        (f"```json\n{CALM}\n```", "no JSON object alone"),
        (f"{CALM}\nI hope this helps.", "no JSON object alone"),
        ("calm", "no JSON object alone"),
        ("", "no JSON object alone"),
        ('{"mood": NaN}', "no JSON object alone"),
        ('{"mood": "glad"}', "mood: not one of the values"),
        ("[1]", "wrong type"),
        (f"<think>calm or tense?</think>So: {CALM}", "no JSON object alone"),
    ],
)
def test_an_answer_that_no_constraint_would_let_through_is_a_breach(text: str, why: str) -> None:
    assert why in (breach(Completion(text, "stop"), SCHEMA) or "")


@pytest.mark.parametrize(
    ("text", "finish"),
    [
        (CALM, "stop"),
        (f"\n  {CALM} \n", "stop"),
        (CALM, "object_closed"),
        ('{"mood": "ca', "length"),
        ("Sure! The mood of this", "length"),
        ("", "refusal"),
        ("I'm sorry, I can't help with that.", "stop"),
        ("", "tool_call"),
        ("Sure!", "recorded"),
        (f"<think>calm or tense?</think>{CALM}", "stop"),
        ("<think>calm or", "stop"),
        # JSON Schema says nothing of these, however wrong they are.
        ('{"mood": "tense", "mood": "calm"}', "stop"),
        ('{"mood": "calm", "size": 1e999}', "stop"),
    ],
)
def test_an_answer_that_a_constraint_allows_or_that_tells_nothing_is_none(text: str, finish: FinishReason) -> None:
    assert breach(Completion(text, finish), SCHEMA) is None


def test_an_answer_that_a_server_set_apart_as_reasoning_is_none() -> None:
    assert breach(Completion("", "stop", thinking=CALM), SCHEMA) is None


def test_marks_of_the_alias_own_reasoning_are_heard() -> None:
    assert breach(Completion(f"<a>calm?</a>{CALM}", "stop"), SCHEMA, ("<a>", "</a>")) is None
    assert breach(Completion(f"<a>calm?</a>{CALM}", "stop"), SCHEMA) is not None


def test_only_keywords_of_the_schema_that_was_sent_are_broken() -> None:
    names = {"type": "object", "properties": {"names": {"type": "array", "uniqueItems": True}}}
    sent = {"type": "object", "properties": {"names": {"type": "array"}}}
    twice = Completion('{"names": ["Ann", "Ann"]}', "stop")
    assert breach(twice, names) is not None
    assert breach(twice, sent) is None


def test_what_a_prompt_opens_is_over_where_the_server_took_the_reasoning_out() -> None:
    prompt = "<|im_start|>assistant\n<think>\n"
    assert breach(Completion("calm", "stop", prompt, thinking=""), SCHEMA) is not None
    assert breach(Completion(CALM, "stop", prompt, thinking="Hm."), SCHEMA) is None
