"""Finds the JSON objects that stand in a text, as they stand: nothing is repaired.

An object that readers would understand differently (a key given twice, a number that no double holds) is found and
not taken. Time is linear in the text. Where an answer goes past what a person would read, the bounds below hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalkit._internal.strict_json import DEEPEST, QUOTES, brief, half_pair, is_too_deep, noting_decoder
from evalkit.golden.schema import Schema
from evalkit.models.stream_end import object_end

MOST_STARTS = 100
"""At most so many places of one answer at which an object begins are read; the rest counts as text."""

MOST_CHARACTERS = 100_000
"""The objects of one answer are held against the schema up to so many characters together, and of the text
beside them so many are looked at, half from either end. (Up to there a schema may cost what its keywords
cost: ``uniqueItems`` over objects is quadratic.)"""

WHITESPACE = " \t\n\r"
"""White space as JSON has it."""

_BEGINNING = re.compile(
    rf"""\{{ (?:\s | [\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff])*  # what only looks like JSON's white space, too
        (?: ["'}}] | \\+["'n] | [{QUOTES}] | ,\s*["']              # quotes of all kinds, and escaped ones; a comma
          | // | /\* | <!-- | \#[ \t] | \#[^}}\n]*\n                 # a comment
          | [\w$][\w$-]*+[ \t]*[:：=]                                # a bare key
          | \Z )""",
    re.VERBOSE,
)
"""What was meant to be an object, whether or not it is JSON: ``{'a': 1``, ``{a: 1``, ``{“a”: 1``, ``{ // first``, and a
``{`` at the end."""

_ESCAPED = re.compile(r'\{(?:\s|\\n)*\\"')
_CUT_TOKEN = re.compile(r"u[0-9a-fA-F]{0,3}|\.|[eE][+-]?|")
_OPEN_STRING = "Unterminated string"  # as Python says it
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")


@dataclass(frozen=True, slots=True)
class FoundObject:
    """A JSON object that is there; ``value`` is None when it can't be taken, for ``defects``."""

    start: int
    end: int
    value: Mapping[str, Any] | None = None
    defects: frozenset[str] = frozenset()
    why: str = ""


@dataclass(frozen=True, slots=True)
class BrokenObject:
    """Something that begins like an object and is none.

    ``cut``: it was JSON as far as the text goes. ``end`` is where its braces close, None when they never do
    (known of the first one in a text only).
    """

    start: int
    end: int | None
    cut: bool
    why: str


def find_objects(text: str, schema: Schema) -> tuple[list[FoundObject], list[BrokenObject]]:
    """The objects that stand side by side in ``text``, and the beginnings of objects that came to nothing.

    What one attempt has read is never read by another, which is what makes this linear: after an object the
    search goes on behind it, after a broken one at the character that broke it.
    """
    objects: list[FoundObject] = []
    broken: list[BrokenObject] = []
    noted: dict[str, str] = {}
    decoder = noting_decoder(noted)
    position, checked, last = 0, 0, len(text.rstrip(WHITESPACE))
    for _ in range(MOST_STARTS):
        beginning = _BEGINNING.search(text, position)
        if beginning is None:
            break
        start = beginning.start()
        noted.clear()
        try:
            value, position = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            item = _broken(text, start, last, error)
            if not broken and not item.cut:
                item = replace(item, end=_end_of_braces(text, start))  # of the first alone: to look for it takes time
            broken.append(item)
            is_string = error.msg.startswith(_OPEN_STRING)
            position = len(text) if is_string else max(start + 1, error.pos)
            continue
        except RecursionError:
            end = object_end(text, start)
            if end is None:
                why = f"the object never closes and is nested deeper than {DEEPEST}"
                broken.append(BrokenObject(start, None, True, why))
                break
            position, value = end, None
        checked += position - start
        if value is None or (checked <= MOST_CHARACTERS and is_too_deep(value)):
            noted["schema_violation"] = f"the object: nested deeper than {DEEPEST}"
        elif checked > MOST_CHARACTERS:
            noted["schema_violation"] = f"the object: ends after {checked} characters, read are {MOST_CHARACTERS}"
        elif not noted and (half := half_pair(value)):
            noted["lone_surrogate"] = half
        elif not noted and (violation := schema.violation(value)):
            noted["schema_violation"] = violation
        why = next(iter(noted.values()), "")
        objects.append(FoundObject(start, position, None if noted else value, frozenset(noted), why))
    return objects, broken


def _end_of_braces(text: str, start: int) -> int | None:
    """Where the braces of what is no JSON close; None where they never do. Escaped quotes make no strings."""
    if _ESCAPED.match(text, start):
        return text.rfind("}") + 1 or None
    return object_end(text, start)


def _broken(text: str, start: int, last: int, error: json.JSONDecodeError) -> BrokenObject:
    """The object that begins at ``start`` of a text that ends at ``last``, and that breaks as ``error`` says."""
    rest = text[error.pos : min(last, error.pos + 20)]
    reaches_end = error.pos + len(rest) >= last
    is_cut = error.msg.startswith(_OPEN_STRING) or bool(
        reaches_end and (_CUT_TOKEN.fullmatch(rest) or any(word.startswith(rest) for word in _WORDS))
    )
    if is_cut:
        return BrokenObject(start, None, True, f"the object never closes: it ends in {brief.repr(text[-40:])}")
    why = f"not JSON at character {error.pos}: {error.msg.lower()}, got {brief.repr(rest)}"
    return BrokenObject(start, None, False, why)
