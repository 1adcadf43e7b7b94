"""Several items at once, in threads: for backends whose engine or server answers in parallel."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, TypeVar

from evalkit._internal.interruption import say, told
from evalkit.errors import BackendDied

Item = TypeVar("Item")
Result = TypeVar("Result")

_AFTER_CUT = 1.0
"""Seconds in which a thread must end once what it waits for was cut; after that it is left behind."""


def _nothing() -> None:
    """Cuts nothing."""


def in_threads(
    items: Iterable[Item],
    work: Callable[[Item, Event], Result],
    at_once: int,
    *,
    patience: float = 5.0,
    cut: Callable[[], None] = _nothing,
) -> Iterator[tuple[Item, Result | Exception]]:
    """Each item with what ``work`` makes of it, ``at_once`` at a time, each as soon as it is there.

    The event is set when nobody waits any more (Ctrl-C, SIGTERM, a BackendDied, or the iterator was closed): ``work``
    must then come to an end. What it raises takes the place of its result, except for a BackendDied: that is raised,
    and ends the iteration. Results that are still to come by then are handed over first, as they may have been paid
    for: after a Ctrl-C those of ``patience`` seconds. After these, or a second Ctrl-C, ``cut`` ends what the threads
    wait for; whoever does not end then is left behind.
    """
    crew = _Crew(list(items), work, cut)
    with told(crew.stop):
        try:
            crew.start(at_once)
            yield from crew.results(patience)
        finally:
            crew.dismiss(patience)


@dataclass(frozen=True, slots=True)
class _Stop:
    """That somebody asked to stop, within so many seconds."""

    seconds: float | None = None


@dataclass(slots=True)
class _Crew(Generic[Item, Result]):
    """The threads of one iteration. Through ``done`` comes a pair of item and result, None from a thread that ends, or
    a _Stop."""

    items: list[Item]
    work: Callable[[Item, Event], Result]
    cut: Callable[[], None]
    stopped: Event = field(default_factory=Event)
    todo: queue.SimpleQueue[Item] = field(default_factory=queue.SimpleQueue)
    done: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    running: int = 0
    until: float = threading.TIMEOUT_MAX
    was_cut: bool = False

    def stop(self, seconds: float | None) -> None:
        """Called in a handler of signals, which may interrupt any line of the main thread."""
        self.done.put(_Stop(seconds))

    def start(self, at_once: int) -> None:
        for item in self.items:
            self.todo.put(item)
        for number in range(min(at_once, len(self.items))):
            self.running += 1
            # As daemons: a process that is to end does not wait for one that does not.
            threading.Thread(target=self._run, name=f"evalkit-{number}", daemon=True).start()

    def _run(self) -> None:
        with suppress(queue.Empty):
            while not self.stopped.is_set():
                item = self.todo.get_nowait()
                try:
                    result: Result | Exception = self.work(item, self.stopped)
                except Exception as error:
                    if isinstance(error, BackendDied):
                        self.stopped.set()  # here and not below, or this thread would begin the next item
                    result = error
                self.done.put((item, result))
        self.done.put(None)

    def results(self, patience: float) -> Iterator[tuple[Item, Result | Exception]]:
        """What comes, until every thread has ended or is left behind. Raises what stopped them."""
        why: BaseException | None = None
        asked = False
        while self.running or not self.done.empty():
            came = self._next()
            if isinstance(came, _Stop):
                if asked:
                    self._cut()
                else:
                    why = why or KeyboardInterrupt()
                    asked = True
                    self.stopped.set()
                    seconds = patience if came.seconds is None else min(patience, came.seconds)
                    self.until = time.monotonic() + seconds
                    say(f"evalkit: stopping: what is under way has {seconds:.0f} s to come in; Ctrl-C ends it at once")
            elif came is not None:
                item, result = came
                if isinstance(result, BackendDied):
                    why = why or result
                elif why is None or not isinstance(result, Exception):
                    yield item, result
        if why is not None:
            raise why

    def _next(self) -> Any:
        """What comes next; None where nothing is to be kept. Whoever has no time left is cut, and then left behind."""
        try:
            came = self.done.get(timeout=max(0.0, self.until - time.monotonic()))
            self.running -= came is None
            return came
        except KeyboardInterrupt:  # where nobody hears the signals for us
            return _Stop()
        except queue.Empty:
            if self.was_cut:
                self.running = 0
            self._cut()
            return None

    def _cut(self) -> None:
        if not self.was_cut:
            self.was_cut, self.until = True, time.monotonic() + _AFTER_CUT
            self.cut()

    def dismiss(self, patience: float) -> None:
        """Waits for the threads where nobody takes what they bring."""
        self.stopped.set()
        self.until = min(self.until, time.monotonic() + patience)
        while self.running:
            if isinstance(self._next(), _Stop):
                self._cut()
