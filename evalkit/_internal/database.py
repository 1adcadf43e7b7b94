"""One SQLite file that several processes share: opened with its tables, its errors as one sentence with what to do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evalkit.errors import StoreError

_VERSION = 1
"""Of the file as a whole; a file of another version is not touched."""

_READ_ONLY = "It may only be read here: copy the project to where it can be written"
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")


class Database:
    """A connection to the file at ``path``; the file, its folder and ``tables`` (SQL) are made where they are missing.

    A file that may only be read is opened so (``read_only``). Raises StoreError, with what to do, where the file can't
    be read or written: nothing that was stored before is lost by it.
    """

    def __init__(self, path: Path, tables: str) -> None:
        self.path = path
        self.read_only = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: can't be made: {error}") from error
        with self._plainly():
            try:
                self._connection = self._opened(f"file:{_quoted(path)}?mode=rwc", tables)
            except sqlite3.OperationalError as error:
                if not str(error.sqlite_errorname).startswith(_UNWRITABLE) or not path.is_file():
                    raise
                self.read_only = True
                self._connection = self._opened(f"file:{_quoted(path)}?{self._how_to_read()}", tables)
        self._file = _identity(path)

    def _opened(self, uri: str, tables: str) -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=60, isolation_level=None)
        try:
            self._prepare(connection, tables)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection, tables: str) -> None:
        if not self.read_only:
            # WAL: others read while one writes, and what was committed outlives a killed process.
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
        version = connection.execute("pragma user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise StoreError(f"{self.path} is of version {version}, this evalkit reads {_VERSION}; move the file away")
        if self.read_only:
            there = {name for (name,) in connection.execute("select name from sqlite_master")}
            # What an older evalkit did not have is empty here, and is kept nowhere.
            for name, columns in re.findall(r"create table if not exists (\w+) (\(.*?\))[^()]*;", tables, re.DOTALL):
                if name not in there:
                    connection.execute(f"create temporary table {name} {columns}")
        else:
            connection.executescript(tables + f"pragma user_version = {_VERSION};")

    def _how_to_read(self) -> str:
        """What SQLite is told of a file that can't be written. One that has a log beside it must be read with that."""
        log = self.path.with_name(f"{self.path.name}-wal")
        return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"

    def need_writing(self) -> None:
        """Raises StoreError where the file may only be read."""
        if self.read_only:
            raise StoreError(f"{self.path}: it can't be written to. {_READ_ONLY}.")

    def execute(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Runs one statement; it is on disk when this returns. Gives all its rows."""
        with self._plainly():
            return self._connection.execute(query, values).fetchall()

    def write(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Runs one statement that writes; it is on disk when this returns, and in the file that others read."""
        self._find_file()
        self.execute(statement, values)

    def each(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query, read from the file as they are asked for."""
        with self._plainly():
            yield from self._connection.execute(query, values)

    def write_each(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs ``statement`` for each of ``rows``, of which one at a time is held."""
        with self._plainly():
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is there as a whole, or not at all."""
        self._find_file()
        with self._plainly():
            self._connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def close(self) -> None:
        self._connection.close()

    def _find_file(self) -> None:
        """Raises StoreError where the file was taken away: SQLite would go on writing to what nobody can open."""
        if _identity(self.path) != self._file:
            raise StoreError(
                f"{self.path}: it was taken away or replaced while it was written to. What was stored in it is gone; "
                f"run the same command again"
            )

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            remedy = (
                _READ_ONLY
                if self.read_only
                else "What was stored before is kept; if the disk is full make room, if the file is damaged move it "
                "away, then run the same command again"
            )
            raise StoreError(f"{self.path}: {error}. {remedy}.") from error


def _quoted(path: Path) -> str:
    """``path`` as it stands in a URI of SQLite."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file ``path`` is; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
