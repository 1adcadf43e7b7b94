"""What a relation is: a change of a text after which it is known, without a label, what must become of the answer.

A relation is one file of this folder, or an entry point in the group ``evalkit.relations``; its name is what task.toml
says: ``relations/swap.py`` is ``relation = "swap"``. The file has one function

    def make_relation(options) -> TextTransform

which checks the options of ``[relations.<name>]`` once (ConfigError) and returns a pure function of a text: the text as
it is after the change, or as it was where there is nothing to change.

The keys ``relation``, ``input``, ``negates``, ``follows``, ``free`` and ``most`` of ``[relations.<name>]`` are the
task's, and no option of any relation: which fields of an input are changed, and what is expected of the answer.

Source: T. Y. Chen, S. C. Cheung and S. M. Yiu (1998), Metamorphic testing, HKUST-CS98-01.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from evalkit.errors import ConfigError, UnknownName

TextTransform = Callable[[str], str]
"""The text after a change."""


def reject_unknown(options: Mapping[str, Any], known: Collection[str] = ()) -> None:
    """Raises UnknownName for an option that is not ``known``."""
    for name in options:
        if name not in known:
            raise UnknownName("option", name, known)


def pairs(options: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """The option ``name`` as pairs of texts. Raises ConfigError where it is none, or empty."""
    value = options.get(name)
    good = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) and text for text in pair)
        for pair in value
    )
    if not good or not value:
        raise ConfigError(f'{name} is {value!r}, expected pairs of texts, as in [["rise", "fall"]]')
    return [(one, other) for one, other in value]


def substitution(exchanges: Sequence[tuple[str, str]]) -> TextTransform:
    """Every whole word (or phrase) by the other of its pair, all at once, as large as it was written.

    Raises ConfigError where a word has two others.

    >>> substitution([("rise", "fall"), ("fall", "rise")])("Rise or fall? A rising tide.")
    'Fall or rise? A rising tide.'
    """
    words = dict(exchanges)
    if len({word.casefold() for word in words}) < len(exchanges):
        told = [list(pair) for pair in exchanges]
        raise ConfigError(f"words is {told!r}: a word has two others, so it is not known which one comes")
    longest = sorted(words, key=len, reverse=True)
    each = "|".join(f"({re.escape(word)})" for word in longest)
    pattern = re.compile(rf"(?<![\w-])(?:{each})(?![\w-])", re.IGNORECASE)
    return lambda text: pattern.sub(lambda found: _as_large(found[0], words[longest[(found.lastindex or 1) - 1]]), text)


def _as_large(written: str, other: str) -> str:
    if len(written) > 1 and written.isupper():
        return other.upper()
    return other[0].upper() + other[1:] if written[0].isupper() else other
