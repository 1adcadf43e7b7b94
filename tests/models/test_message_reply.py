"""Anthropic's messages as real servers send them, and as no server should."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.message_reply import read_message
from evalkit.models.retry import Cut, NotAnAnswer, ServerError

OBJECT = '{"direction": 1}'


def events(*deltas: dict[str, Any], end: str | None = "end_turn", usage: Any = None) -> list[Any]:
    return [
        {"type": "message_start", "message": {"model": "m", "content": [], "usage": {"input_tokens": 3}}},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "message_delta", "delta": {"stop_reason": end}, "usage": usage},
        {"type": "message_stop"},
    ]


TEXT = {"type": "text_delta", "text": OBJECT}


def test_an_answer_is_read_from_its_events() -> None:
    completion = read_message(events(TEXT, usage={"output_tokens": 4})).completion()
    assert (completion.text, completion.finish_reason, completion.model) == (OBJECT, "stop", "m")
    assert completion.usage == {"input": 3, "output": 4, "cached": 0, "cache_write": 0}


def test_a_whole_message_is_read_where_a_stream_was_asked_for() -> None:
    whole = {"type": "message", "content": [{"type": "text", "text": OBJECT}], "stop_reason": "end_turn", "usage": None}
    assert read_message([whole]).completion().text == OBJECT


@pytest.mark.parametrize("end", ["pause_turn", "error", "whatever", None])
def test_an_answer_that_the_server_did_not_finish_is_none(end: str | None) -> None:
    with pytest.raises(Cut, match=end or "in the middle"):
        read_message(events(TEXT, end=end)).completion()


def test_a_tool_call_in_the_place_of_an_answer_is_called_so() -> None:
    call = {"type": "input_json_delta", "partial_json": OBJECT}
    assert read_message(events(call, end="tool_use")).completion().finish_reason == "tool_call"


def test_an_error_among_the_events_is_told() -> None:
    with pytest.raises(ServerError, match="Overloaded"):
        read_message([{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}])


KEYS = ["type", "message", "content", "delta", "usage", "stop_reason", "content_block", "text", "error", "input_tokens"]
WORDS = ["message", "message_start", "content_block_start", "content_block_delta", "message_delta", "text", "end_turn"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=4))
def test_no_json_raises_anything_else(values: list[Any]) -> None:
    with suppress(Cut, NotAnAnswer, ServerError):
        read_message(values).completion()
