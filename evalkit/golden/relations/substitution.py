"""Whole words in the place of others, as large as the words they replace."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalkit.errors import ConfigError
from evalkit.golden.relations.transform import TextTransform


def substitution(exchanges: Sequence[tuple[str, str]]) -> TextTransform:
    """Every whole word (or phrase) by the other of its pair, all at once, as large as it was written.

    Raises ConfigError where a word has two others.

    >>> substitution([("rise", "fall"), ("fall", "rise")])("Rise or fall? A rising tide.")
    'Fall or rise? A rising tide.'
    """
    words = dict(exchanges)
    if len({word.casefold() for word in words}) < len(exchanges):
        written = [list(pair) for pair in exchanges]
        raise ConfigError(f"words is {written!r}: a word has two others, so it is not known which one comes")
    longest = sorted(words, key=len, reverse=True)
    either = "|".join(f"({re.escape(word)})" for word in longest)
    pattern = re.compile(rf"(?<![\w-])(?:{either})(?![\w-])", re.IGNORECASE)
    return lambda text: pattern.sub(lambda match: _as_large(match[0], words[longest[(match.lastindex or 1) - 1]]), text)


def _as_large(written: str, other: str) -> str:
    if len(written) > 1 and written.isupper():
        return other.upper()
    return other[0].upper() + other[1:] if written[0].isupper() else other
