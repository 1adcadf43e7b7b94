"""The file that processes share: read where it can't be written, and never written to once it is gone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from evalkit._internal.database import Database
from evalkit.errors import StoreError


@pytest.fixture
def path() -> Iterator[Path]:
    # Not below tmp_path, where nobody else may look.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder, "a folder? #1", "store.sqlite")


@contextmanager
def as_another_user(path: Path) -> Iterator[None]:
    """Nothing may be written in the folder of ``path``: root may always, so another user looks at it."""
    user = os.geteuid()
    path.parent.chmod(0o555)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        path.parent.chmod(0o755)


def written(path: Path, *texts: str) -> None:
    with closing(Database(path, "create table if not exists notes (text text primary key);")) as database:
        for text in texts:
            database.write("insert into notes values (?)", (text,))


def test_a_file_that_may_only_be_read_is_read(path: Path) -> None:
    written(path, "a", "b")
    with as_another_user(path), closing(Database(path, "create table if not exists notes (text text);")) as database:
        assert (database.read_only, database.execute("select text from notes")) == (True, [("a",), ("b",)])


def test_a_table_that_a_file_for_reading_lacks_is_empty(path: Path) -> None:
    written(path, "a")
    tables = (
        "create table if not exists notes (text text);\n"
        "create table if not exists more (text text not null, primary key (text)) without rowid;\n"
        "create table if not exists last (number integer primary key autoincrement, text text unique);"
    )
    with as_another_user(path), closing(Database(path, tables)) as database:
        assert [database.execute(f"select count(*) from {name}") for name in ("notes", "more", "last")] == [
            [(1,)], [(0,)], [(0,)],
        ]  # fmt: skip


def test_what_may_only_be_read_says_so_when_it_is_written(path: Path) -> None:
    written(path, "a")
    with (
        as_another_user(path),
        closing(Database(path, "create table if not exists notes (text text);")) as database,
        pytest.raises(StoreError, match=r"readonly.*may only be read here: copy the project"),
    ):
        database.write("insert into notes values ('b')")
    with closing(Database(path, "")) as database:
        assert database.execute("select text from notes") == [("a",)]


def test_what_another_process_wrote_a_moment_ago_is_read_too(path: Path) -> None:
    with closing(Database(path, "create table if not exists notes (text text);")) as writer:
        writer.write("insert into notes values ('in the log')")
        for file in path.parent.iterdir():
            file.chmod(0o644)
        with as_another_user(path), closing(Database(path, "")) as reader:
            assert reader.execute("select text from notes") == [("in the log",)]


def test_a_folder_where_nothing_can_be_made_is_told(path: Path) -> None:
    path.parent.mkdir()
    with as_another_user(path), pytest.raises(StoreError, match="unable to open database file"):
        Database(path, "")


@pytest.mark.parametrize("again", [False, True], ids=["gone", "another in its place"])
def test_a_file_that_was_taken_away_is_not_written_to(path: Path, again: bool) -> None:
    with closing(Database(path, "create table if not exists notes (text text);")) as database:
        for file in path.parent.iterdir():
            file.rename(file.with_name(f"{file.name}.old"))
        if again:
            written(path, "theirs")
        with pytest.raises(StoreError, match="taken away or replaced while it was written to"):
            database.write("insert into notes values ('lost')")
        with pytest.raises(StoreError, match="taken away or replaced"), database.transaction():
            pass
