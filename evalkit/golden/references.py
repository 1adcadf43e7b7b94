"""Parts of a JSON Schema with what they refer to in place: `$ref` to `$defs`, `allOf`, `oneOf` and `anyOf`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

_REFERENCES = ("$ref", "$dynamicRef")
_CHOICES = ("oneOf", "anyOf")
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
"""Keywords whose schemas are about the same value as the schema that they stand in."""

_MOST = 100
"""So many forms are looked at: branches inside branches multiply."""

Trail = frozenset[str]
"""The references that were followed on the way to a part."""


def lookup(schema: Any, reference: str) -> Any:
    """The part of ``schema`` that ``reference`` names, None when it names none.

    >>> lookup({"$defs": {"team": {"type": "string"}}}, "#/$defs/team")
    {'type': 'string'}
    """
    if reference != "#" and not reference.startswith("#/"):
        return None
    part = schema
    for name in reference.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        if isinstance(part, Mapping) and name in part:
            part = part[name]
        elif isinstance(part, list) and name.isdecimal() and int(name) < len(part):
            part = part[int(name)]
        else:
            return None
    return part


def forms(schema: Any, part: Any, trail: Trail = frozenset()) -> Iterator[tuple[Mapping[str, Any], Trail]]:
    """What a value of ``part``, a part of ``schema``, may look like: ``part`` without references and without branches,
    once for each choice of branches, with the references that lead there beside those of ``trail``.

    A form that would refer to what is on its trail already has no end, and is left out. What narrows a value in ways
    that are not merged here (`not`, `if`) stays as it stands: a value of a form is held against the schema itself.
    There are a hundred forms at most.

    >>> schema = {"$defs": {"n": {"type": "integer"}}, "anyOf": [{"$ref": "#/$defs/n", "minimum": 1}, {"type": "null"}]}
    >>> [form for form, _ in forms(schema, schema)]
    [{'type': 'integer', 'minimum': 1}, {'type': 'null'}]
    """
    return islice(_forms(schema, part, trail), _MOST)


def _forms(schema: Any, part: Any, trail: Trail) -> Iterator[tuple[Mapping[str, Any], Trail]]:
    if part is True:
        part = {}
    if not isinstance(part, Mapping):
        return
    rest = {key: value for key, value in part.items() if key != "$defs"}
    for key in _REFERENCES:
        if isinstance(reference := rest.get(key), str):
            if reference not in trail:
                target = lookup(schema, reference)
                yield from _joined(schema, [target], _without(rest, key), trail, followed=reference)
            return
    if isinstance(parts := rest.get("allOf"), list) and parts:
        first, *others = parts
        yield from _joined(schema, [first], _without(rest, "allOf") | ({"allOf": others} if others else {}), trail)
        return
    for key in _CHOICES:
        if isinstance(branches := rest.get(key), list):
            yield from _joined(schema, branches, _without(rest, key), trail)
            return
    yield rest, trail


def _joined(
    schema: Any, parts: list[Any], rest: Mapping[str, Any], trail: Trail, followed: str = ""
) -> Iterator[tuple[Mapping[str, Any], Trail]]:
    """The forms of each of ``parts`` together with those of ``rest``, which stands beside it."""
    within = trail | {followed} if followed else trail
    for part in parts:
        for form, way in _forms(schema, part, within):
            for both, other_way in _forms(schema, _merged(form, rest), trail):
                yield both, way | other_way


def _without(part: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != key}


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What holds of a value of which both hold, as far as the emptiest value and the names of fields hang on it."""
    both = {**first, **second}
    for key in first.keys() & second.keys():
        one, other = first[key], second[key]
        if key == "properties":
            shared = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
            both[key] = {**one, **other, **shared}
        elif key == "required":
            both[key] = list(dict.fromkeys((*one, *other)))
        elif key.lower().startswith(("min", "exclusivemin")):
            both[key] = max(one, other)
        elif key.lower().startswith(("max", "exclusivemax")):
            both[key] = min(one, other)
        elif key == "enum":
            both[key] = [value for value in one if value in other]
        elif key == "type":
            both[key] = [name for name in types_of(first) if name in types_of(second)] or other
    return both


def types_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that ``part`` names, in its order; none where it names none.

    >>> types_of({"type": ["number", "null"]}), types_of({"type": "string"}), types_of({})
    (('number', 'null'), ('string',), ())
    """
    kinds = part.get("type", ())
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def fields_of(schema: Any) -> dict[str, Any]:
    """The fields that an answer to ``schema`` may have at its top, in their order, each with its part of the schema.

    >>> [*fields_of({"$ref": "#/$defs/answer", "$defs": {"answer": {"properties": {"team": {}, "size": {}}}}})]
    ['team', 'size']
    """
    found: dict[str, Any] = {}
    for form, _ in forms(schema, schema):
        for name, part in form.get("properties", {}).items():
            found.setdefault(name, part)
    return found


def endless_reference(schema: Any) -> str | None:
    """A reference that leads back to itself without ever going into a field or an element; None where there is none.

    >>> endless_reference({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}})
    '#/$defs/a'
    >>> endless_reference({"properties": {"child": {"$ref": "#"}}}) is None
    True
    """
    done: set[int] = set()

    def search(part: Any, open_parts: frozenset[int], by: str) -> str | None:
        if id(part) in open_parts:
            return by
        if not isinstance(part, Mapping) or id(part) in done:
            return None
        below = open_parts | {id(part)}
        references = [part[key] for key in _REFERENCES if isinstance(part.get(key), str)]
        parts = [(lookup(schema, reference), reference) for reference in references]
        for key in _IN_PLACE:
            inner = part.get(key)
            parts += [(each, by) for each in (inner if isinstance(inner, list) else [inner])]
        for each, reference in parts:
            if (found := search(each, below, reference)) is not None:
                return found
        done.add(id(part))
        return None

    return next((found for part in _parts(schema) if (found := search(part, frozenset(), "")) is not None), None)


def _parts(schema: Any) -> Iterator[Any]:
    if isinstance(schema, Mapping):
        yield schema
    values = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ()
    for value in values:
        yield from _parts(value)
