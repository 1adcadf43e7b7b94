"""Who waits for long is told how far it is: not at once, and not without end."""

from __future__ import annotations

import pytest

from evalkit._internal import telling
from evalkit._internal.telling import Waiting, tell_to


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(telling, "_tell", [lines.append])
    return lines


def test_nothing_is_told_of_what_is_quick(told: list[str]) -> None:
    Waiting().tell(lambda: "half")
    assert told == []


def test_what_takes_long_is_told_now_and_then(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(telling, "monotonic", lambda: now[0])
    waiting = Waiting()
    for second in range(14):
        now[0] = second
        waiting.tell(lambda second=second: f"{second} s")  # type: ignore[misc]
    assert told == ["2 s", "7 s", "12 s"]


def test_somebody_else_may_take_the_lines(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_FIRST", 0.0)
    others: list[str] = []
    tell_to(others.append)
    Waiting().tell(lambda: "half")
    assert (told, others) == ([], ["half"])
