"""Puts other words in the place of some: ``words = [["Apple", "Quillvec"]]``.

With ``follows = ["company_names"]``: a company under another name is still the company that the item is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.relations import Change, only, pairs, substitution


def make_relation(options: Mapping[str, Any]) -> Change:
    """
    >>> make_relation({"words": [["Fed", "Riksbank"]]})("Fed cuts")
    'Riksbank cuts'
    """
    only(options, ("words",))
    words = pairs(options, "words")
    if len({word.casefold() for word, _ in words}) < len(words):
        raise ConfigError(f"words is {options['words']!r}: a word has two others, so it is not known which one comes")
    return substitution(dict(words))
