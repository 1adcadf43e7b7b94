"""How fast a server is asked, without one."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from evalkit.errors import NotAnswered
from evalkit.models.pace import Pace


def answers(pace: Pace, count: int) -> float:
    for _ in range(count):
        with pace.slot(Event()):
            pace.well()
    return pace.limit


def test_it_doubles_a_round_until_there_were_too_many_and_then_grows_by_one_a_round() -> None:
    pace = Pace(1000, limit=4)
    assert answers(pace, 4) == 8
    with pace.slot(Event()) as seen:
        pace.too_many(seen, None)
    assert pace.limit == 4
    assert answers(pace, 4) == pytest.approx(4.9, abs=0.1)


def test_those_that_were_in_flight_together_halve_it_once() -> None:
    pace = Pace(64, limit=32)
    with pace.slot(Event()) as first, pace.slot(Event()) as second:
        pace.too_many(first, None)
        pace.too_many(second, None)
        assert pace.limit == 16
    with pace.slot(Event()) as later:
        pace.too_many(later, None)
    assert pace.limit == 8


def test_it_never_falls_below_one_nor_passes_the_most() -> None:
    pace = Pace(3, limit=8)
    assert pace.limit == 3
    assert answers(pace, 5) == 3
    for _ in range(5):
        with pace.slot(Event()) as seen:
            pace.too_many(seen, None)
    assert pace.limit == 1


def test_who_has_no_slot_waits_for_one_and_stops_when_told() -> None:
    pace, stopped, got = Pace(1), Event(), []

    def wait() -> None:
        try:
            with pace.slot(stopped):
                got.append("slot")
        except NotAnswered:
            got.append("stopped")

    with pace.slot(Event()):
        waiting = Thread(target=wait)
        waiting.start()
        stopped.set()
        waiting.join(timeout=10)
    assert got == ["stopped"]


def test_a_pause_that_the_server_asks_for_holds_for_all() -> None:
    pace, stopped = Pace(8), Event()
    with pace.slot(stopped) as seen:
        pace.too_many(seen, 60.0)
    stopped.set()
    with pytest.raises(NotAnswered), pace.slot(stopped):
        pass
