"""Puts other words in the place of some: ``words = [["Apple", "Quillvec"]]``.

With ``follows = ["company_names"]``: a company under another name is still the company that the item is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.golden.relations.options import pairs, reject_unknown
from evalkit.golden.relations.substitution import substitution
from evalkit.golden.relations.transform import TextTransform


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    """The text with each word of ``words`` replaced by the second of its pair. Raises ConfigError for no such pairs.

    >>> make_relation({"words": [["Fed", "Riksbank"]]})("Fed cuts")
    'Riksbank cuts'
    """
    reject_unknown(options, ("words",))
    return substitution(pairs(options, "words"))
