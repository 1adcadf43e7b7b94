"""Reads the body of a reply: server-sent events, lines of JSON, or whatever else a server sends in their place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from evalkit.models.retry import Cut, NotAnAnswer

LONGEST = 64 * 2**20
"""A body of more bytes than this is given up."""

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_DONE = "[DONE]"


def read_values(body: Iterable[bytes]) -> Iterator[Any]:
    """The JSON values of a body, as they come: of its events, of its lines, or the one that it is.

    Raises NotAnAnswer, which shows how the body begins, where it is none of these; Cut where a later part is no JSON.

    >>> list(read_values([b'data: {"a": 1}\\n\\n: ping\\n\\nda', b'ta: [2]\\n\\ndata: [DONE]\\n\\n']))
    [{'a': 1}, [2]]
    >>> list(read_values([b'{"a": 1}\\n{"a"', b': 2}\\n']))
    [{'a': 1}, {'a': 2}]
    >>> list(read_values([b'{"a":\\n', b'1}']))
    [{'a': 1}]
    """
    lines = _lines(body)
    first = next((line for line in lines if line.strip()), b"")
    if not first.startswith(_FIELDS):
        yield from _without_events(first, lines)
        return
    data: list[bytes] = []
    for line in _chain(first, lines):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield from _value(data)
            data = []
    if data:
        yield from _value(data)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _lines(body: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a body, without their ends. Only LF and CRLF end one: others may stand in a text."""
    held, length = b"", 0
    for piece in body:
        length += len(piece)
        if length > LONGEST:
            raise NotAnAnswer(f"the answer is longer than {LONGEST // 2**20} MiB", b"")
        *lines, held = (held + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)
    if held:
        yield held.removesuffix(b"\r")


def _without_events(first: bytes, rest: Iterator[bytes]) -> Iterator[Any]:
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        yield _whole(b"\n".join([first, *rest]))
        return
    yield value
    for line in rest:
        yield from _value([line])


def _value(data: list[bytes]) -> Iterator[Any]:
    text = b"\n".join(data).decode("utf-8", "replace").strip()
    if text in ("", _DONE):
        return
    try:
        yield json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Cut(f"a part of the answer is no JSON: {text[:200]!r}") from error


def _whole(body: bytes) -> Any:
    if not body.strip():
        raise Cut("there is no answer in the body")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        begun = body.lstrip()
        if begun[:1] in (b"{", b"[") or any(field.startswith(begun) for field in _FIELDS):
            raise Cut(f"the answer is no JSON: {body[:200].decode('utf-8', 'replace')!r}") from error
        raise NotAnAnswer("the server answered with something else than a completion", body) from error
