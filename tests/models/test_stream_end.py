"""Where the first object of an answer closes, however the answer comes in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_marks import SOME_MARKS

from evalkit.models.reasoning import BARE, MARKS, OBJECT, Mark
from evalkit.models.stream_end import JsonObjectScanner, StopCondition, object_end

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet='ab{}[]"\\<>/é\ud800\n'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='k{}"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(alphabet='k{}"\\', max_size=3), JSON, max_size=4)
PIECES = [
    "{",
    "}",
    '"',
    "\\",
    " ",
    "\n",
    "a",
    ":",
    "[",
    "]",
    "<",
    "<think>",
    "</think>",
    "<thi",
    "nk>",
    '{"a":',
    "}}",
    "\\\\",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def closed_at(pieces: Iterable[str]) -> int | None:
    scanner = JsonObjectScanner()
    for piece in pieces:
        scanner.feed(piece)
    return scanner.closed_at


def closing_prefix(text: str) -> str | None:
    end = closed_at([text])
    return None if end is None else text[:end]


def test_an_object_closes_with_its_last_brace_and_not_before() -> None:
    scanner = JsonObjectScanner()
    closed = [scanner.feed(piece) for piece in ['{"a"', ': {"b"', ": 1}", ", ", '"c": 2', "}", "\n", "{"]]
    assert closed == [False, False, False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"why": "a } and a { here"} more', '{"why": "a } and a { here"}'),
        (r'{"why": "a quote \" and a } here"} more', r'{"why": "a quote \" and a } here"}'),
        (r'{"path": "C:\\"} "}', r'{"path": "C:\\"}'),
        ("{ \r\n\t} more", "{ \r\n\t}"),
        ('Use {headline} here: {"a": 1} more', 'Use {headline} here: {"a": 1}'),
        ('{{"a": 1}}', '{{"a": 1}'),
        ('{ {"a": 1}', '{ {"a": 1}'),
        ('<think>so {"a": 1} then</think>{"b": 2} more', '<think>so {"a": 1} then</think>{"b": 2}'),
        ('{<think>{"a": 1}</think>"b": 2}{"c": 3}', '{<think>{"a": 1}</think>"b": 2}{"c": 3}'),
        ('{"a": "<think>"} more', '{"a": "<think>"}'),
        ('a < b <thin> {"a": 1}', 'a < b <thin> {"a": 1}'),
    ],
)
def test_reading_ends_where_the_first_object_does(text: str, read: str) -> None:
    assert closing_prefix(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Up.",
        "{",
        '{"a": 1',
        '{"a": "}',
        '{"a": "\\"}',
        "{'a': 1}",
        '<think>{"a": 1}',
        "assistant " * 3,
        "\0\ud800\ufeff",
    ],
)
def test_nothing_closes_where_no_object_does(text: str) -> None:
    assert closed_at([text]) is None


def test_a_prefilled_brace_counts_as_part_of_the_object() -> None:
    assert closed_at(["{", '"a"', ": 1", "}"]) == len('{"a": 1}')


@pytest.mark.parametrize("mark", SOME_MARKS, ids=lambda mark: mark.opens)
def test_a_draft_in_the_reasoning_closes_nothing(mark: Mark) -> None:
    for end in mark.ends:
        text = f'{mark.opens}{mark.label}so {{"a": 1}} or{end}{{"b": 2}}'
        assert closing_prefix(text + " more") == text
        assert closed_at(text + " more") == len(text)


@pytest.mark.parametrize("mark", SOME_MARKS, ids=lambda mark: mark.opens)
def test_a_prompt_that_opens_the_reasoning_is_where_an_answer_begins(mark: Mark) -> None:
    scanner = JsonObjectScanner(thinking=mark)
    assert not scanner.feed('so {"a": 1} or')
    assert scanner.feed(f'{mark.closes}{{"b": 2}}')


def test_a_channel_whose_marks_a_server_took_out_is_reasoning_too() -> None:
    text = f'{BARE.opens}so {{"a": 1}} or{BARE.closes}{{"b": 2}}'
    assert closed_at([text]) == closed_at(text) == len(text)


def test_generation_goes_on_where_an_object_turns_out_to_be_a_draft() -> None:
    stop = StopCondition(None, "", tail=3)
    tokens = ['{"a": 1}', " no", "</think>", "\n", '{"a"', ": 2}", " and", " so", " on"]
    assert [stop.hear(token) for token in tokens] == [False] * 8 + [True]


def test_generation_goes_on_where_reasoning_begins_behind_an_object() -> None:
    stop = StopCondition(None, "", tail=2)
    tokens = ['{"a": 1}', "<thin", "king>", '{"a": 3}', "</thinking>", '{"a": 2}', " and", " so"]
    assert [stop.hear(token) for token in tokens] == [False] * 7 + [True]


def test_generation_heeds_the_marks_of_an_alias() -> None:
    stop = StopCondition("assistant\n<a>\n", "", tail=1, own=("<a>", "</a>"))
    assert [stop.hear(token) for token in ('{"a": 1}', " no", "</a>", '{"a": 2}', ".")] == [False] * 4 + [True]


@given(text=TEXTS, data=st.data())
def test_the_pieces_do_not_matter(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert closed_at(pieces) == closed_at(text) == closed_at([text])


@given(before=st.text(alphabet='ab {"}\n'), value=OBJECTS, ascii_only=st.booleans(), after=TEXTS)
def test_it_agrees_with_the_json_decoder(before: str, value: dict[str, object], ascii_only: bool, after: str) -> None:
    text = before + json.dumps(value, ensure_ascii=ascii_only) + after
    begun = OBJECT.search(text)
    assert begun is not None
    try:
        _, end = json.JSONDecoder().raw_decode(text, begun.start())
    except json.JSONDecodeError:
        return
    assert closed_at([text]) == end


@pytest.mark.parametrize("unit", ["{", "}", '"', "\\", '{"', '{"a":', "<", "<think>", '{"\\', "<think></think>", "\0"])
def test_a_million_of_anything_is_read_and_little_is_kept(unit: str) -> None:
    scanner = JsonObjectScanner()
    scanner.feed(unit * (1_000_000 // len(unit)))
    assert not scanner.closed
    assert len(scanner._held) < max(len(mark.opens) for mark in MARKS)


def test_a_hundred_thousand_levels_close() -> None:
    text = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert closed_at([text + "}"]) == len(text)


def test_a_single_token_at_a_time_is_read_through_a_long_answer() -> None:
    text = '{"a": "' + "\\\\" * 50_000 + '"}'
    assert closed_at(text) == len(text)


@given(text=TEXTS)
def test_the_braces_of_a_group_close_where_an_object_does(text: str) -> None:
    if (begun := OBJECT.search(text)) and "<think>" not in text[: begun.start()]:
        assert object_end(text, begun.start()) == closed_at([text])


def test_the_braces_of_what_is_no_json_are_counted_too() -> None:
    assert object_end("see {'a': {}} there", 4) == len("see {'a': {}}")
