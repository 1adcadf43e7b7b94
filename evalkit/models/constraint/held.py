"""A schema as one model is held to it: what is sent, what an answer that obeys fits, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ONE = ("additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames",
        "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
ANNOTATIONS = ("$schema", "$id", "$anchor", "$comment", "title", "description", "default", "examples", "deprecated",
               "readOnly", "writeOnly")  # fmt: skip
"""Keywords that refuse no answer."""

_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


@dataclass(frozen=True, slots=True)
class Held:
    """What of a task's schema a model is held to.

    ``sent`` is what it is asked with. ``obeyed`` is the schema that an answer fits as long as what was sent is obeyed:
    of keywords that were not sent it says nothing. ``left_out`` names these, each with its place. ``enveloped`` is true
    where an answer comes as the one field of an object (``envelope``), which is taken off before it is stored.
    """

    sent: Mapping[str, Any] = field(hash=False)
    obeyed: Mapping[str, Any] = field(hash=False)
    left_out: tuple[str, ...] = ()
    enveloped: bool = False


Change = Callable[[dict[str, Any], str], dict[str, Any]]
"""Turns a part of a schema, at a place, into another."""


def rewritten(schema: Any, change: Change, at: str = "") -> Any:
    """``schema`` with every part of it changed, the inner ones first.

    >>> rewritten({"properties": {"not": {"minLength": 1}}}, lambda part, at: {**part, "at": at})
    {'properties': {'not': {'minLength': 1, 'at': 'properties.not'}}, 'at': ''}
    """
    if not isinstance(schema, Mapping):
        return schema
    part = dict(schema)
    for key, name, inner in _inner(schema):
        new = rewritten(inner, change, joined(at, _place(key, name)))
        part[key] = new if name == "" else _with(part[key], name, new)
    return change(part, at)


def _place(key: str, name: str | int) -> str:
    return f"{key}[{name}]" if isinstance(name, int) else joined(key, name) if name else key


def _with(parts: Any, name: Any, new: Any) -> Any:
    if isinstance(parts, Mapping):
        return {**parts, name: new}
    return [new if place == name else part for place, part in enumerate(parts)]


def _inner(part: Mapping[str, Any]) -> Iterator[tuple[str, str | int, Any]]:
    """The schemas that stand directly in ``part``: keyword, name or number ("" where there is one), schema."""
    for key, value in part.items():
        if key in _ONE and isinstance(value, Mapping):
            yield key, "", value
        elif key in _SEVERAL and isinstance(value, list):
            yield from ((key, number, each) for number, each in enumerate(value))
        elif key in _NAMED and isinstance(value, Mapping):
            yield from ((key, name, each) for name, each in value.items())


def parts_of(schema: Any, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every part of ``schema`` with its place, the outer ones first."""
    if isinstance(schema, Mapping):
        yield at, schema
        for key, name, inner in _inner(schema):
            yield from parts_of(inner, joined(at, _place(key, name)))


def joined(at: str, further: str) -> str:
    return f"{at}.{further}" if at else further


def named(keyword: str, at: str) -> str:
    """A keyword with its place, for a person.

    >>> named("uniqueItems", "properties.names"), named("oneOf", "")
    ('uniqueItems at properties.names', 'oneOf at the root')
    """
    return f"{keyword} at {at or 'the root'}"


def as_it_is(schema: Mapping[str, Any]) -> Held:
    """All of ``schema``: for a server that is said to take any. ``uniqueItems`` is sent too, and no server is
    blamed for it: it is beyond every grammar."""
    places = [at for at, part in parts_of(schema) if part.get("uniqueItems")]
    obeyed = rewritten(schema, lambda part, _: {key: value for key, value in part.items() if key != "uniqueItems"})
    return Held(schema, obeyed, tuple(named("uniqueItems", at) for at in places))
