"""Lines of what a batch has answered, as vendors send them, and as none should."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.backend import Completion
from evalkit.models.batch_reply import read_chat_result, read_message_result
from evalkit.models.retry import NotAnAnswer

CHAT = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
MESSAGE = {"type": "message", "content": [{"type": "text", "text": "yes"}], "stop_reason": "end_turn"}
READERS = [read_chat_result, read_message_result]


def of_chat(status: Any, body: Any, **more: Any) -> dict[str, Any]:
    return {"custom_id": "e1", "response": {"status_code": status, "body": body}, **more}


def of_message(kind: str, **more: Any) -> dict[str, Any]:
    return {"custom_id": "e1", "result": {"type": kind, **more}}


@pytest.mark.parametrize(
    ("read", "line"),
    [(read_chat_result, of_chat(200, CHAT)), (read_message_result, of_message("succeeded", message=MESSAGE))],
)
def test_an_answer_is_read_with_its_key(read: Callable[[Any], tuple[str, Any]], line: Any) -> None:
    key, found = read(line)
    assert isinstance(found, Completion)
    assert (key, found.text) == ("e1", "yes")


@pytest.mark.parametrize(
    ("read", "line", "said"),
    [
        (read_chat_result, of_chat(400, {"error": {"message": "No."}}), "No."),
        (read_chat_result, of_chat(422, {"detail": "No."}), '\'{"detail": "No."}\''),
        (read_chat_result, of_chat(502, "<html>"), "<html>"),
        (read_chat_result, of_chat(500, None), "status 500"),
        (read_chat_result, {"custom_id": "e1", "response": None, "error": {"message": "it expired"}}, "it expired"),
        (read_chat_result, of_chat(200, {"choices": []}), "the answer ended in the middle"),
        (
            read_message_result,
            of_message("errored", error={"type": "error", "error": {"type": "api_error", "message": "No."}}),
            "api_error: No.",
        ),
        (read_message_result, of_message("errored", error=None), "None: no reason is given"),
        (read_message_result, of_message("expired"), "expired before it was answered"),
        (
            read_message_result,
            of_message("succeeded", message={**MESSAGE, "stop_reason": "pause_turn"}),
            "the server did not finish the answer: it ended it with 'pause_turn'",
        ),
    ],
)
def test_what_is_no_answer_says_why(read: Callable[[Any], tuple[str, Any]], line: Any, said: str) -> None:
    assert read(line) == ("e1", said)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("line", [None, [], {}, {"custom_id": 3}, "e1"])
def test_a_line_without_a_key_is_shown(read: Callable[[Any], tuple[str, Any]], line: Any) -> None:
    with pytest.raises(NotAnAnswer, match="has no custom_id"):
        read(line)


KEYS = ["custom_id", "response", "status_code", "body", "error", "message", "result", "type", "choices", "content"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([200, 400, "", "e1", "succeeded", "errored", "message"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=20,
)
LINES = st.fixed_dictionaries({"custom_id": st.just("e1"), "response": VALUES, "result": VALUES, "error": VALUES})


@given(LINES | VALUES)
def test_no_json_raises_anything_else(line: Any) -> None:
    for read in READERS:
        with suppress(NotAnAnswer):
            read(line)
