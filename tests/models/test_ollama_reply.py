"""Answers and lists as Ollama servers send them, and as no server should."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.ollama_reply import OllamaReply, read_about, read_digests, read_loaded, read_rendered, read_version
from evalkit.models.retry import Cut, NotAnAnswer, ServerError

OBJECT = '{"direction": 1}'
LAST = {"done": True, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 5, "eval_duration": 2_000_000_000}


def line(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": content}, "done": False, **more}


def read(*values: Any) -> OllamaReply:
    reply = OllamaReply()
    for value in values:
        reply.add(value)
    return reply


@pytest.mark.parametrize(
    "values",
    [
        [line(OBJECT[:5]), line(OBJECT[5:]), line("", **LAST)],
        [line(OBJECT, **LAST)],
        [line(None), line(OBJECT), {"message": {}, **LAST}],
        [line(OBJECT), line("", done=True)],
        [line(OBJECT, done=True, done_reason=None, eval_count="many")],
    ],
)
def test_every_form_of_an_answer_is_read(values: list[Any]) -> None:
    completion = read(*values).completion()
    assert (completion.text, completion.finish_reason) == (OBJECT, "stop")


def test_an_answer_comes_with_its_counts_and_times_and_the_models_name() -> None:
    completion = read(line(OBJECT), line("", **LAST)).completion()
    assert (completion.prompt_tokens, completion.completion_tokens, completion.model) == (10, 5, "m")
    assert completion.seconds == {"answer": 2.0}


def test_an_answer_that_is_closed_before_its_end_is_one() -> None:
    completion = read(line(OBJECT)).completion(closed=True)
    assert (completion.finish_reason, completion.completion_tokens) == ("object_closed", 1)


@pytest.mark.parametrize("end", ["load", "unload", "whatever", ""])
def test_an_answer_that_the_server_did_not_finish_is_none(end: str) -> None:
    with pytest.raises(Cut, match=f"it ended it with '{end}'"):
        read(line(OBJECT), line("", done=True, done_reason=end)).completion()


@pytest.mark.parametrize("values", [[], [line(OBJECT)], [line(OBJECT, done="true", done_reason="stop")]])
def test_an_answer_without_an_end_is_none(values: list[Any]) -> None:
    with pytest.raises(Cut, match="in the middle"):
        read(*values).completion()


def test_a_tool_call_in_the_place_of_an_answer_is_called_so() -> None:
    message = {"content": "", "tool_calls": [{"function": {"name": "answer", "arguments": {}}}]}
    assert read({"message": message}, line("", **LAST)).completion().finish_reason == "tool_call"


def test_reasoning_is_kept_apart() -> None:
    completion = read({"message": {"content": "", "thinking": "Hm."}}, line("", **LAST)).completion()
    assert (completion.thinking, completion.text) == ("Hm.", "")


@pytest.mark.parametrize("error", ["the runner is gone", {"message": "the runner is gone"}])
def test_an_error_among_the_lines_is_told(error: Any) -> None:
    with pytest.raises(ServerError, match="the runner is gone"):
        read(line(OBJECT), {"error": error})


@pytest.mark.parametrize(
    "body", [[], "x", 3, None, {"choices": []}, {"message": "x"}, line(3), line("x", done_reason=1), {"models": []}]
)
def test_what_is_no_answer_is_shown(body: Any) -> None:
    with pytest.raises(NotAnAnswer) as caught:
        read(body)
    assert (body if isinstance(body, str) else json.dumps(body)) in str(caught.value)


def test_what_a_server_says_of_its_models_is_read() -> None:
    assert read_version({"version": "0.24.0"}) == "0.24.0"
    assert read_digests({"models": [{"model": "a", "digest": "d"}, {"model": "b"}]}) == {"a": "d", "b": None}
    assert read_loaded({"models": [{"model": "a", "size": 7}]}) == {"a": 7}
    assert read_about({"template": "t", "capabilities": ["thinking"], "details": {"quantization_level": "F16"}}) == {
        "quantization": "F16", "template": "t", "parameters": None, "thinks": True,
    }  # fmt: skip
    assert read_rendered({"_debug_info": {"rendered_template": "p"}}) == "p"
    assert read_rendered({"message": {}}) is None


READERS: list[Callable[[Any], Any]] = [
    read_version,
    read_digests,
    read_loaded,
    read_about,
    read_rendered,
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", [None, [], "Ollama is running", 3, {"error": "not found"}])
def test_what_tells_nothing_is_shown(reader: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(NotAnAnswer, match=r"^it (tells|lists|renders)"):
        reader(value)


KEYS = ["message", "content", "thinking", "tool_calls", "done", "done_reason", "error", "model", "models", "name",
        "details", "capabilities", "template", "_debug_info", "rendered_template", "version", "eval_count"]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "stop", "load", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=4))
def test_no_json_raises_anything_else(values: list[Any]) -> None:
    with suppress(Cut, NotAnAnswer, ServerError):
        read(*values).completion()
    for reader in READERS:
        for value in values:
            with suppress(NotAnAnswer):
                reader(value)
