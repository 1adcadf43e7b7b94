"""Reads a table of TOML as a pydantic model, and tells all that is wrong with it in the words of who wrote it.

A model is a ``Table``: every key is a ``Field`` with a description, of a type that says what it is for a person
(``expected``). The same models give the JSON Schema that editors use.

Only imported where a project of evalkit is read: importing pydantic takes 0.2 s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, TypeVar, cast, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    create_model,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from evalkit._internal.toml import Location, as_toml, dotted, quoted
from evalkit.errors import Problem, UnknownName

_DEEPEST = 5
"""How many levels of tables a file has, at most."""

TableType = TypeVar("TableType", bound="Table")


class Table(BaseModel):
    """A table of TOML. Types are taken as they stand ("3" is no 3, true is no 1), and other keys are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    EXPECTED: ClassVar[str] = "a table"


def expected(what: str) -> WrapValidator:
    """Marks a type with what it is for a person: "a text", "a whole number, 1 or more"."""

    def check(value: object, validate: Any) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise PydanticCustomError("expected", "expected {expected}", {"expected": what}) from None

    return WrapValidator(check)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


TEXT_OR_LIST = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})

Text = Annotated[str, expected("a text")]
Flag = Annotated[bool, expected("true or false")]
OneOrMore = BeforeValidator(_as_list)
TextList = Annotated[list[str], OneOrMore, TEXT_OR_LIST, expected("a text or a list of texts")]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table stands: the file as messages name it, and the heading above it, as ("tool", "evalkit")."""

    file: str
    heading: tuple[str, ...] = ()

    def problem(self, location: Location, what: str, suggestion: str | None = None) -> Problem:
        """A problem with the key at ``location``: ``what`` says it in full, with the key as it is written."""
        return Problem(self.file, what, dotted((*self.heading, *location)), suggestion)


def validate_table(model: type[TableType], table: Mapping[str, Any], source: Source) -> tuple[TableType, list[Problem]]:
    """``table`` as a ``model``, and everything that is wrong with it.

    Where something is, the model holds what is right, and None for each required key that is missing: only good for
    finding further problems.
    """
    try:
        return model.model_validate(table), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    problems = [_problem(details, model, source) for details in errors]
    # A required key that is misspelt is not told a second time, as missing.
    misspelt = {
        (*_location(details)[:-1], problem.suggestion) for details, problem in zip(errors, problems, strict=True)
    }
    missing = [details["type"] == "missing" and _location(details) in misspelt for details in errors]
    return _sound_part(model, table), [
        problem for problem, is_told in zip(problems, missing, strict=True) if not is_told
    ]


def _sound_part(model: type[TableType], table: Mapping[str, Any]) -> TableType:
    """The model of what is left of ``table`` without its mistakes."""
    required = {name: field for name, field in model.model_fields.items() if field.is_required()}
    optional = {name: (field.annotation | None, None) for name, field in required.items()}  # type: ignore[operator]
    lenient: type[TableType] = cast(Any, create_model)(model.__name__, __base__=model, **optional)
    rest = deepcopy(dict(table))
    for _ in range(_DEEPEST):
        try:
            return lenient.model_validate(rest)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            wrong = {_location(item)[:-1] if item["type"] == "missing" else _location(item) for item in errors}
            for location in sorted(wrong, reverse=True):  # the last element of a list first
                _remove(rest, location)
    return lenient.model_validate({})


def _remove(table: Any, location: Location) -> None:
    *above, last = location
    with suppress(KeyError, IndexError, TypeError):
        for part in above:
            table = table[part]
        del table[last]


# -- one problem, in words ------------------------------------------------------------------------------------------


def _problem(details: ErrorDetails, model: type[Table], source: Source) -> Problem:
    location, value = _location(details), details["input"]
    key = f"{place(source, location[:-1])}{quoted(location[-1])}"
    match details["type"]:
        case "missing":
            what = _missing(_table_at(model, location[:-1]), str(location[-1]), value)
            whole = f"[{location[-1]}]" if not source.heading and len(location) == 1 else key
            return source.problem(location, f"{whole} is missing: {what}")
        case "extra_forbidden":
            kind = "section" if not source.heading and len(location) == 1 and isinstance(value, dict | list) else "key"
            fields = _table_at(model, location[:-1]).model_fields
            inside = [
                name
                for name, field in fields.items()
                if field.annotation is not None and location[-1] in _keys(field.annotation)
            ]
            remedy = f"It is a key of {' and '.join(f'[{name}]' for name in inside)}." if inside else ""
            unknown = UnknownName(kind, str(location[-1]), fields, remedy)
            return source.problem(location, f"{place(source, location[:-1])}{unknown}", unknown.suggestion)
        case "model_type":
            what = _table_at(model, location).EXPECTED
            key = place(source, location).rstrip(" :") if what.startswith("a table") else key
        case "dict_type":
            key, what = place(source, location).rstrip(), "a table"
        case "list_type":
            what = f"tables headed {place(source, location, of_many=True).strip()}"
        case "expected":
            what = str(details["ctx"]["expected"])
        case _:
            what = details["msg"]
    return source.problem(location, f"{key} is {as_toml(value)}, expected {what}")


def _missing(table: type[Table], key: str, given: Mapping[str, Any]) -> str:
    """What a missing ``key`` is for, and which of the keys that are ``given`` may have been meant as it."""
    description = (table.model_fields[key].description or "").rstrip(".")
    others = [name for name in given if name not in table.model_fields]
    meant = get_close_matches(key, others, n=1) if table.model_config.get("extra") == "allow" else []
    hint = f". Did you mean it by {meant[0]!r}?" if meant else ""
    return f"{description[:1].lower()}{description[1:]}{hint}"


def _location(details: ErrorDetails) -> Location:
    """The keys that lead to an error, without the tags of unions."""
    return tuple(part for part in details["loc"] if not str(part).startswith("#"))


def _table_at(model: type[Table], location: Location) -> type[Table]:
    """The model that the table at ``location`` is read by."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = next(_tables_in(field.annotation), model)
    return model


def _keys(annotation: Any) -> Collection[str]:
    """The keys of a field that is a table itself."""
    is_table = isinstance(annotation, type) and issubclass(annotation, Table)
    return annotation.model_fields if is_table else ()


def _tables_in(annotation: Any) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for part in get_args(annotation):
        yield from _tables_in(part)


def place(source: Source, location: Location, of_many: bool = False) -> str:
    """The heading of the table at ``location`` as it is written, followed by a space; empty at the top of a file.

    >>> place(Source("pyproject.toml", ("tool", "evalkit")), ("prices", "anthropic:x"))
    '[tool.evalkit.prices."anthropic:x"] '
    >>> place(Source("task.toml"), ("waivers", 1))
    '[[waivers]] number 2: '
    """
    parts = (*source.heading, *location)
    numbers = [index for index, part in enumerate(parts) if isinstance(part, int)]
    if numbers:
        names, number, rest = parts[: numbers[0]], int(parts[numbers[0]]), parts[numbers[0] + 1 :]
        return f"[[{dotted(names)}]] number {number + 1}: " + (f"{dotted(rest)} " if rest else "")
    heading = dotted(parts)
    return (f"[[{heading}]] " if of_many else f"[{heading}] ") if parts else ""
