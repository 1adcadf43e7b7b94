"""The probe of latency: who is asked what, in which order, and what is made of the seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from evalkit.errors import NotAnswered
from evalkit.golden.model import Decoding
from evalkit.models.backend import Completion
from evalkit.models.latency import MEMORY, P50, P95, SPEED, Probe, cost_of_time, measured, probe, spread
from evalkit.models.request import Message, Request


def requests(*lengths: int) -> list[Request]:
    return [
        Request("t", f"x{number}", (Message("user", "a" * length),), "", Decoding())
        for number, length in enumerate(lengths)
    ]


class Clock:
    """A model that takes a time of its own for each example, and says how many tokens it wrote."""

    by_example = False
    constrains = False

    def __init__(self, *seconds: float, tokens: int | None = 8) -> None:
        self.seconds, self.tokens = list(seconds), tokens
        self.asked: list[list[str]] = []
        self.fingerprint = {"clock": 1}

    def answer(self, asked: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        self.asked.append([request.example_id for request in asked])
        for request in asked:
            time.sleep(self.seconds.pop(0))
            yield request, Completion("{}", "stop", completion_tokens=self.tokens)

    def memory(self) -> int:
        return 3 * 2**20

    def close(self) -> None: ...


def test_one_is_asked_after_the_other_and_the_first_is_not_counted() -> None:
    clock = Clock(0.2, 0.01, 0.03, 0.05)
    told: list[int] = []
    found = probe(clock, requests(1, 2, 3, 4), told.append)
    assert clock.asked == [["x0"], ["x1"], ["x2"], ["x3"]]
    assert found.examples == ("x1", "x2", "x3")
    assert all(took >= least for took, least in zip(found.seconds, (0.01, 0.03, 0.05), strict=True))
    assert max(found.seconds) < 0.2
    assert told == [0, 1, 2, 3, 4]
    assert (found.tokens, found.memory, found.problem) == ((8, 8, 8), 3 * 2**20, None)
    assert Probe.stored({**{name: getattr(found, name) for name in Probe.__dataclass_fields__}}) == found


def test_the_time_of_an_answer_is_that_of_all_attempts_at_it() -> None:
    clock = Clock(0, 0.01, 0.02, 0.03)
    again = lambda request, _: replace(request, messages=(*request.messages, Message("user", "Again.")))  # noqa: E731
    found = probe(clock, requests(1, 2)[:2], retries=1, next_attempt=again)
    assert clock.asked == [["x0"], ["x0"], ["x1"], ["x1"]]
    assert found.seconds[0] >= 0.05
    assert (found.tokens, found.attempts) == ((16,), (2,))


def test_who_has_no_retries_is_timed_once() -> None:
    clock = Clock(0, 0)
    assert probe(clock, requests(1, 2), next_attempt=lambda request, _: request).attempts == ()
    assert len(clock.asked) == 2


def test_what_is_asked_is_spread_over_the_lengths_and_the_warm_up_is_none_of_it() -> None:
    asked = requests(50, 10, 40, 20, 30)
    assert [request.example_id for request in spread(asked, 3)] == ["x3", "x1", "x4", "x0"]
    assert [request.example_id for request in spread(asked, 1)] == ["x1", "x4"]
    everyone = [request.example_id for request in spread(asked, 99)]
    assert sorted(everyone[1:]) == ["x0", "x1", "x2", "x3", "x4"]
    assert len(everyone) == 6


def test_figures_are_those_of_the_seconds() -> None:
    seconds = tuple(0.1 * number for number in range(1, 31))
    found = Probe("2026-11-22", tuple(map(str, range(30))), seconds, (*[6] * 29, None), 2**21)
    rows = measured(found)
    assert rows[P50].value == pytest.approx(1.55)
    assert (rows[P50].low, rows[P50].high) == (pytest.approx(1.0), pytest.approx(2.1))
    assert rows[P95].high is None
    assert rows[SPEED].n == 29
    assert rows[SPEED].value == pytest.approx(sum(6 / took for took in seconds[:29]) / 29)
    assert rows[MEMORY].value == 2.0
    # 1.55 s on a machine of 0.72 dollars an hour, which is 0.0002 a second.
    assert cost_of_time(found, 0.72).value == pytest.approx(1.55 * 0.0002 * 1000)
    assert SPEED not in measured(replace(found, tokens=(None,) * 30))
    assert MEMORY not in measured(replace(found, memory=None))


def test_what_breaks_a_probe_is_told_and_nothing_is_measured() -> None:
    class Broken(Clock):
        def answer(self, asked: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
            if len(self.asked) == 2:
                yield asked[0], NotAnswered("x2: too long")
            yield from super().answer(asked)

    found = probe(Broken(0, 0, 0, 0), requests(1, 2, 3, 4))
    assert (found.problem, measured(found)) == ("x2: too long", {})
