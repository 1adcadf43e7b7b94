"""The body of a reply, however it comes in pieces."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.event_stream import read_values
from evalkit.models.retry import Cut, NotAnAnswer

VALUES: list[Any] = [{"a": "\u2028\x85\r"}, [1, "é"], None]


def pieces(body: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[start:end] for start, end in pairwise(places)]


@given(st.lists(st.integers(0, 10_000), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_the_pieces_of_a_stream_do_not_matter(cuts: list[int], end: str) -> None:
    events = [
        f"event: x{end}data: {json.dumps(value, ensure_ascii=False)}{end}{end}: ping{end}{end}" for value in VALUES
    ]
    body = "".join([*events, f"data: [DONE]{end}{end}"]).encode()
    assert list(read_values(pieces(body, cuts))) == VALUES


@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_a_body_that_is_one_value_is_read_whole(cuts: list[int]) -> None:
    body = json.dumps(VALUES, indent=1).encode()
    assert list(read_values(pieces(body, cuts))) == [VALUES]


def test_an_event_without_an_empty_line_behind_it_is_read() -> None:
    assert list(read_values([b'data: {"a": 1}'])) == [{"a": 1}]


@pytest.mark.parametrize("body", [b"", b"\n \n", b'data: {"a": \n\n', b'{"a": ', b"data: no\n\n"])
def test_a_body_that_is_cut_may_be_asked_for_again(body: bytes) -> None:
    with pytest.raises(Cut):
        list(read_values([body]))


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"Not found", "«non»".encode(), b"\xff\xfe"])
def test_a_body_that_is_no_answer_is_shown(body: bytes) -> None:
    with pytest.raises(NotAnAnswer) as caught:
        list(read_values([body]))
    assert body.decode("utf-8", "replace") in str(caught.value)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_no_bytes_raise_anything_else(body: list[bytes]) -> None:
    with suppress(Cut, NotAnAnswer):
        list(read_values(body))
