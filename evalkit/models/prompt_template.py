"""The templates of a task's prompt: how one is filled, and what one may cost.

A filled template has ``MOST`` characters at most. One with nothing in it that repeats or grows (names, fields, tests,
``if``, the filters of ``_PLAIN_FILTERS``) is filled here; any other in a process that is ended after two seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from evalkit._internal.bounded import OutOfBounds, bounded

MOST = 1_000_000
"""So many characters may a filled template have."""

_PLAIN = frozenset({"Template", "Output", "TemplateData", "Name", "Getattr", "Getitem", "Slice", "Const", "If",
                    "CondExpr", "Compare", "Operand", "And", "Or", "Not", "Filter", "Test"})  # fmt: skip
"""What a template may be made of that can't take long: its time and its text grow as the template and the input do."""

_PLAIN_FILTERS = frozenset({"trim", "upper", "lower", "title", "capitalize", "default", "d", "length", "count",
                            "first", "last", "int", "float", "string"})  # fmt: skip

_GROWING = frozenset({"json", "join"})
"""Filters that make their text longer: plain where they stand once, with a short argument that is written out."""


def fill(source: str, given: Mapping[str, Any]) -> str:
    """The text of the template ``source`` for an input. Raises OutOfBounds, and whatever the template raises."""
    if is_plain(source):
        return filled(source, given)
    return str(bounded("evalkit.models.prompt_template:filled", source, dict(given)))


def filled(source: str, given: Mapping[str, Any]) -> str:
    """The same, whatever it takes of time."""
    pieces, length = [], 0
    for piece in _template(source).generate(dict(given)):
        pieces.append(piece)
        length += len(piece)
        if length > MOST:
            raise OutOfBounds(f"the prompt has more than {MOST:,} characters: shorten the template or its input")
    return "".join(pieces)


@lru_cache(maxsize=256)
def is_plain(source: str) -> bool:
    """Whether ``source`` is filled at no more cost than its own length and its input's.

    >>> is_plain("{{ text | trim }}"), is_plain("{% for one in tags %}{{ one }}{% endfor %}")
    (True, False)
    """
    from jinja2 import nodes

    tree = _environment().parse(source)
    return all(type(node).__name__ in _PLAIN for node in tree.find_all(nodes.Node)) and all(
        map(_is_plain_filter, tree.find_all(nodes.Filter))
    )


def _is_plain_filter(one: Any) -> bool:
    if one.name not in _GROWING:
        return one.name in _PLAIN_FILTERS
    # One upon another they would double the text each time.
    alone = all(inner is one or inner.name not in _GROWING for inner in [*one.find_all(type(one))])
    return alone and all(len(str(getattr(given, "value", "?" * 99))) < 50 for given in one.args) and not one.kwargs


@lru_cache(maxsize=256)
def names(source: str) -> frozenset[str]:
    """The names that a template reads, those of its own loops among them."""
    from jinja2 import nodes

    # Not jinja2.meta: it computes what is constant, and that may be a text of a gigabyte.
    return frozenset(name.name for name in _environment().parse(source).find_all(nodes.Name) if name.ctx == "load")


@lru_cache(maxsize=256)
def _template(source: str) -> Any:
    return _environment().from_string(source)


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Sandboxed: a golden folder may come from elsewhere, and data must never run code.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False, default=_refuse)
    return environment


def _refuse(value: object) -> None:
    str(value)  # where it is undefined this raises, and names the variable
    raise TypeError(f"{type(value).__name__} is not JSON")
