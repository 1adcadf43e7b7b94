"""Counts what a server refuses: the same words for every request are about no single one."""

from __future__ import annotations

import re
from collections import Counter
from threading import Lock

_MOST = 5
"""So many requests must have been refused with the same words, and none answered, before all are taken to be wrong."""


class Refusals:
    """The refusals of one round of requests, by their words; shared by the threads that ask. ``answers`` is how many
    requests were answered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.begin()

    def begin(self) -> None:
        """Forgets what was before."""
        with self._lock:
            self._counts: Counter[str] = Counter()
            self.answers = 0

    def answered(self) -> None:
        """Notes that a request was answered: from now on a refusal concerns its own."""
        with self._lock:
            self.answers += 1

    def concern_all(self, message: str) -> bool:
        """Whether the same was said so often, now with ``message``, and nothing was answered, that it is about every
        request."""
        with self._lock:
            words = re.sub(r"[0-9a-fA-F-]{8,}|\d+", "#", message)
            self._counts[words] += 1
            return not self.answers and self._counts[words] >= _MOST
