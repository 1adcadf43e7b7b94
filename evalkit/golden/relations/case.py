"""Writes a text in other letters: ``to = "upper"`` or ``"lower"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.golden.relations.options import reject_unknown
from evalkit.golden.relations.transform import TextTransform


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    """The text in capitals or in small letters, as ``to`` says. Raises ConfigError for another ``to``.

    >>> make_relation({"to": "upper"})("Copper falls")
    'COPPER FALLS'
    """
    reject_unknown(options, ("to",))
    if options.get("to") not in ("upper", "lower"):
        raise ConfigError(f"to is {options.get('to')!r}, expected 'upper' or 'lower'")
    return str.upper if options["to"] == "upper" else str.lower
