"""What a library in C writes on standard error while it is called: there, and nowhere else, stands why it failed."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import IO

_LATE = 0.5
"""Seconds that are waited for what a thread of the library may still have to write."""

_STAMP = re.compile(r"^[\d.]+ [A-Z]\s+(?:\w+\s+(?=\w+:))?")
_SHOWN = 4
"""So many lines are told at most."""


class Heard:
    """What was written on standard error, readable as soon as the ``with`` block that hears it failed or ended."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file

    @property
    def text(self) -> str:
        """All of it so far."""
        if self._file is None:
            return ""
        self._file.seek(0)
        return self._file.read().decode(errors="replace")

    @property
    def cause(self) -> str:
        """Why a load failed, as llama.cpp tells it: what comes before the first line that says only that it failed."""
        end = time.monotonic() + _LATE
        while not self.text and time.monotonic() < end:
            time.sleep(0.02)
        lines = [_STAMP.sub("", line).strip() for line in self.text.splitlines() if line.strip()]
        telling = list(takewhile(lambda line: "failed to load model" not in line, lines)) or lines
        return "; ".join(line.rpartition("error loading model: ")[2] for line in telling[:_SHOWN])


@contextmanager
def hear_standard_error() -> Iterator[Heard]:
    """Keeps what this process writes on standard error inside the block; afterwards it is written where it was meant to
    go, unless the block failed: then whoever catches that tells it."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield Heard(None)
        return
    with tempfile.TemporaryFile() as file:
        heard = Heard(file)
        os.dup2(file.fileno(), 2)
        try:
            yield heard
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        with suppress(OSError):
            os.write(2, heard.text.encode())
