"""Exchanges words for one another, both ways: ``words = [["rise", "fall"], ["above", "below"]]``.

With ``negates = ["direction"]``: the question is asked the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.golden.relations.options import pairs, reject_unknown
from evalkit.golden.relations.substitution import substitution
from evalkit.golden.relations.transform import TextTransform


def make_relation(options: Mapping[str, Any]) -> TextTransform:
    """The text with the words of each pair of ``words`` exchanged. Raises ConfigError for no such pairs.

    >>> make_relation({"words": [["rise", "fall"]]})("Will it rise, or will it fall?")
    'Will it fall, or will it rise?'
    """
    reject_unknown(options, ("words",))
    words = pairs(options, "words")
    return substitution([*words, *((second, first) for first, second in words)])
