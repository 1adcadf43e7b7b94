"""Puts other words in the place of some: ``words = [["Apple", "Quillvec"]]``.

With ``follows = ["company_names"]``: a company under another name is still the company that the item is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.relations import Change, only, pairs, substitution


def make_relation(options: Mapping[str, Any]) -> Change:
    """
    >>> make_relation({"words": [["Fed", "Riksbank"]]})("Fed cuts")
    'Riksbank cuts'
    """
    only(options, ("words",))
    return substitution(pairs(options, "words"))
