"""A second opinion on strictness: a reader of JSON written from RFC 8259, which shares no code with ours.

It goes by what the pages promise: one object, outer white space aside, each key once, every number finite as a double,
no half surrogate pair, nested at most 100 deep and at most 100,000 characters long.
"""

from __future__ import annotations

import re
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*+")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"')
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*+))(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_ESCAPE = re.compile(
    r'\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(["\\/bfnrt]))'
)
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST, _LONGEST, _LARGEST = 100, 100_000, float.fromhex("0x1.fffffffffffffp+1023")


class NotStrict(Exception):
    """The text is no object that every reader takes for the same."""


def read_object(text: str) -> dict[str, Any]:
    """The one object that ``text`` is. Raises NotStrict."""
    text = text.strip(" \t\n\r")
    if not text.startswith("{"):
        raise NotStrict("no object begins it")
    if len(text) > _LONGEST:
        raise NotStrict("too long")
    value, end = _value(text, 0, 1)
    if end != len(text):
        raise NotStrict("more stands behind it")
    assert isinstance(value, dict)
    return value


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    match text[at : at + 1]:
        case "{":
            return _object(text, at, depth)
        case "[":
            return _array(text, at, depth)
        case '"':
            return _string(text, at)
    for word, value in _WORDS.items():
        if text.startswith(word, at):
            return value, at + len(word)
    return _number(text, at)


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _opened(text, at, depth)
    if text.startswith("}", at):
        return found, at + 1
    while True:
        key, at = _string(text, at)
        if key in found:
            raise NotStrict("a key twice")
        found[key], at = _value(text, _space(text, _sign(text, at, ":")), depth + 1)
        at = _space(text, at)
        if text.startswith("}", at):
            return found, at + 1
        at = _space(text, _sign(text, at, ","))


def _array(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _opened(text, at, depth)
    if text.startswith("]", at):
        return found, at + 1
    while True:
        value, at = _value(text, at, depth + 1)
        found.append(value)
        at = _space(text, at)
        if text.startswith("]", at):
            return found, at + 1
        at = _space(text, _sign(text, at, ","))


def _string(text: str, at: int) -> tuple[str, int]:
    match = _STRING.match(text, at)
    if match is None:
        raise NotStrict("no string")
    read = _ESCAPE.sub(_unescaped, match[1])
    if _HALF.search(read):
        raise NotStrict("half a character")
    return read, match.end()


def _unescaped(match: re.Match[str]) -> str:
    high, low, unit, sign = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return chr(int(unit, 16)) if unit else _ESCAPED.get(sign, sign)


def _number(text: str, at: int) -> tuple[int | float, int]:
    match = _NUMBER.match(text, at)
    if match is None:
        raise NotStrict("no value")
    whole, part, power = match.groups()
    if part is None and power is None:
        if len(whole) > 310 or abs(int(whole)) >= int(_LARGEST) + 2**970:
            raise NotStrict("a number that no double holds")
        return int(whole), match.end()
    value = float(match[0])
    if not -_LARGEST <= value <= _LARGEST:
        raise NotStrict("a number that no double holds")
    return value, match.end()


def _opened(text: str, at: int, depth: int) -> int:
    if depth > _DEEPEST:
        raise NotStrict("too deep")
    return _space(text, at + 1)


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _sign(text: str, at: int, sign: str) -> int:
    at = _space(text, at)
    if not text.startswith(sign, at):
        raise NotStrict(f"no {sign}")
    return at + 1
