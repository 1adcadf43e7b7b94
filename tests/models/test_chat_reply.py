"""Chat completions as real servers send them, and as no server should."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.chat_reply import read_chat
from evalkit.models.retry import Cut, NotAnAnswer, ServerError

OBJECT = '{"direction": 1}'
USAGE = {"prompt_tokens": 10, "completion_tokens": 5}


def chunk(delta: Any, end: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": end}], **more}


@pytest.mark.parametrize(
    "values",
    [
        [chunk({"content": OBJECT}), chunk(None, "stop"), {"choices": [], "usage": USAGE}],
        [chunk({"content": OBJECT}), {"choices": [{"finish_reason": "stop"}]}],
        [chunk({"role": "assistant", "content": None}), chunk({"content": OBJECT}), chunk({}, "stop")],
        [chunk({"content": [{"type": "text", "text": OBJECT}]}, "stop")],
        [chunk({"content": [{"type": "output_text", "text": {"value": OBJECT}}]}, "stop")],
        [chunk({"content": [OBJECT[:5], OBJECT[5:]]}, "stop")],
        [{"choices": [{"message": {"content": OBJECT}, "finish_reason": "stop"}], "usage": None}],
        [{"choices": [{"text": OBJECT, "finish_reason": "stop"}]}],
        [chunk({"content": OBJECT}, "eos")],
        [chunk({"content": OBJECT, "tool_calls": []}, "stop")],
        [chunk({"content": OBJECT}, "tool_calls")],
        [chunk({"content": OBJECT}, "stop"), {"id": "c", "choices": None, "usage": USAGE}],
        [{"choices": [chunk({"content": OBJECT}, "stop")["choices"][0], {"index": 1, "delta": {"content": "other"}}]}],
    ],
)
def test_every_form_of_an_answer_is_read(values: list[Any]) -> None:
    completion = read_chat(values).completion()
    assert (completion.text, completion.finish_reason) == (OBJECT, "stop")


@pytest.mark.parametrize("end", ["abort", "error", "load", "cancelled", "ABORT", "whatever"])
def test_an_answer_that_the_server_did_not_finish_is_none(end: str) -> None:
    with pytest.raises(Cut, match=end):
        read_chat([chunk({"content": OBJECT}), chunk({}, end)]).completion()


@pytest.mark.parametrize("values", [[], [chunk({"content": OBJECT})], [{"choices": []}], [chunk({"content": "x"}, "")]])
def test_an_answer_without_an_end_is_none(values: list[Any]) -> None:
    with pytest.raises(Cut):
        read_chat(values).completion()


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart(name: str) -> None:
    completion = read_chat([chunk({name: "Hm."}), chunk({"content": OBJECT}, "stop")]).completion()
    assert (completion.thinking, completion.text) == ("Hm.", OBJECT)


def test_reasoning_in_parts_is_kept_apart() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": OBJECT}]
    completion = read_chat([chunk({"content": parts}, "stop")]).completion()
    assert (completion.thinking, completion.text) == ("Hm.", OBJECT)


def test_a_tool_call_in_the_place_of_an_answer_is_called_so() -> None:
    call = {"tool_calls": [{"function": {"name": "answer", "arguments": OBJECT}}]}
    completion = read_chat([chunk(call), chunk({}, "stop")]).completion()
    assert (completion.text, completion.finish_reason) == ("", "tool_call")


@pytest.mark.parametrize("values", [[chunk({"refusal": "No."}, "stop")], [chunk({"content": "No."}, "content_filter")]])
def test_a_refusal_is_called_so(values: list[Any]) -> None:
    assert read_chat(values).completion().finish_reason == "refusal"


def test_what_the_server_calls_the_model_is_kept() -> None:
    assert read_chat([chunk({"content": OBJECT}, "stop")]).completion().model == "m"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No."}},
        {"error": "No."},
        {"detail": "Not found"},
        {"object": "error", "error": {}, "detail": "x"},
    ],
)
def test_an_error_in_the_place_of_an_answer_shows_its_words(body: dict[str, Any]) -> None:
    with pytest.raises(ServerError) as caught:
        read_chat([body])
    assert json.dumps(body)[:40] in str(caught.value)


@pytest.mark.parametrize("body", [[], "x", 3, None, True, {"choices": "x"}, {"choices": [3]}, {"models": []}])
def test_what_is_no_answer_is_shown(body: Any) -> None:
    with pytest.raises(NotAnAnswer) as caught:
        read_chat([body])
    assert (body if isinstance(body, str) else json.dumps(body)) in str(caught.value)


KEYS = [
    "choices",
    "delta",
    "message",
    "content",
    "finish_reason",
    "usage",
    "error",
    "index",
    "text",
    "type",
    "tool_calls",
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "stop", "x", "text", "thinking"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
CHOICES = st.fixed_dictionaries(
    {"choices": st.lists(st.fixed_dictionaries({"delta": VALUES, "finish_reason": VALUES}))}
)


@given(st.lists(VALUES | CHOICES, max_size=4))
def test_no_json_raises_anything_else(values: list[Any]) -> None:
    with suppress(Cut, NotAnAnswer, ServerError):
        read_chat(values).completion()
