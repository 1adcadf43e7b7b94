"""Keeps runs in the project's SQLite file, beside the completions that they were made of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit._internal.database import Database
from evalkit.errors import UnknownName
from evalkit.runs.record import Run, dump_run, is_older, load_run

_TABLES = """
create table if not exists runs (id text primary key, created text not null, run text not null) without rowid;
"""


class RunStore:
    """The runs of a project. Raises StoreError where its file can't be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path, _TABLES)

    def close(self) -> None:
        self._db.close()

    def save(self, run: Run) -> None:
        """Stores ``run`` under its id."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        # ASCII, so that a lone surrogate in an answer is kept as what it is; SQLite takes only valid UTF-8.
        self._db.execute("insert or replace into runs values (?, ?, ?)", (run.id, now, json.dumps(dump_run(run))))

    def run(self, name: str = "latest") -> Run:
        """The run of that id, of the only id that begins so, or the latest.

        Raises UnknownName, and StoreError where an older evalkit stored it in a form that is not read any more.
        """
        return load_run(self.table(name))

    def table(self, name: str = "latest") -> Mapping[str, Any]:
        """The header of that run as it is stored, of whatever version. Raises UnknownName."""
        ids = [row[0] for row in self._db.execute("select id from runs order by created, id")]
        if name == "latest" and ids:
            name = ids[-1]
        matches = [name] if name in ids else [other for other in ids if other.startswith(name)]
        if len(matches) != 1:
            raise UnknownName("run", name, ids[-10:], f"(the last ten of {self.path})")
        [(text,)] = self._db.execute("select run from runs where id = ?", (matches[0],))
        return dict(json.loads(text))

    def runs(self) -> Iterator[Run]:
        """Every run, the oldest first; those of an older form are left out (``older``)."""
        for (text,) in self._db.each("select run from runs order by created, id"):
            table = json.loads(text)
            if not is_older(table):
                yield load_run(table)

    def older(self) -> list[str]:
        """The ids of the runs that an older evalkit stored, in a form that is not read any more."""
        rows = self._db.each("select id, run from runs order by created, id")
        return [name for name, text in rows if is_older(json.loads(text))]
