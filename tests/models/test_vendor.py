"""How fast a server is asked, and what an error means, without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread

import pytest

from evalkit.errors import NotAnswered
from evalkit.models.vendor import Cut, Pace, extra_headers, moving, trouble_of


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


def test_those_that_were_under_way_together_halve_it_once() -> None:
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


class Theirs(Exception):
    """As the SDKs raise them: with a status, a response with headers, and a body."""

    def __init__(self, status: int | None = None, headers: dict[str, str] | None = None, body: object = None) -> None:
        super().__init__("told")
        self.status_code, self.body = status, body
        self.response = type("Response", (), {"headers": headers or {}})()


Theirs.__module__ = "openai.errors"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Theirs(429), "too many"),
        (Theirs(529), "too many"),
        (Theirs(500), "passing"),
        (Theirs(504), "passing"),
        (Theirs(408), "passing"),
        (Theirs(400), "wrong"),
        (Theirs(402), "wrong"),
        (Theirs(), "passing"),
        (Theirs(200, body={"type": "error", "error": {"type": "overloaded_error"}}), "too many"),
        (Theirs(200, body={"error": {"type": "invalid_request_error"}}), "wrong"),
        (Theirs(None, body={"code": "rate_limit_exceeded", "type": "tokens"}), "too many"),
        (Theirs(429, body={"error": {"code": "insufficient_quota", "type": "requests"}}), "wrong"),
        (Theirs(413), "too large"),
        (UnicodeDecodeError("utf-8", b"\xc3", 0, 1, "cut"), "passing"),
        (Theirs(None, body="<html>"), "passing"),
        (Cut("in the middle"), "passing"),
        (ConnectionResetError(), "passing"),
        (json.JSONDecodeError("no", "x", 0), "passing"),
    ],
)
def test_an_error_is_told_by_its_status_and_one_in_a_stream_by_its_type(error: Exception, kind: str) -> None:
    assert trouble_of(error).kind == kind


def test_a_mistake_of_ours_is_not_tried_again() -> None:
    with pytest.raises(KeyError):
        trouble_of(KeyError("usage"))


@pytest.mark.parametrize(("told", "seconds"), [("2.5", 2.5), ("-1", 0.0), ("soon", None), ("", None)])
def test_retry_after_is_read_as_a_number(told: str, seconds: float | None) -> None:
    assert trouble_of(Theirs(429, {"retry-after": told})).pause == seconds


def test_retry_after_is_read_as_a_date() -> None:
    told = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert trouble_of(Theirs(503, {"retry-after": told})).pause == pytest.approx(100, abs=30)


def test_what_was_sent_may_have_cost_something_and_what_was_not_has_not() -> None:
    unsent = Theirs()
    unsent.__cause__ = type("ConnectError", (Exception,), {})("refused")
    assert not trouble_of(unsent).billed
    assert "ConnectError: refused" in trouble_of(unsent).told
    assert trouble_of(Theirs()).billed
    assert trouble_of(Cut("in the middle")).billed
    assert not trouble_of(Theirs(500)).billed


def test_headers_that_the_sdk_adds_are_part_of_the_fingerprint_and_not_to_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert extra_headers("ANTHROPIC") == {}
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "anthropic-beta: one")
    one = extra_headers("ANTHROPIC")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "anthropic-beta: two")
    two = extra_headers("ANTHROPIC")
    assert one.keys() == two.keys() == {"headers"}
    assert one != two
    assert "beta" not in str(one) + str(two)


def test_only_a_name_that_says_so_moves() -> None:
    assert [moving(name) for name in ("claude-haiku-4-5", "latest-model", "claude-3-7-sonnet-latest")] == [
        {}, {}, {"moves": True},
    ]  # fmt: skip
