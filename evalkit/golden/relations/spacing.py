"""Writes every space twice, and ends the text with an empty line, as text does that was copied from somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.golden.relations.options import reject_unknown
from evalkit.golden.relations.transform import TextTransform


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    r"""The text with every space doubled, and an empty line at its end. There are no options.

    >>> make_relation({})("Copper falls")
    'Copper  falls\n\n'
    """
    reject_unknown(options)
    return lambda text: text.replace(" ", "  ") + "\n\n"
