"""How a process that asks models is asked to stop: by Ctrl-C, and by SIGTERM, which is heard only while it asks.

Whoever works in threads listens: it stops, and waits for what is under way. Elsewhere a KeyboardInterrupt is raised,
but never while an answer is being kept. A handler that somebody else has set stays what it is.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

GRACE = 8.0
"""Seconds that what is under way is waited for after a SIGTERM: of the ten after which its sender kills, as a rule,
two are left to cut the rest off and to store."""

Listener = Callable[[float | None], None]
"""Is told to stop, and how many seconds it may still take; None where that is its own to say."""


def _unsaid(_: str) -> None:
    """Tells nobody."""


def _nothing() -> None:
    """Does nothing."""


@dataclass(slots=True)
class _Heard:
    """What this process has heard, and who listens."""

    say: Callable[[str], object] = _unsaid
    pass_on: Callable[[], object] = _nothing
    listeners: list[Listener] = field(default_factory=list)
    keeping: bool = False
    pending: bool = False
    count: int = 0
    by_sigterm: bool = False

    def hear(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGTERM:
            if self.by_sigterm:
                return  # it is over in time anyway
            self.by_sigterm = True
            self.pass_on()
        self.count += 1
        if self.count <= 2 and self.listeners:
            self.listeners[-1](GRACE if number == signal.SIGTERM else None)
        elif self.count <= 2 and self.keeping:
            self.pending = True
        else:
            raise KeyboardInterrupt


_heard = _Heard()


@contextmanager
def hearing(say: Callable[[str], object] = _unsaid, pass_on: Callable[[], object] = _nothing) -> Iterator[None]:
    """Hears both signals while the block runs; in the main thread, where nobody else hears them, and not on Windows.

    ``say`` shows a line to whoever waits. ``pass_on`` is called at a SIGTERM: it reaches this process alone, where
    Ctrl-C reaches those that it has started too.
    """
    global _heard
    _heard = _Heard(say, pass_on)
    set_by_us: list[tuple[signal.Signals, signal.Handlers | Callable[..., object]]] = []
    if os.name != "nt" and threading.current_thread() is threading.main_thread():
        plain: list[tuple[signal.Signals, signal.Handlers | Callable[..., object]]] = [
            (signal.SIGTERM, signal.SIG_DFL),
            (signal.SIGINT, signal.default_int_handler),
        ]
        for number, handler in plain:
            if signal.getsignal(number) is handler:
                signal.signal(number, _heard.hear)
                set_by_us.append((number, handler))
    try:
        yield
    finally:
        for number, handler in set_by_us:
            signal.signal(number, handler)
    if set_by_us and _heard.count:
        raise KeyboardInterrupt  # it came when all was done


@contextmanager
def told(listener: Listener) -> Iterator[None]:
    """Calls ``listener`` while the block runs, in the place of a KeyboardInterrupt: once, and for a second Ctrl-C."""
    _heard.listeners.append(listener)
    try:
        yield
    finally:
        _heard.listeners.remove(listener)


@contextmanager
def keeping() -> Iterator[None]:
    """A block that a KeyboardInterrupt waits for."""
    heard = _heard
    heard.keeping = True
    try:
        yield
    finally:
        heard.keeping = False
    if heard.pending:
        heard.pending = False
        raise KeyboardInterrupt


def say(line: str) -> None:
    """Shows ``line`` to whoever waits for this process, if it is heard for."""
    _heard.say(line)


def stopped_by() -> str:
    """What asked this process to stop, while it last heard; empty where nobody did."""
    return "SIGTERM" if _heard.by_sigterm else "Ctrl-C" if _heard.count else ""
