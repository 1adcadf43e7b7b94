"""One SQLite file that several processes share: opened with its tables, its errors as one sentence with what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evalkit.errors import StoreError

_VERSION = 1
"""Of the file as a whole; a file of another version is not touched."""


class Database:
    """A connection to the file at ``path``; the file, its folder and ``tables`` (SQL) are made where they are missing.

    Raises StoreError, with what to do, where the file can't be read or written: nothing that was stored before is lost
    by it.
    """

    def __init__(self, path: Path, tables: str) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: can't be made: {error}") from error
        with self._plainly():
            self._connection = sqlite3.connect(path, timeout=60, isolation_level=None)
            try:
                self._prepare(tables)
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self, tables: str) -> None:
        # WAL: others read while one writes, and what was committed outlives a killed process.
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        version = self._connection.execute("pragma user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise StoreError(f"{self.path} is of version {version}, this evalkit reads {_VERSION}; move the file away")
        self._connection.executescript(tables + f"pragma user_version = {_VERSION};")

    def execute(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Runs one statement; it is on disk when this returns. Gives all its rows."""
        with self._plainly():
            return self._connection.execute(query, values).fetchall()

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

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path}: {error}. What was stored before is kept; if the disk is full make room, if the file "
                f"is damaged move it away, then run the same command again."
            ) from error
