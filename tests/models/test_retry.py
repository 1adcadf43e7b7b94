"""What an error means for the request, and how long it is waited before the next try."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import islice

import pytest

from evalkit.models.retry import Cut, pauses, trouble_of


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
        (Theirs(400), "refused"),
        (Theirs(422), "refused"),
        (Theirs(402), "wrong"),
        (Theirs(), "passing"),
        (Theirs(200, body={"type": "error", "error": {"type": "overloaded_error"}}), "too many"),
        (Theirs(200, body={"error": {"type": "invalid_request_error"}}), "refused"),
        (Theirs(None, body={"code": "rate_limit_exceeded", "type": "tokens"}), "too many"),
        (Theirs(429, body={"error": {"code": "insufficient_quota", "type": "requests"}}), "wrong"),
        (Theirs(413), "refused"),
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
    assert "ConnectError: refused" in trouble_of(unsent).message
    assert trouble_of(Theirs()).billed
    assert trouble_of(Cut("in the middle")).billed
    assert not trouble_of(Theirs(500)).billed


def test_pauses_double_up_to_the_longest_and_do_not_end() -> None:
    assert list(islice(pauses(0.5, 60.0), 9)) == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_pause_with_jitter_is_never_longer_than_one_without() -> None:
    plain, drawn = islice(pauses(0.5, 60.0), 50), list(islice(pauses(0.5, 60.0, jitter=True), 50))
    assert all(0 <= pause <= most for pause, most in zip(drawn, plain, strict=True))
    assert len(set(drawn)) > 1
