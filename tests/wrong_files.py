"""What is wrong with a file that a person wrote, as data: what tests of configuration ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from evalkit._internal.validation import Table
from evalkit.errors import Problem


class Mistake(NamedTuple):
    """A mistake in a file, and what must be told of it: its key, a part of the sentence, and the name suggested."""

    text: str
    key: str
    what: str
    suggestion: str | None = None


def as_data(problem: Problem) -> tuple[str, str | None]:
    return problem.key, problem.suggestion


def fields_without_description(model: type[Table]) -> list[str]:
    """The keys in the JSON Schema of ``model``, those of inner tables included, that nothing is said of."""
    schema = model.model_json_schema()
    tables: dict[str, Any] = {model.__name__: schema, **schema.get("$defs", {})}
    return [f"{table}.{key}" for table, key, entry in _keys(tables) if not str(entry.get("description", "")).strip()]


def _keys(tables: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for table, schema in tables.items():
        for key, entry in schema.get("properties", {}).items():
            yield table, key, entry
