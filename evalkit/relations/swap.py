"""Exchanges words for one another, both ways: ``words = [["rise", "fall"], ["above", "below"]]``.

With ``negates = ["direction"]``: the question is asked the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.relations import Change, only, pairs, substitution


def make_relation(options: Mapping[str, Any]) -> Change:
    """
    >>> make_relation({"words": [["rise", "fall"]]})("Will it rise, or will it fall?")
    'Will it fall, or will it rise?'
    """
    only(options, ("words",))
    words = pairs(options, "words")
    other = {one: two for pair in words for one, two in (pair, pair[::-1])}
    if len({word.casefold() for word in other}) < 2 * len(words):
        raise ConfigError(f"words is {options['words']!r}: a word has two others, so it is not known which one comes")
    return substitution(other)
