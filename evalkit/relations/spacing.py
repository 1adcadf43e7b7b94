"""Writes every space twice, and ends the text with an empty line, as text does that was copied from somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.relations import Change, only


def make_relation(options: Mapping[str, Any]) -> Change:
    r"""
    >>> make_relation({})("Copper falls")
    'Copper  falls\n\n'
    """
    only(options)
    return lambda text: text.replace(" ", "  ") + "\n\n"
