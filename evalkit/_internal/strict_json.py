"""Strict JSON: what every reader takes for the same, and an error with place and remedy for all else.

Refused are a key given twice, NaN and infinities, a number that no double holds, half a surrogate pair, and what is
nested deeper than ``DEEPEST``; readers differ in what they make of these. ``read_text`` reads the files that hold such
JSON. A model's answer, which is never refused, is read with ``noting_decoder``.
"""

from __future__ import annotations

import json
import os
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Iterator
from math import inf, isinf
from pathlib import Path
from stat import S_ISREG
from typing import Any

DEEPEST = 100
"""Objects and arrays may be nested so deep."""

brief = reprlib.Repr()
brief.maxstring, brief.maxother, brief.maxlevel, brief.maxdict, brief.maxlist = 60, 60, 2, 4, 4

QUOTES = "`´‘’‚‛“”„‟«»‹›＂＇「『"
"""What stands for a quote elsewhere, and is none to JSON."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAY_BE_SURROGATE = re.compile("\\\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d[\d.eE+-]*|[][{}]', re.DOTALL)
_MISTAKES: tuple[tuple[str, str], ...] = (
    (r"\s*\Z", "it ends before all of it is closed: write the rest, each value in one piece"),
    (r"\0", "a NUL character stands there: the file may have been cut in a crash, or be no text; write it anew"),
    (f"[{QUOTES}]", 'JSON has straight quotes only: write "'),
    (r"'", 'JSON has no single quotes: write "'),
    (r"//|/\*|#", "JSON has no comments: take it away"),
    (r"(True|False|None)\b", "that is Python: write true, false or null"),
    (r"(undefined|nan|inf|infinity)\b", "JSON has no such value: write null, or a number"),
    (r",?\s*[}\]]", "a value is missing, or a comma is too much: take the comma in front of it away"),
    (r'\\"', 'a quote outside a string stands behind a backslash: write " alone'),
    (r"[\w$-]+\s*:", 'a key stands without quotes: write "key":'),
)
"""How people go wrong, by what stands where the JSON breaks, and the remedy."""


class JsonError(ValueError):
    """A text is no strict JSON, or a file no text. ``line`` is counted from 1; the message has the remedy."""

    def __init__(self, what: str, line: int = 1) -> None:
        super().__init__(what)
        self.line = line


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, without a byte order mark, its lines ended by line feeds.

    Raises FileNotFoundError, and JsonError where it is in another encoding, or is there and can't be read.
    """
    _need_file(path)
    data = path.read_bytes()
    _need_utf8(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"not UTF-8: byte 0x{data[error.start]:02x} ({error.reason}); save the file as UTF-8"
        raise JsonError(what, data.count(b"\n", 0, error.start) + 1) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


LONGEST_LINE = 64 * 2**20
"""A line of more bytes than this is no example, and would fill the memory."""


def read_lines(path: Path) -> Iterator[tuple[int, str, float]]:
    """The lines of the JSONL file at ``path`` that hold anything, each with its number and the part of the file that is
    read by then. One is held at a time. Raises JsonError, with the line, as ``read_text`` does."""
    _need_file(path)
    with path.open("rb") as file:
        size, done, number = max(1, os.fstat(file.fileno()).st_size), 0, 0
        while raw := file.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                raise JsonError(f"a line of more than {LONGEST_LINE // 2**20} MiB", number + 1)
            if not done:
                _need_utf8(raw)
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            done += len(raw)
            # A lone CR ends a line too: none may stand inside a JSON string.
            for part in raw.removesuffix(b"\n").removesuffix(b"\r").split(b"\r"):
                number += 1
                if line := _decoded(part, number).strip():
                    yield number, line, done / size


def _need_file(path: Path) -> None:
    """Raises JsonError where ``path`` can't be read, FileNotFoundError where there is nothing."""
    try:
        if not S_ISREG(path.stat().st_mode) and not path.is_dir():
            # A pipe is read for as long as nobody writes, a device for ever.
            raise JsonError("it is a pipe or a device; a file is expected")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise
    except OSError as error:
        raise JsonError(f"it can't be read: {error.strerror or error}; a file that you may read is expected") from error


def _need_utf8(data: bytes) -> None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:2]:
        raise JsonError("the file is in UTF-16 or UTF-32: save it as UTF-8")


def _decoded(data: bytes, line: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"not UTF-8: byte 0x{data[error.start]:02x} ({error.reason}); save the file as UTF-8"
        raise JsonError(what, line) from error


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines of JSONL that hold anything, each with its number."""
    # Not splitlines: it also breaks at U+2028 and the like, which may stand inside a JSON string.
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def parse_json(text: str, *, half_pairs: bool = False) -> Any:
    r"""The value of ``text``. With ``half_pairs`` half a surrogate pair is taken: a model may have written one.

    Raises JsonError.

    >>> parse_json('{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    >>> parse_json('{"a": 1e400}')
    Traceback (most recent call last):
    evalkit._internal.strict_json.JsonError: 1e400 is too large: no double holds it; write a smaller number
    """
    noted: dict[str, str] = {}
    try:
        value = noting_decoder(noted).decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"not valid JSON: {_mistake(text, error)}", error.lineno) from error
    except RecursionError:
        raise _fault(text, half_pairs) from None
    halves = not half_pairs and _MAY_BE_SURROGATE.search(text) is not None and half_pair(value)
    if noted or halves or is_too_deep(value):
        raise _fault(text, half_pairs)
    return value


def noting_decoder(noted: dict[str, str]) -> json.JSONDecoder:
    """A decoder that notes, by the name of a defect, what Python's would pass over in silence (or, for a huge integer,
    raise)."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            noted.setdefault("duplicate_key", f"{path_of([twice])}: given more than once")
        return value

    def constant(text: str) -> float:
        if "not_finite" not in noted:
            noted["not_finite"] = f"{brief.repr(text)} is not a finite number"
        return inf

    def real(text: str) -> float:
        value = float(text)
        return constant(text) if isinf(value) else value

    def integer(text: str) -> float:
        # The largest double has 309 digits; int() refuses text beyond a limit that users may set.
        return int(text) if len(text) < 309 or not isinf(real(text)) else inf

    return json.JSONDecoder(object_pairs_hook=unique, parse_constant=constant, parse_float=real, parse_int=integer)


def half_pair(value: Any) -> str:
    """Says where a text in ``value`` holds half a surrogate pair, which no UTF-8 can hold; empty where none does."""
    parts: list[Any] = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, str):
            if (match := _SURROGATE.search(part)) is not None:
                return f"\\u{ord(match[0]):04x} stands alone, which is half a character: {brief.repr(part)}"
        elif isinstance(part, dict):
            parts += [*part, *part.values()]
        elif isinstance(part, list):
            parts += part
    return ""


def is_too_deep(value: Any) -> bool:
    """Whether objects and arrays are nested deeper than ``DEEPEST`` in ``value``."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        inner = [part for outer in level for part in (outer.values() if isinstance(outer, dict) else outer)]
        level = [part for part in inner if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def path_of(parts: Iterable[Any]) -> str:
    """The place of a value in another, by the keys and numbers that lead to it.

    >>> path_of(["rows", 0, "a name"])
    "rows[0]['a name']"
    """
    path = ""
    for part in parts:
        plain = isinstance(part, str) and part.isidentifier() and len(part) <= brief.maxstring
        path += f".{part}" if plain else f"[{brief.repr(part)}]"
    return path.removeprefix(".")


# -- where it goes wrong, and what to do ----------------------------------------------------------------------------


def _fault(text: str, half_pairs: bool) -> JsonError:
    """The first thing in JSON that keeps it from being strict."""
    tables: list[set[str] | None] = []
    for match in _TOKEN.finditer(text):
        token, line = match[0], text.count("\n", 0, match.start()) + 1
        if token in "{[":
            tables.append(set() if token == "{" else None)
            if len(tables) > DEEPEST:
                return JsonError(f"nested deeper than {DEEPEST}: such a value is a mistake; make it flat", line)
        elif token in "}]":
            tables.pop()
        elif token[0] == '"':
            value = json.loads(token, strict=False)
            if not half_pairs and (half := half_pair(value)):
                return JsonError(f"{half}; write the whole character", line)
            if tables and (keys := tables[-1]) is not None and text[match.end() :].lstrip(" \t\r\n")[:1] == ":":
                if value in keys:
                    return JsonError(f"key {brief.repr(value)} stands twice: readers take either; leave one", line)
                keys.add(value)
        elif token[-1] in "Ny":
            return JsonError(f"{token} is not JSON: write null, or a number", line)
        elif isinf(float(token)):
            what = "is too large: no double holds it; write a smaller number"
            return JsonError(f"{token if len(token) < 40 else f'a number of {len(token)} digits'} {what}", line)
    return JsonError("no strict JSON: write it anew")


def _mistake(text: str, error: json.JSONDecodeError) -> str:
    """What ``error`` found, in the words of who wrote the text, with the remedy."""
    place, rest = f"column {error.colno}", text[error.pos :]
    got = f"{place}, got {brief.repr(rest[:40])}"
    if error.msg.startswith("Extra data"):
        return f"more stands behind the value; one value in one line ({got})"
    if error.msg.startswith("Unterminated string"):
        return f"a string never closes: write its closing quote ({place})"
    if error.msg.startswith("Invalid control"):
        remedy = f"write it as \\u{ord(rest[0]):04x}, a line break as \\n"
        return f"a string holds {_named(rest[0])} as it is: {remedy} ({place})"
    if error.msg.startswith("Invalid \\"):
        return f"a backslash begins nothing that JSON knows: write \\\\ for a backslash, and ' as it is ({got})"
    for pattern, remedy in _MISTAKES:
        if re.match(pattern, rest):
            return f"{remedy} ({got})" if rest.strip() else f"{remedy} ({place})"
    if unicodedata.category(rest[0]) in ("Zs", "Zl", "Zp", "Cf", "Cc"):
        return f"{_named(rest[0])} is no white space to JSON: write a plain space, or nothing ({place})"
    return f"{error.msg.lower()} ({got})"


def _named(sign: str) -> str:
    return f"U+{ord(sign):04X} {unicodedata.name(sign, 'control character')}"
