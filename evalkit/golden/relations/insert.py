"""Adds a sentence that must change nothing: ``text = "The page has a new layout."``, ``where = "end"`` or ``"begin"``.

A text that ends in no full stop gets one first.

For what is beside the point, and for what would lead a model astray: JSON in a headline, "ignore the instructions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.golden.relations.options import reject_unknown
from evalkit.golden.relations.transform import TextTransform


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    """The text with the sentence ``text`` at its ``where``. Raises ConfigError where either can't be used.

    >>> make_relation({"text": "It rained."})("Copper falls")
    'Copper falls. It rained.'
    """
    reject_unknown(options, ("text", "where"))
    text, where = options.get("text"), options.get("where", "end")
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"text is {text!r}, expected a sentence")
    if where not in ("begin", "end"):
        raise ConfigError(f"where is {where!r}, expected 'begin' or 'end'")
    if where == "begin":
        return lambda old: f"{text} {old}"
    return lambda old: f"{old}{'' if old.rstrip().endswith(('.', '!', '?', '…')) else '.'} {text}"
