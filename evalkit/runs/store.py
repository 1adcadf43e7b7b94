"""Keeps runs in the project's SQLite file, beside the completions that they were made of."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit._internal.database import Database
from evalkit.errors import UnknownName
from evalkit.runs.packed_row import DIGEST_BYTES, MARK, first_text, pack, text_of, unpack
from evalkit.runs.record import Row, Rows, Run, dump_run, is_older, load_run

_TABLES = """
create table if not exists runs (id text primary key, created text not null, run text not null) without rowid;
create table if not exists rows (
    run text not null, number integer not null, task text not null, model text not null, example text not null,
    line blob not null, primary key (run, number)
) without rowid;
create index if not exists rows_by_example on rows (run, example);
create table if not exists row_parts (digest blob primary key, part blob not null) without rowid;
create table if not exists run_order (number integer primary key autoincrement, run text not null unique);
"""

_WITH_PARTS = f"left join row_parts on row_parts.digest = substr(rows.line, {len(MARK) + 1}, {DIGEST_BYTES})"
_FIRST_ROW = "select line from rows where run = ? and number = 0"

_IN_ORDER = "from runs left join run_order on run_order.run = runs.id order by number, created, id"
"""The order in which runs were stored, whatever the clock said. An older evalkit numbered none: those come first, by
their time."""


def stored_rows(path: Path, run: str) -> Rows:
    """Reads the rows of the run with that id from the store at ``path``, which is open only while they are read."""

    def read(task: str | None = None, model: str | None = None, /) -> Iterator[Row]:
        with closing(RunStore(path)) as runs:
            yield from runs.rows(run, task, model)

    return read


class RunStore:
    """The runs of a project. Raises StoreError where its file can't be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path, _TABLES)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be stored: the file, or its folder, may only be read."""
        return self._db.read_only

    def close(self) -> None:
        self._db.close()

    def save(self, run: Run, rows: Iterable[Row] = ()) -> None:
        """Stores ``run`` under its id, and ``rows``, of which one at a time is held: all of it or nothing."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._db.transaction():
            self._db.execute("delete from rows where run = ?", (run.id,))
            self._db.write_each("insert into rows values (?, ?, ?, ?, ?, ?)", self._packed(run.id, rows))
            # ASCII, so that a lone surrogate in an answer is kept as what it is; SQLite takes only valid UTF-8.
            self._db.execute("insert or replace into runs values (?, ?, ?)", (run.id, now, json.dumps(dump_run(run))))
            self._db.execute("insert or ignore into run_order (run) values (?)", (run.id,))

    def _packed(self, run: str, rows: Iterable[Row]) -> Iterator[tuple[str, int, str, str, str, bytes]]:
        """The rows as they are stored; the example part of each is stored on the way, once."""
        first, stored = b"", set[bytes]()
        for number, row in enumerate(rows):
            packed = pack(row, first)
            first = first or text_of(row)
            if packed.digest not in stored:
                stored.add(packed.digest)
                part = zlib.compress(packed.part, 1)
                self._db.execute("insert or ignore into row_parts values (?, ?)", (packed.digest, part))
            yield run, number, row.task, row.model, row.example, packed.blob

    def rows(
        self, run: str, task: str | None = None, model: str | None = None, example: str | None = None
    ) -> Iterator[Row]:
        """The rows of the run with that id, one at a time and in the order in which they were stored; of one task,
        model or example where it is named."""
        named = {"task": task, "model": model, "example": example}
        wanted = {column: value for column, value in named.items() if value is not None}
        where = "".join(f" and {column} = ?" for column in wanted)
        # By itself SQLite takes a run for ten rows, and reads all of it for one example.
        index = "" if example is None else "indexed by rows_by_example"
        query = f"select line, part from rows {index} {_WITH_PARTS} where run = ?{where} order by number"
        first = b"".join(first_text(line) for (line,) in self._db.execute(_FIRST_ROW, (run,)))
        for line, part in self._db.each(query, (run, *wanted.values())):
            yield unpack(line, part, first)

    def run(self, name: str = "latest") -> Run:
        """The run of that id, of the only id that begins so, or the latest.

        Raises UnknownName, and StoreError where an older evalkit stored it in a form that is not read any more.
        """
        return load_run(self.table(name))

    def table(self, name: str = "latest") -> Mapping[str, Any]:
        """The header of that run as it is stored, of whatever version. Raises UnknownName."""
        ids = self.ids()
        if name == "latest" and ids:
            name = ids[-1]
        matches = [name] if name in ids else [other for other in ids if other.startswith(name)]
        if len(matches) != 1:
            raise UnknownName("run", name, ids[-10:], f"(the last ten of {self.path})")
        [(text,)] = self._db.execute("select run from runs where id = ?", (matches[0],))
        return dict(json.loads(text))

    def ids(self) -> list[str]:
        """The ids of all runs, the oldest first."""
        return [row[0] for row in self._db.execute(f"select id {_IN_ORDER}")]

    def forget(self, runs: Sequence[str]) -> None:
        """Takes those runs out, and gives the room back that they took: all of them or none. Raises StoreError."""
        names = [(run,) for run in runs]
        with self._db.transaction():
            for table, column in (("runs", "id"), ("rows", "run"), ("run_order", "run")):
                self._db.write_each(f"delete from {table} where {column} = ?", names)
            self._db.execute(
                "delete from row_parts where digest not in (select substr(line, ?, ?) from rows)",
                (len(MARK) + 1, DIGEST_BYTES),
            )
        self._db.execute("vacuum")
        self._db.execute("pragma wal_checkpoint(truncate)")  # a log of the size of the file else lies beside it

    def runs(self) -> Iterator[Run]:
        """Every run, the oldest first; those of an older form are left out (``older``)."""
        for (text,) in self._db.each(f"select runs.run {_IN_ORDER}"):
            table = json.loads(text)
            if not is_older(table):
                yield load_run(table)

    def older(self) -> list[str]:
        """The ids of the runs that an older evalkit stored, in a form that is not read any more."""
        rows = self._db.each(f"select id, runs.run {_IN_ORDER}")
        return [name for name, text in rows if is_older(json.loads(text))]
