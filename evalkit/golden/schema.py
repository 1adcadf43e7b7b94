"""A task's JSON Schema, compiled once; what it refuses is described in one line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from evalkit._internal.patterns import found
from evalkit._internal.strict_json import brief, path_of
from evalkit.golden.references import endless_reference, forms, lookup
from evalkit.scorers.unicode_forms import only_difference

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


class Schema:
    """A JSON Schema (draft 2020-12), compiled once.

    Raises ValueError when it is no valid schema, or refers to anything outside itself: nothing is fetched.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import extend
        from referencing import Registry

        self.source = schema
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"{path_of(error.absolute_path) or 'the schema'}: {error.message}") from error
        for reference in _references(schema):
            if lookup(schema, reference) is None:
                raise ValueError(f"'$ref' is {reference!r}, expected '#' or '#/...' to a place in this schema")
        if circle := endless_reference(schema):
            raise ValueError(f"'$ref' is {circle!r}, which leads back to itself before any field: it says nothing")
        validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
        self._validator = validator(schema, registry=Registry())

    def violation(self, value: Any) -> str | None:
        """The one thing most worth saying about what is wrong with ``value``, None when it is accepted.

        Of a ``oneOf`` or ``anyOf`` it speaks of the branch that shares the most fields with ``value``.

        >>> Schema({"properties": {"novelty": {"enum": ["new", "old"]}}}).violation({"novelty": "recent"})
        "novelty: not one of the values, got 'recent', expected 'new' or 'old'"
        """
        try:
            # An array of a million wrong elements has a million errors: the first hundred will do.
            errors = list(islice(self._validator.iter_errors(value), 100))
            return self._describe(errors) if errors else None
        except RecursionError:
            return "the object: nested too deeply to be checked"

    def _describe(self, errors: Sequence[ValidationError]) -> str:
        # A field that is missing tells more than one with a wrong value, a field too many tells least.
        error = min(errors, key=lambda each: {"required": 0, "additionalProperties": 2}.get(str(each.validator), 1))
        if error.validator in ("oneOf", "anyOf") and error.context:
            return self._describe_branches(error)
        return _describe_error(error, self.source)

    def _describe_branches(self, error: ValidationError) -> str:
        branches: dict[Any, list[ValidationError]] = {}
        for each in error.context or ():
            branches.setdefault(each.relative_schema_path[0], []).append(each)
        mistyped = [next((e for e in errors if e.validator == "type" and not e.relative_path), None)
                    for errors in branches.values()]  # fmt: skip
        if len(branches) > 1 and all(mistyped):
            return _line(
                error, "wrong type", _listed([t for e in mistyped if e for t in _types(cast(Any, e.validator_value))])
            )

        def fit(index: Any) -> tuple[int, bool, int]:
            part = cast(Any, error.validator_value)[index]
            fields = {name for form, _ in forms(self.source, part) for name in form.get("properties", {})}
            shared = len(fields & error.instance.keys()) if isinstance(error.instance, dict) else 0
            typed = not any(e.validator == "type" and not e.relative_path for e in branches[index])
            return shared, typed, -len(branches[index]) if shared else 0  # nothing in common: the first branch

        return self._describe(branches[max(branches, key=fit)])


def compiled(source: Mapping[str, Any]) -> Schema:
    """``source`` as a Schema, compiled once in a process however often it is asked for. Raises ValueError as Schema."""
    return _compiled(json.dumps(source))


@lru_cache(maxsize=256)
def _compiled(text: str) -> Schema:
    return Schema(json.loads(text))


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterable[ValidationError]:
    """jsonschema's own would let a pattern that runs on hold the whole session."""
    from jsonschema.exceptions import ValidationError

    if validator.is_type(instance, "string") and not found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, Mapping):
        yield from (schema[key] for key in ("$ref", "$dynamicRef") if isinstance(schema.get(key), str))
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _describe_error(error: ValidationError, source: Mapping[str, Any]) -> str:
    """``field: what, got, expected`` of one error of jsonschema with the schema ``source``."""
    # The types of both say that they may be unset: iter_errors sets them.
    wanted, instance = cast(Any, error.validator_value), cast(Any, error.instance)
    fields = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    match cast("str | None", error.validator):
        case "required":
            missing = next(name for name in wanted if name not in instance)
            hint = _listed(dict.fromkeys(_expected(form) for form, _ in forms(source, fields.get(missing, {}))))
            return f"{path_of([*error.absolute_path, missing])}: missing{hint and ', expected ' + hint}"
        case "additionalProperties" if wanted is False and (extra := [k for k in instance if k not in fields]):
            name = path_of([*error.absolute_path, extra[0]])
            only = _listed(map(repr, fields)) or "no field"
            return f"{name}: not a field of the schema, got {brief.repr(instance[extra[0]])}, expected {only}"
        case "type":
            return _line(error, "wrong type", _expected({"type": wanted}))
        case "enum" | "const":
            what = _nearly(instance, wanted if error.validator == "enum" else [wanted]) or "not one of the values"
            return _line(error, what, _expected({str(error.validator): wanted}))
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            bound = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}
            return _line(error, "out of range", f"{bound.get(str(error.validator), 'less than')} {wanted}")
        case "oneOf":
            return _line(error, "fits more than one branch", "exactly one of oneOf")
        case None:  # the schema `false`, whose error does not name its field
            return f"a field: not allowed, got {brief.repr(instance)}, expected none"
    return _line(error, "refused", f"{error.validator} {brief.repr(wanted)}")


def _nearly(value: Any, wanted: Sequence[Any]) -> str:
    """How a text differs from one of the texts that are ``wanted``, where only its characters are written otherwise."""
    texts = [text for text in wanted if isinstance(text, str)] if isinstance(value, str) else []
    return only_difference(lambda fold: fold(value) in map(fold, texts)).partition(" (")[0] if texts else ""


def _expected(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return _listed(map(repr, schema["enum"]))
    return _listed(_types(schema.get("type", [])))


def _line(error: ValidationError, what: str, expected: str) -> str:
    where = path_of(error.absolute_path) or "the object"
    return f"{where}: {what}, got {brief.repr(error.instance)}, expected {expected}"


def _types(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


def _listed(words: Iterable[str]) -> str:
    *most, last = list(dict.fromkeys(words)) or [""]
    return f"{', '.join(most)} or {last}" if most else last
