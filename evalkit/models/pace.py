"""How many requests may be in flight to a server that is shared with others: as many as it lets us have.

Additive increase and multiplicative decrease (Chiu and Jain, 1989; TCP's congestion avoidance, RFC 5681): the number
grows while answers come, and is halved when the server says that they are too many.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event

from evalkit.errors import NotAnswered

_START = 4
_LOOK = 0.2
"""Seconds after which a waiting request looks again: it may have been stopped."""


@dataclass(slots=True)
class Pace:
    """How many requests may be in flight: ``limit``, which never passes ``most``."""

    most: int
    limit: float = _START
    _in_flight: int = 0
    _halved: int = 0
    _not_before: float = 0.0
    _changed: Condition = field(default_factory=Condition)

    def __post_init__(self) -> None:
        self.limit = min(self.limit, self.most)

    @contextmanager
    def slot(self, stopped: Event) -> Iterator[int]:
        """Waits until one more request may go; gives the number to hand to ``too_many``. Raises NotAnswered when
        ``stopped``."""
        with self._changed:
            while not stopped.is_set() and (wait := self._wait()) > 0:
                self._changed.wait(wait)
            if stopped.is_set():
                raise NotAnswered("stopped")
            self._in_flight += 1
            halved_before = self._halved
        try:
            yield halved_before
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _wait(self) -> float:
        """Seconds until it is worth looking again whether one more may go; 0 where it may go now."""
        if self._in_flight >= max(1, int(self.limit)):
            return _LOOK
        return min(_LOOK, max(0.0, self._not_before - time.monotonic()))

    def well(self) -> None:
        """An answer came: one more for every answer until the first time there were too many, then one a round."""
        with self._changed:
            self.limit = min(self.most, self.limit + (1 / self.limit if self._halved else 1))
            self._changed.notify_all()

    def too_many(self, halved_before: int, pause: float | None) -> None:
        """The server refused. Those that were in flight together halve the limit once."""
        with self._changed:
            if halved_before == self._halved:
                self.limit = max(1.0, self.limit / 2)
                self._halved += 1
            if pause is not None:
                self._not_before = max(self._not_before, time.monotonic() + pause)
