"""Draws bodies of replies, whole and broken, of every wire that is read.

Each is made from an answer that is known, in the vendor's published form, so that it is known too what must come of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from evalkit.models.backend import Completion
from evalkit.models.batch_reply import read_chat_result, read_message_result
from evalkit.models.chat_reply import read_chat
from evalkit.models.event_stream import read_values
from evalkit.models.message_reply import read_message
from evalkit.models.ollama_reply import OllamaReply

Harm = Literal["none", "cut", "not finished", "odd", "no answer"]
HARMS: tuple[Harm, ...] = ("none", "cut", "not finished", "odd", "odd", "odd", "no answer")
"""What is done to a body. Of one that is cut, or that the server did not finish, no answer may come."""

TEXTS = ('{"direction": 1}', "Hm.", "\u2028 \x85 \r\n", "é\ud83d", "", "data: [DONE]\n\n", "}" * 9, "<html>", "x" * 300)
LEAVES: tuple[Any, ...] = (None, True, False, 0, -1, 7, 1e400, 0.5, "", "stop", "error", "text", "x" * 500, [], {})
UNFINISHED = ("abort", "error", "load", "unload", "pause_turn", "whatever", "", None)
NO_ANSWERS = (
    b"", b" \n", b"<html><body>502</body></html>", b"Ollama is running", b"null", b"[]", b"[[[[", b'"x"', b"3", b"NaN",
    b'{"error": {"message": "No.", "code": 400}}', b'{"error": "No."}', b'{"detail": [{"msg": "No."}]}',
    b"\xff\xfe\x00",
    b'{"type": "error", "error": {"type": "overloaded_error", "message": "No."}}', b"data: no\n\n", b"{" * 3000,
    b'data: {"error": {"code": "server_error"}}\n\n', b"event: ping\ndata: {}\n\n", b"[" * 100_000, b"9" * 5000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """A body on a ``wire`` as it comes in ``pieces``; ``text`` is the answer that it was made from."""

    wire: str
    harm: Harm
    pieces: tuple[bytes, ...]
    text: str

    def read(self) -> Completion | str:
        """What the wire's reader makes of it. Raises what that raises."""
        return READERS[self.wire](read_values(iter(self.pieces)))


def draw(random: Random) -> Body:
    """One body."""
    wire, harm = random.choice(list(WIRES)), random.choice(HARMS)
    parts = [random.choice(TEXTS) for _ in range(random.randint(1, 4))]
    values = WIRES[wire](parts, random)
    if harm == "not finished":
        _unfinish(
            values, random.choice(UNFINISHED if wire.startswith("chat") or "message" in wire else UNFINISHED[:-1])
        )
    elif harm == "odd":
        for _ in range(random.randint(1, 3)):
            _harm(values, random)
    body = random.choice(NO_ANSWERS) if harm == "no answer" else _spelled(wire, values, random)
    if harm == "cut":
        body = body[: random.randrange(_needed(wire, body))]
    return Body(wire, harm, _in_pieces(body, random), "".join(parts))


# -- answers, as the vendors' schemas have them ---------------------------------------------------------


def _chat(parts: list[str], random: Random) -> list[Any]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}, *({"content": part} for part in parts)]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    last = {**head, "choices": [{"index": 0, "delta": random.choice([{}, None]), "finish_reason": "stop"}]}
    return [*chunks, last, {**head, "choices": [], "usage": _usage(random)}]


def _whole_chat(parts: list[str], random: Random) -> list[Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(parts), "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return [{"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], "usage": _usage(random)}]


def _usage(random: Random) -> Any:
    counts = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return random.choice([None, counts, {**counts, "prompt_tokens_details": {"cached_tokens": 3}}])


def _message(parts: list[str], random: Random) -> list[Any]:  # noqa: ARG001
    usage = {"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 3}
    start: dict[str, Any] = {"id": "m", "type": "message", "model": "m", "content": [], "stop_reason": None}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}} for part in parts
    ]
    return [
        {"type": "message_start", "message": {**start, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    ]


def _whole_message(parts: list[str], random: Random) -> list[Any]:  # noqa: ARG001
    content, usage = [{"type": "text", "text": part} for part in parts], {"input_tokens": 10, "output_tokens": 5}
    return [{"type": "message", "model": "m", "content": content, "stop_reason": "end_turn", "usage": usage}]


def _ollama(parts: list[str], random: Random) -> list[Any]:  # noqa: ARG001
    lines = [{"model": "m", "message": {"role": "assistant", "content": part}, "done": False} for part in parts]
    counts = {"prompt_eval_count": 10, "eval_count": 5, "eval_duration": 9, "load_duration": 1}
    return [*lines, {"model": "m", "message": {"content": ""}, "done": True, "done_reason": "stop", **counts}]


def _whole_ollama(parts: list[str], random: Random) -> list[Any]:
    *_, last = _ollama(parts, random)
    return [{**last, "message": {"role": "assistant", "content": "".join(parts)}}]


def _chat_result(parts: list[str], random: Random) -> list[Any]:
    response = {"status_code": 200, "request_id": "r", "body": _whole_chat(parts, random)[0]}
    return [{"id": "b", "custom_id": "e1", "response": response, "error": None}]


def _message_result(parts: list[str], random: Random) -> list[Any]:
    return [{"custom_id": "e1", "result": {"type": "succeeded", "message": _whole_message(parts, random)[0]}}]


def _read_ollama(values: Iterable[Any]) -> Completion:
    reply = OllamaReply()
    for value in values:
        reply.add(value)
        if reply.done:
            break
    return reply.completion()


WIRES: Mapping[str, Callable[[list[str], Random], list[Any]]] = {
    "chat stream": _chat,
    "chat": _whole_chat,
    "message stream": _message,
    "message": _whole_message,
    "ollama stream": _ollama,
    "ollama": _whole_ollama,
    "chat result": _chat_result,
    "message result": _message_result,
}
READERS: Mapping[str, Callable[[Iterable[Any]], Completion | str]] = {
    "chat stream": lambda values: read_chat(values).completion(),
    "chat": lambda values: read_chat(values).completion(),
    "message stream": lambda values: read_message(values).completion(),
    "message": lambda values: read_message(values).completion(),
    "ollama stream": _read_ollama,
    "ollama": _read_ollama,
    "chat result": lambda values: next(map(read_chat_result, values))[1],
    "message result": lambda values: next(map(read_message_result, values))[1],
}


# -- what is done to them -------------------------------------------------------------------------------


def _spelled(wire: str, values: list[Any], random: Random) -> bytes:
    ascii_only = random.random() < 0.5 or any("\ud83d" in json.dumps(value, ensure_ascii=False) for value in values)
    texts = [json.dumps(value, ensure_ascii=ascii_only) for value in values]
    if wire.startswith("ollama"):
        return "".join(f"{text}\n" for text in texts).encode()
    if "stream" not in wire:
        return json.dumps(values[0], ensure_ascii=ascii_only, indent=random.choice([None, 1])).encode()
    end = random.choice(["\n", "\r\n"])
    events = [f"event: x{end}data: {text}{end}{end}: ping{end}{end}" for text in texts]
    last = f"data: [DONE]{end}{end}" if wire == "chat stream" else ""
    return "".join([*events, last]).encode()


def _needed(wire: str, body: bytes) -> int:
    """So many bytes of ``body`` hold the answer with its end: cut before, there is none."""
    mark = {"chat stream": b'"finish_reason": "stop"', "message stream": b'"stop_reason": "end_turn"'}.get(wire)
    at = body.rindex(mark) if mark else 0
    return body.index(b"\n", at) - 1 if mark else len(body.rstrip())


def _unfinish(values: Any, end: str | None) -> None:
    """Puts ``end`` in the place of every reason for an end."""
    for holder, key in _places(values):
        if key in ("finish_reason", "stop_reason", "done_reason") and holder[key] is not None:
            holder[key] = end


def _harm(values: list[Any], random: Random) -> None:
    """Makes one place of ``values`` something else, or takes it away."""
    places = _places(values)
    if not places:
        values.append(random.choice(LEAVES))
        return
    holder, key = random.choice(places)
    value = holder[key]
    match random.randrange(5):
        case 0 if isinstance(holder, dict):
            del holder[key]
        case 1:
            holder[key] = [value]
        case 2:
            holder[key] = {"text": value, "type": random.choice(["text", "refusal", "thinking", 3])}
        case 3:
            other_holder, other = random.choice(places)
            holder[key] = deepcopy(other_holder[other])
        case _:
            holder[key] = random.choice(LEAVES)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place below ``value``: what holds it, and its key or index."""
    keys: Iterable[Any] = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in [(value, key), *_places(value[key])]]


def _in_pieces(body: bytes, random: Random) -> tuple[bytes, ...]:
    cuts = sorted(random.randrange(len(body) + 1) for _ in range(random.choice([0, 1, 5])))
    return tuple(body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True))
