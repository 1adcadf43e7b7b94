"""Several items are worked on at once, and each result is handed over as soon as it is there."""

from __future__ import annotations

from contextlib import closing
from threading import Event

import pytest

from evalkit._internal.threads import in_threads
from evalkit.errors import BackendDied

PATIENCE = 60
"""Seconds after which a thread that waits for what never comes gives up."""


def test_every_item_comes_back_once_with_its_result() -> None:
    assert sorted(in_threads(range(20), lambda number, _: number * 2, at_once=3)) == [(n, n * 2) for n in range(20)]


def test_what_an_item_raises_takes_the_place_of_its_result() -> None:
    results = dict(in_threads([1, 0], lambda number, _: 1 / number, at_once=2))
    assert results[1] == 1.0
    assert isinstance(results[0], ZeroDivisionError)


def test_a_result_does_not_wait_for_slower_ones() -> None:
    seen = Event()

    def work(name: str, _: Event) -> str:
        if name == "slow":
            assert seen.wait(PATIENCE)
        return name

    order = []
    for name, _ in in_threads(["slow", "quick"], work, at_once=2):
        order.append(name)
        seen.set()
    assert order == ["quick", "slow"]


def test_a_backend_that_died_ends_all_after_the_results_that_were_in_flight() -> None:
    both_begun = Event()

    def work(name: str, stopped: Event) -> str:
        if name == "late":
            both_begun.set()
            assert stopped.wait(PATIENCE)
            return "paid for"
        assert both_begun.wait(PATIENCE)
        raise BackendDied("out of paper")

    results = in_threads(["dies", "late"], work, at_once=2)
    assert next(results) == ("late", "paid for")
    with pytest.raises(BackendDied, match="out of paper"):
        next(results)


def test_nothing_new_is_begun_once_nobody_waits_any_more() -> None:
    begun = []

    def work(number: int, stopped: Event) -> int:
        begun.append(number)
        if number:
            assert stopped.wait(PATIENCE)
        return number

    with closing(in_threads(range(100), work, at_once=2)) as results:  # type: ignore[type-var]
        next(iter(results))
    assert len(begun) <= 3
