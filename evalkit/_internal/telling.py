"""A line for whoever waits for something that takes long: on standard error, unless somebody else takes it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic

_FIRST, _EVERY = 2.0, 5.0
"""Seconds until the first line, and between two."""


def _on_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


_tell: list[Callable[[str], object]] = [_on_standard_error]


def tell_to(tell: Callable[[str], object]) -> None:
    """From now on ``tell`` gets the lines."""
    _tell[0] = tell


class Waiting:
    """Tells now and then how far something is, from when it has taken two seconds."""

    def __init__(self) -> None:
        self._next = monotonic() + _FIRST

    def tell(self, line: Callable[[], str]) -> None:
        """Tells ``line`` where it is time to."""
        if (now := monotonic()) >= self._next:
            self._next = now + _EVERY
            _tell[0](line())
