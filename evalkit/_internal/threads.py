"""Several requests at once, in threads: for backends whose engine or server answers in parallel."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TypeVar

from evalkit.errors import BackendDied

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


def answered(
    asked: Iterable[Asked], ask: Callable[[Asked, Event], Answered], at_once: int
) -> Iterator[tuple[Asked, Answered | Exception]]:
    """What ``ask`` makes of each of ``asked``, ``at_once`` at a time, each as soon as it is there.

    The event is set when nobody waits any more (Ctrl-C, a BackendDied, or the iterator was closed): ``ask`` must then
    come to an end. What it raises is handed over in the answer's place, but a BackendDied is raised and ends the rest.
    What was under way by then is handed over first, where it still comes: it may have been paid for.
    """
    asked = list(asked)
    stopped, done = Event(), queue.SimpleQueue[tuple[Asked, Answered | Exception]]()

    def work(one: Asked) -> None:
        if not stopped.is_set():
            try:
                done.put((one, ask(one, stopped)))
            except Exception as error:
                if isinstance(error, BackendDied):
                    stopped.set()  # here and not below, or this thread would begin the next one
                done.put((one, error))

    with ThreadPoolExecutor(at_once, thread_name_prefix="evalkit") as pool:
        try:
            futures = [pool.submit(work, one) for one in asked]
            for _ in futures:
                try:
                    one, result = done.get()  # Python hears Ctrl-C here, in the main thread
                    if isinstance(result, BackendDied):
                        raise result
                except (BackendDied, KeyboardInterrupt):
                    stopped.set()
                    pool.shutdown(wait=True, cancel_futures=True)
                    yield from _rest(done)
                    raise
                yield one, result
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _rest(done: queue.SimpleQueue[tuple[Asked, Answered | Exception]]) -> Iterator[tuple[Asked, Answered]]:
    """The answers that came while all was being stopped."""
    with suppress(queue.Empty):
        while True:
            one, result = done.get_nowait()
            if not isinstance(result, Exception):
                yield one, result
