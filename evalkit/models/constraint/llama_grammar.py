"""Schemas as Ollama holds them: llama.cpp's own grammar, which passes over what it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalkit.golden.references import types_of
from evalkit.models.constraint.held import Held, named, rewritten

_UNKNOWN = (
    "uniqueItems", "not", "if", "then", "else", "contains", "minContains", "maxContains", "multipleOf",
    "patternProperties", "propertyNames", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_ANCHORED = re.compile(r"\^.*\$\Z", re.DOTALL)
"""The only patterns that it takes."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def hold(schema: Mapping[str, Any]) -> Held:
    """How Ollama holds an answer to ``schema``, which it is sent whole."""
    left_out: list[str] = []

    def known(part: dict[str, Any], at: str) -> dict[str, Any]:
        # Only integers are held to bounds.
        beyond = (*_UNKNOWN, *(() if types_of(part) == ("integer",) else _BOUNDS))
        if not _ANCHORED.match(str(part.get("pattern", "^$"))):
            beyond = (*beyond, "pattern")
        left_out.extend(named(key, at) for key in part if key in beyond)
        left_out.extend(f"{named('oneOf', at)}, which is held as anyOf" for key in part if key == "oneOf")
        return {("anyOf" if key == "oneOf" else key): value for key, value in part.items() if key not in beyond}

    obeyed = rewritten(schema, known)
    return Held(schema, obeyed, tuple(left_out))
