"""Regular expressions that others wrote, tried on texts that others wrote: none runs on.

One in which little can be tried in more than one way is tried here; any other in a process that is ended after two
seconds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from evalkit._internal.bounded import OutOfBounds, bounded
from evalkit.errors import ConfigError

_REPEATS = re.compile(r"[*+]|\{\d*,\d*\}")
_CHOICES = re.compile(r"[|?]")
_LONG = 10_000
"""A text of more characters is long: a pattern with one repeat may read it once from each of them."""


@lru_cache(maxsize=1024)
def is_plain(pattern: str) -> bool:
    """Whether ``pattern`` takes no more than the square of a text's length.

    >>> is_plain(r"^Will (.+?) (rise|fall)"), is_plain("(a+)+$")
    (True, False)
    """
    repeated_group = re.search(r"\)[*+{]", pattern)
    return not repeated_group and len(_REPEATS.findall(pattern)) <= 1 and len(_CHOICES.findall(pattern)) <= 8


def found(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found somewhere in ``text``. Raises ConfigError where that takes too long."""
    return bool(_tried("found_here", pattern, text))


def replaced(pattern: str, other: str, text: str) -> str | None:
    """``text`` with the first match of ``pattern`` replaced by ``other``; None where there is none.

    Raises ConfigError where that takes too long.
    """
    changed: str | None = _tried("replaced_here", pattern, text, other)
    return changed


def found_here(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def replaced_here(pattern: str, text: str, other: str) -> str | None:
    changed, count = re.subn(pattern, other, text, count=1)
    return changed if count else None


def _tried(function: str, pattern: str, text: str, *more: str) -> Any:
    if is_plain(pattern) and len(text) <= _LONG:
        return globals()[function](pattern, text, *more)
    try:
        return bounded(f"{__name__}:{function}", pattern, text, *more)
    except OutOfBounds as error:
        raise ConfigError(
            f"the pattern {pattern!r} does not come to an end on a text of {len(text)} characters that begins with "
            f"{text[:40]!r}: {error}; take away a repeat that stands inside another, as in '(a+)+'"
        ) from error
