"""Several items at once, in threads: for backends whose engine or server answers in parallel."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import TypeVar

from evalkit.errors import BackendDied

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    items: Iterable[Item], work: Callable[[Item, Event], Result], at_once: int
) -> Iterator[tuple[Item, Result | Exception]]:
    """Each item with what ``work`` makes of it, ``at_once`` at a time, each as soon as it is there.

    The event is set when nobody waits any more (Ctrl-C, a BackendDied, or the iterator was closed): ``work`` must then
    come to an end. What it raises takes the place of its result, except for a BackendDied: that is raised, and ends the
    iteration. Results that are still to come by then are handed over first, as they may have been paid for.
    """
    items = list(items)
    stopped, done = Event(), queue.SimpleQueue[tuple[Item, Result | Exception]]()

    def run(item: Item) -> None:
        if not stopped.is_set():
            try:
                done.put((item, work(item, stopped)))
            except Exception as error:
                if isinstance(error, BackendDied):
                    stopped.set()  # here and not below, or this thread would begin the next item
                done.put((item, error))

    with ThreadPoolExecutor(at_once, thread_name_prefix="evalkit") as pool:
        try:
            futures = [pool.submit(run, item) for item in items]
            for _ in futures:
                try:
                    item, result = done.get()  # Python hears Ctrl-C here, in the main thread
                    if isinstance(result, BackendDied):
                        raise result
                except (BackendDied, KeyboardInterrupt):
                    stopped.set()
                    pool.shutdown(wait=True, cancel_futures=True)
                    yield from _late_results(done)
                    raise
                yield item, result
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _late_results(done: queue.SimpleQueue[tuple[Item, Result | Exception]]) -> Iterator[tuple[Item, Result]]:
    """The results that came while everything was being stopped."""
    with suppress(queue.Empty):
        while True:
            item, result = done.get_nowait()
            if not isinstance(result, Exception):
                yield item, result
