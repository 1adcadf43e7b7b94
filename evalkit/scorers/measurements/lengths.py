"""How long a text or a list is: what measurements of length are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.scorers.options import choice_option, reject_unknown

UNITS = ("characters", "words", "items")
WHOLES = ("field", "answer")


@dataclass(frozen=True, slots=True)
class Length:
    """What is measured, and how: ``reads`` gives the length of a value, ``of_text`` is whether that is the answer's
    whole text."""

    reads: Callable[[Any], float | None]
    of_text: bool


def length_option(options: Mapping[str, Any]) -> Length:
    """The options of a measurement of length.

    ``unit``: "characters" (default), "words" (runs of what is no white space) or "items" (of a list).
    ``of``: "field" (default) or "answer", the whole text of an answer without its reasoning, whether or not it can be
    read.
    A list has the characters and the words of its texts together. Raises ConfigError on another option or value of it.

    >>> words = length_option({"unit": "words"}).reads
    >>> words("The bank raises rates"), words(["The bank", "raises"]), words(3)
    (4.0, 3.0, None)
    """
    reject_unknown(options, {"unit", "of"})
    unit, whole = choice_option(options, "unit", UNITS), choice_option(options, "of", WHOLES)
    return Length(lambda value: _length(value, unit), whole == "answer")


def _length(value: Any, unit: str) -> float | None:
    """The length of ``value``; None where it has none in this unit."""
    if unit == "items":
        return float(len(value)) if isinstance(value, list | tuple) else None
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        return None
    return float(sum(len(text) if unit == "characters" else len(text.split()) for text in texts))
