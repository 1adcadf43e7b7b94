"""When a model is asked again, what it is told of its answer, and what all attempts took."""

from __future__ import annotations

import pytest

from evalkit.golden.model import Decoding
from evalkit.golden.schema import Schema
from evalkit.judging.attempts import next_attempt, spent
from evalkit.judging.output import Output, parse
from evalkit.models.backend import Completion
from evalkit.models.request import Message, Request

SCHEMA = Schema({"type": "object", "required": ["mood"], "properties": {"mood": {"enum": ["good", "bad"]}}})
REQUEST = Request("t", "x", (Message("system", "Say the mood."), Message("user", "It rains all day.")), "", Decoding())


def read(text: str, request: Request = REQUEST) -> Output:
    return parse(Completion(text, "stop"), prefill="", schema=SCHEMA, messages=request.messages)


def after(text: str) -> Request:
    request = next_attempt(REQUEST, read(text))
    assert request is not None
    return request


def test_a_strict_answer_is_not_followed_by_another() -> None:
    assert next_attempt(REQUEST, read('{"mood": "bad"}')) is None


@pytest.mark.parametrize("text", ['Sure! {"mood": "bad"}', '```json\n{"mood": "bad"}\n```', '{"mood": "wet"}', "Bad."])
def test_what_a_caller_could_not_parse_as_it_stands_is_asked_again(text: str) -> None:
    *before, own, remark = after(text).messages
    assert (tuple(before), own) == (REQUEST.messages, Message("assistant", text))
    assert remark.role == "user"


def test_everything_but_the_conversation_is_as_it_was() -> None:
    request = after("Bad.")
    assert (request.example_id, request.decoding, request.sample) == ("x", Decoding(), 0)
    assert request.key("f") != REQUEST.key("f")


def test_the_model_hears_which_field_is_wrong_and_not_what_is_expected_of_this_example() -> None:
    assert (
        "Mood: not one of the values, got 'wet', expected 'good' or 'bad'."
        in after('{"mood": "wet"}').messages[-1].content
    )


def test_reasoning_is_no_part_of_its_own_turn() -> None:
    assert after("<think>Rain.</think> Bad.").messages[-2] == Message("assistant", "Bad.")


@pytest.mark.parametrize("text", ["", " \n", "<think>Rain.</think>"])
def test_who_said_nothing_is_told_so_at_the_end_of_the_question(text: str) -> None:
    system, question = after(text).messages
    assert (system, question.role) == (REQUEST.messages[0], "user")
    assert question.content.startswith("It rains all day.\n\nYour last answer can't be used. Nothing was answered.")


def test_who_says_the_same_again_echoes_no_prompt() -> None:
    text = "I would say that the mood of this text is a rather bad one, all things considered."
    assert read(text, after(text)).defects == read(text).defects


def test_half_a_surrogate_pair_is_asked_of_nobody() -> None:
    assert after("Bad \ud83d").messages[-2] == Message("assistant", "Bad ?")


def test_what_was_used_is_summed_and_is_not_known_where_one_attempt_does_not_tell() -> None:
    told = Completion("a", "stop", prompt_tokens=5, completion_tokens=2, seconds={"eval": 0.5}, usage={"input": 5})
    more = Completion("b", "stop", prompt_tokens=9, usage={"input": 9, "cached": 4})
    both = spent([told, more])
    assert (both.prompt_tokens, both.completion_tokens, both.seconds) == (14, None, None)
    assert both.usage == {"input": 14, "cached": 4}
