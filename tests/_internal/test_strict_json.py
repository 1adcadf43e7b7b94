"""Strict JSON: what readers would differ in is refused, with its line and what to do."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.strict_json import DEEPEST, JsonError, lines_of, parse_json, read_lines, read_text

NESTED = 5000

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def mistake(text: str) -> JsonError:
    with pytest.raises(JsonError, match=r"\S") as caught:
        parse_json(text)
    return caught.value


@given(VALUES, st.booleans())
def test_whatever_python_writes_of_json_is_read_as_it_was(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only)) == value


@given(st.text(alphabet="{}[]\",:\\/'ntrue01.eE+-NaIfy \u00a0“\ud83d\0"))
def test_any_text_is_read_or_told(text: str) -> None:
    with suppress(JsonError):  # and nothing else comes
        parse_json(text)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("1e400", "1e400 is too large"),
        ("-1e400", "-1e400 is too large"),
        ("[0, 1.5, 2E+999]", "2E+999 is too large"),
        ("1" * 400, "a number of 400 digits is too large"),
        ("9" * 5000, "a number of 5000 digits is too large"),
        ("NaN", "NaN is not JSON"),
        ("Infinity", "Infinity is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        (r'"\ud83d"', r"\ud83d stands alone, which is half a character"),
        (r'"\udc00 and more"', r"\udc00 stands alone"),
        (r'{"\uDBFF": 1}', r"\udbff stands alone"),
        ('"\ud83d"', r"\ud83d stands alone"),
        ('{"b": 1, "b": 1}', "key 'b' stands twice"),
        (r'{"b": 1, "\u0062": 2}', "key 'b' stands twice"),
        ('[{"c": {"d": 1, "e": 2, "d": 3}}]', "key 'd' stands twice"),
        ("[" * NESTED + "]" * NESTED, "nested deeper than 100"),
        ('{"a":' * NESTED + "1" + "}" * NESTED, "nested deeper than 100"),
        ("[" * NESTED, "nested deeper than 100"),
    ],
    ids=lambda text: text[:20],
)
def test_what_readers_differ_in_is_refused_with_its_line(value: str, told: str) -> None:
    text = f'{{\n"fine": "{{, 1e400, NaN and \\"b\\": [",\n"a": {value}}}'
    error = mistake(text)
    assert (str(error)[: len(told)], error.line) == (told, 3)


def test_numbers_and_texts_that_all_readers_share_are_taken() -> None:
    text = r'[-0, 1E5, 1e-400, 1.7976931348623157e308, "\ud83d\ude00", "\u0000", "NaN", {"a": {"a": 1}}]'
    assert parse_json(text) == [0, 1e5, 0.0, 1.7976931348623157e308, "😀", "\0", "NaN", {"a": {"a": 1}}]


@pytest.mark.parametrize(("depth", "fits"), [(DEEPEST, True), (DEEPEST + 1, False)])
def test_a_value_may_be_nested_so_deep(depth: int, fits: bool) -> None:
    text = "[" * depth + "]" * depth
    assert (parse_json(text) is not None) if fits else "nested deeper" in str(mistake(text))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("{'a': 1}", "JSON has no single quotes"),
        ("{“a”: 1}", "JSON has straight quotes only"),
        ('{"a": “b”}', "JSON has straight quotes only"),
        ('{"a": 1, }', "take the comma in front of it away"),
        ("[1, ]", "take the comma in front of it away"),
        ('{"a": True}', "write true, false or null"),
        ('{"a": None}', "write true, false or null"),
        ("{a: 1}", "a key stands without quotes"),
        ('{ // the first\n"a": 1}', "JSON has no comments"),
        ('{"a": 1 # one\n}', "JSON has no comments"),
        ('{\u00a0"a": 1}', "U+00A0 NO-BREAK SPACE is no white space to JSON"),
        ('{"a": 1}\u200b', "more stands behind the value"),
        ('\ufeff{"a": 1}', "U+FEFF ZERO WIDTH NO-BREAK SPACE is no white space"),
        ('{"a": 1}\0', "more stands behind the value"),
        ('{"a":\0 1}', "a NUL character stands there"),
        ('{"a": "b\tc"}', "a string holds U+0009 control character as it is: write it as \\u0009"),
        (r'{"a": "it\'s"}', "a backslash begins nothing that JSON knows"),
        (r"{\"a\": 1}", "a quote outside a string stands behind a backslash"),
        ('{"a": "b', "a string never closes"),
        ('{"a": 1', "it ends before all of it is closed"),
        ("", "it ends before all of it is closed"),
        ('{"a": 1} {"b": 2}', "more stands behind the value"),
        ('{"a": undefined}', "JSON has no such value"),
    ],
)
def test_what_is_no_json_is_told_with_what_to_write(text: str, remedy: str) -> None:
    assert remedy in str(mistake(text))
    assert "column" in str(mistake(text))


def test_half_a_pair_is_taken_where_a_model_may_have_written_it() -> None:
    assert parse_json(r'{"text": "\ud83d"}', half_pairs=True) == {"text": "\ud83d"}
    with pytest.raises(JsonError, match="NaN"):
        parse_json(r'{"text": "\ud83d", "a": NaN}', half_pairs=True)


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_text(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"b": "\xe2\x80\xa8"}\r\n')
    assert list(lines_of(read_text(file))) == [(1, '{"a": 1}'), (3, '{"b": "\u2028"}')]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_unicode_encoding_is_told_with_the_remedy(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes('{"a": 1}\n'.encode(encoding))
    with pytest.raises(JsonError, match="UTF-16 or UTF-32: save it as UTF-8"):
        read_text(file)


@pytest.mark.parametrize("data", [b"caf\xe9", b"\xed\xa0\xbd", b"\xfd", b"\xc3"])
def test_bytes_that_are_no_utf_8_are_told_by_their_line(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a": 1}\n\n' + data + b"\n")
    with pytest.raises(JsonError, match=r"not UTF-8: byte 0x.*save the file as UTF-8") as caught:
        read_text(file)
    assert caught.value.line == 3


def test_a_folder_in_a_files_place_is_told_as_what_is_in_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(JsonError, match="it can't be read: Is a directory; a file that you may read is expected"):
        read_text(tmp_path)


def test_a_file_that_is_not_there_is_another_thing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "gone.jsonl")


def test_a_pipe_in_the_place_of_a_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "test.jsonl")
    with pytest.raises(JsonError, match="a pipe or a device"):
        read_text(tmp_path / "test.jsonl")


def test_a_device_in_the_place_of_a_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").symlink_to("/dev/zero")
    with pytest.raises(JsonError, match="a pipe or a device"):
        read_text(tmp_path / "test.jsonl")


def read(path: Path, data: bytes) -> list[tuple[int, str]]:
    path.write_bytes(data)
    return [(number, line) for number, line, _ in read_lines(path)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_numbered_whatever_ends_them(tmp_path: Path, end: bytes) -> None:
    assert read(tmp_path / "a.jsonl", b"\xef\xbb\xbf1" + end + end + b"2" + end) == [(1, "1"), (3, "2")]


def test_the_last_line_needs_no_end_and_a_separator_of_unicode_ends_none(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", '1\n"a\u2028b"'.encode()) == [(1, "1"), (2, '"a\u2028b"')]


def test_a_byte_that_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(JsonError, match="not UTF-8: byte 0xff") as raised:
        read(tmp_path / "a.jsonl", b"1\n2\n\xff\n")
    assert raised.value.line == 3


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalkit._internal.strict_json.LONGEST_LINE", 1000)
    with pytest.raises(JsonError, match="a line of more than") as raised:
        read(tmp_path / "a.jsonl", b"1\n" + b"9" * 1001)
    assert raised.value.line == 2


def test_how_much_is_read_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"11\n22\n33\n44\n")
    assert [part for _, _, part in read_lines(tmp_path / "a.jsonl")] == [0.25, 0.5, 0.75, 1.0]
