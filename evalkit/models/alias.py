"""A backend under the name that a project gave it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from evalkit.models.chat_template import NO_ARGUMENTS, TemplateArguments
from evalkit.models.request import Asking

KEYS = ("spec", "parent", "cost_per_hour", "thinking", "template", *(entry.name for entry in fields(Asking)))
"""The keys of an alias that are not options of its backend."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A backend by the name it has in tables and tests.

    ``spec`` may hold ``{task}``. ``options`` are the alias's further keys, handed to the backend.
    ``parent`` is the alias it was made from. ``asking`` shapes what it is asked, and is not the backend's.
    ``template`` is what its chat template is handed.
    ``cost_per_hour`` is what the machine costs that it runs on, in US dollars, None where nobody says.
    """

    name: str
    spec: str
    parent: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    asking: Asking = field(default_factory=Asking)
    cost_per_hour: float | None = None
    template: TemplateArguments = NO_ARGUMENTS

    def spec_for(self, task: str) -> str:
        """Its spec for the golden task of that name."""
        return self.spec.replace("{task}", task)


def circle_of(start: str, parents: Mapping[str, str | None]) -> tuple[str, ...]:
    """The names from ``start`` by its parents back to itself; empty where they don't lead back.

    >>> circle_of("a", {"a": "b", "b": "a", "c": "b"}), circle_of("c", {"a": "b", "b": "a", "c": "b"})
    (('a', 'b'), ())
    """
    path = list(_ancestors(start, parents))
    return tuple(path) if parents.get(path[-1]) == start else ()


def _ancestors(start: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    passed: set[str] = set()
    name: str | None = start
    while name is not None and name not in passed:
        passed.add(name)
        yield name
        name = parents.get(name)
