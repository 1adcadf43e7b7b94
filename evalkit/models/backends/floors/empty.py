"""The emptiest floor: the least object that the schema accepts and that is no error object.

Fields are null where they may be, numbers as near to 0 as the schema allows, texts and lists as short, enums take their
first value. Optional fields are left out, but for those whose emptiest value scores in some example, as an empty list
does where none is expected: a field that is not there never scores. What scores well here scores for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import floor, inf, isfinite
from typing import Any

from evalkit.errors import MissingModel
from evalkit.golden.model import Task
from evalkit.golden.references import Trail, forms, types_of
from evalkit.golden.schema import compiled
from evalkit.golden.scoring import scorer_of
from evalkit.models.backend import Backend, Opening
from evalkit.models.backends.floors.constant import Constant

_BLANK: tuple[Any, ...] = (None, [], "", {})


def open_backend(opening: Opening) -> Backend:
    """The constant emptiest object. Raises MissingModel where the schema is beyond this floor's reading."""
    task, found = opening.task, []
    for form, trail in forms(task.schema, task.schema):
        if "error" not in form.get("required", ()) and "object" in (types_of(form) or ("object",)):
            value = _least_object(task.schema, form, trail)
            if value is not None and compiled(task.schema).violation(value) is None:
                found.append((value, form))
    if not found:
        raise MissingModel(
            f"{opening.spec}: can't think of an empty object for {task.folder / 'schema.json'}: each has a pattern, or "
            "needs another of its kind inside it, without end"
        )
    value, form = min(found, key=lambda each: _weight(each[0]))
    return Constant(_filled(task, value, form))


def _filled(task: Task, value: Mapping[str, Any], form: Mapping[str, Any]) -> Mapping[str, Any]:
    """``value`` with each field that is not there as the least value, of those of its types, that scores most; and with
    one that is blank as the kind of blank that scores most. A field stays what it was where none scores more."""
    for name, part in form.get("properties", {}).items():
        choices = _least_values(task.schema, part, frozenset())
        if name in value:
            choices = [each for each in choices if each in _BLANK and each != value[name] and value[name] in _BLANK]
        best = _points(task, name, value[name]) if name in value and choices else 0.0
        for blank in choices if name != "error" else ():
            candidate, points = {**value, name: blank}, _points(task, name, blank)
            if points > best and compiled(task.schema).violation(candidate) is None:
                value, best = candidate, points
    return value


def _points(task: Task, name: str, got: Any) -> float:
    """What ``got`` scores as the field ``name``, over all scores and all examples that are scored."""
    rules = [(rule, scorer_of(rule)) for rule in task.field_scores if rule.field == name]
    examples = [example for split, each in task.splits.items() if split != "train" for example in each]
    return sum(
        scorer(got, example.expected[name], example.input).value
        for rule, scorer in rules
        for example in examples
        if rule.asked_of(example)
    )


def least(part: Mapping[str, Any], schema: Any = None) -> Any:
    """The least value that ``part`` accepts, a part of ``schema``, or a schema of its own (no patterns).

    The order of types, and of branches, makes no difference.

    >>> least({"type": "object", "required": ["a"], "properties": {"a": {"type": "number", "minimum": 2}, "b": {}}})
    {'a': 2}
    >>> least({"type": ["string", "null"]}), least({"type": ["null", "string"]})
    (None, None)
    """
    return next(iter(_least_values(part if schema is None else schema, part, frozenset())), None)


def _least_values(schema: Any, part: Any, trail: Trail) -> list[Any]:
    """The least value of each type that ``part`` may have, the least first; none where there is no end to them."""
    values = [value for form, way in forms(schema, part, trail) for value in _of_form(schema, form, way)]
    return sorted(values, key=_weight)


def _weight(value: Any) -> tuple[int, int, str]:
    """Orders values by how much they say: nothing, something empty, no, 0, and then by how long they are."""
    text = json.dumps(value, sort_keys=True)
    if value is None:
        rank = 0
    elif isinstance(value, bool) or not isinstance(value, int | float):
        rank = 2 if value is False else 4 if value else 1
    else:
        rank = 4 if value else 3
    return rank, len(text), text


def _of_form(schema: Any, form: Mapping[str, Any], trail: Trail) -> Iterator[Any]:
    if "const" in form:
        yield form["const"]
    elif "enum" in form:
        yield from [None] if None in form["enum"] else form["enum"][:1]
    else:
        for kind in types_of(form) or (_kind_meant(form),):
            yield from _of_kind(schema, form, kind, trail)


def _kind_meant(form: Mapping[str, Any]) -> str:
    """The type that a form is about which names none."""
    if "properties" in form or "required" in form:
        return "object"
    return "array" if "items" in form or "minItems" in form else "null"


def _of_kind(schema: Any, form: Mapping[str, Any], kind: str, trail: Trail) -> Iterator[Any]:
    match kind:
        case "object":
            value = _least_object(schema, form, trail)
            if value is not None:
                yield value
        case "array":
            values = _least_array(schema, form, trail)
            if values is not None:
                yield values
        case "string":
            yield "-" * form.get("minLength", 0)
        case "number" | "integer":
            yield _least_number(form, whole=kind == "integer")
        case "boolean":
            yield False
        case "null":
            yield None


def _least_object(schema: Any, form: Mapping[str, Any], trail: Trail) -> dict[str, Any] | None:
    value, properties = {}, form.get("properties", {})
    for name in form.get("required", ()):
        values = _least_values(schema, properties.get(name, {}), trail)
        if not values:
            return None
        value[name] = values[0]
    return value


def _least_array(schema: Any, form: Mapping[str, Any], trail: Trail) -> list[Any] | None:
    count, first = form.get("minItems", 0), form.get("prefixItems", ())
    values: list[Any] = []
    for place in range(count):
        choices = _least_values(schema, first[place] if place < len(first) else form.get("items", {}), trail)
        if not choices:
            return None
        values.append(choices[0])
    return values


def _least_number(form: Mapping[str, Any], whole: bool) -> float:
    """The number nearest to 0 within the bounds of ``form``; 0 where none is found."""
    step = form.get("multipleOf", 1 if whole else None)
    lows, above = [form[key] for key in ("minimum",) if key in form], form.get("exclusiveMinimum", -inf)
    highs, below = [form[key] for key in ("maximum",) if key in form], form.get("exclusiveMaximum", inf)
    low, high = max((*lows, above)), min((*highs, below))
    ends = [0, *(end for end in (low, high) if isfinite(end))]
    if step:
        choices = [(floor(end / step) + more) * step for end in ends for more in (-1, 0, 1)]
    else:
        choices = [*ends, *(end + more for end in ends for more in (-1, 1)), (low + high) / 2]
    fitting = [each for each in choices if above < each < below and low <= each <= high]
    return min(fitting, key=lambda each: (abs(each), each), default=0)
