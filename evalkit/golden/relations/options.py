"""Readers of a relation's options."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from evalkit.errors import ConfigError, UnknownName


def reject_unknown(options: Mapping[str, Any], allowed: Collection[str] = ()) -> None:
    """Raises UnknownName for an option that is not ``allowed``."""
    for name in options:
        if name not in allowed:
            raise UnknownName("option", name, allowed)


def pairs(options: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """The option ``name`` as pairs of texts. Raises ConfigError where it is none, or empty."""
    value = options.get(name)
    good = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) and text for text in pair)
        for pair in value
    )
    if not good or not value:
        raise ConfigError(f'{name} is {value!r}, expected pairs of texts, as in [["rise", "fall"]]')
    return [(first, second) for first, second in value]
