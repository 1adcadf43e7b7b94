"""What the scorers of text have in common: what counts as text, and what is settled before two texts are compared."""

from __future__ import annotations

from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.score import Judgement
from evalkit.scorers.values import json_type

BOTH_EMPTY = (
    "what an empty text scores where none is expected. The task has to choose: there are no words to count in either"
)
"""What ``both_empty`` is, for who has left it out."""


def without_words(got: Any, expected: Any, both_empty: float) -> Judgement | None:
    """What is settled before two texts are compared: one of them is no text, or empty. None where both have words.

    Raises ConfigError where the expected value is no text.
    """
    reference, text = as_text(expected), as_text(got)
    if reference is None:
        raise ConfigError(f"an example expects {expected!r}, but this scorer is for texts and lists of strings")
    if text is None:
        return Judgement(0.0, f"{json_type(got)}, not text")
    if text and reference:
        return None
    if text or reference:
        return Judgement(0.0, "text where none is expected" if text else "empty where text is expected")
    return Judgement(both_empty, "" if both_empty == 1 else f"both are empty, which scores {both_empty:g} here")


def as_text(value: Any) -> str | None:
    """``value`` as one text, None where it is neither a text nor a list of them (which is its strings in lines)."""
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        value = "\n".join(value)
    return value.strip() if isinstance(value, str) else None
