"""A file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit._internal.files import atomically, write_atomically


def test_a_text_is_written_in_utf_8_and_its_folder_is_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "notes.txt", "naïve\n")
    assert (tmp_path / "new" / "notes.txt").read_bytes() == "naïve\n".encode()


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "notes.bin", b"\r\n\xff", sync=True)
    assert (tmp_path / "notes.bin").read_bytes() == b"\r\n\xff"


def test_a_text_that_has_no_utf_8_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_text_that_has_no_utf_8_can_be_written_with_escapes(tmp_path: Path) -> None:
    write_atomically(tmp_path / "notes.txt", "\ud800", errors="backslashreplace")
    assert (tmp_path / "notes.txt").read_text() == "\\ud800"


def test_a_file_that_is_not_finished_never_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomically(path) as unfinished:
            unfinished.write_text("ha")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("")
    write_atomically(tmp_path / "notes.txt", "")
    assert (tmp_path / "notes.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode
