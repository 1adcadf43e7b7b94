"""What replies of every vendor have in common: how an answer ended, and what it was billed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.models.backend import Completion, FinishReason
from evalkit.models.retry import Cut

USAGE = ("input", "output", "cached", "cache_write")
"""The keys of ``Completion.usage``."""


def token_count(value: Any) -> int | None:
    """A number of tokens, None where ``value`` is none.

    >>> token_count(3), token_count(True), token_count("3"), token_count(-1)
    (3, None, None, None)
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def finish_of(end: str | None, ends: Mapping[str, FinishReason]) -> FinishReason:
    """What the reason ``end`` means by the vendor's table ``ends``. Raises Cut where the server did not finish the
    answer: without a reason, or with one that stands in no table."""
    if end is None:
        raise Cut("the answer ended in the middle")
    if end.lower() not in ends:
        raise Cut(f"the server did not finish the answer: it ended it with {end!r}")
    return ends[end.lower()]


def replied(
    text: str, finish: FinishReason, thoughts: list[str], usage: Mapping[str, int] | None, model: str | None
) -> Completion:
    """The answer as it was read. ``usage`` has every key of ``USAGE``, or is None where no counts came."""
    return Completion(
        text=text,
        finish_reason=finish,
        prompt_tokens=usage["input"] + usage["cached"] + usage["cache_write"] if usage else None,
        completion_tokens=usage["output"] if usage else None,
        thinking="".join(thoughts) or None,
        usage=usage,
        model=model,
    )
