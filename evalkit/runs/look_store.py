"""Keeps every line of the ledgers that this project's sessions wrote: one that a ledger lacks later is found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from evalkit._internal.database import Database
from evalkit._internal.files import text_digest
from evalkit.golden.ledger_lines import line_id
from evalkit.golden.model import Example, Task
from evalkit.models.request import canonical

_TABLES = """
create table if not exists looks (
    task text not null, id text not null, line text not null, examples text not null, primary key (task, id)
) without rowid;
"""


class LookStore:
    """Raises StoreError where the file can't be read or written."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, _TABLES)

    @classmethod
    def known(cls, path: Path, task: Task) -> list[Mapping[str, Any]]:
        """The lines about the present test split of ``task``, the first one first; none where there is no store.

        A split is another one where it shares no example with the one that was looked at.
        """
        if not path.exists():
            return []
        with closing(cls(path)) as store:
            return store._lines(task.name, _digests(task.splits.get("test", ())))

    @classmethod
    def keep(cls, path: Path, task: Task, lines: Iterable[Mapping[str, Any]]) -> None:
        """Keeps ``lines``, each with what its split was."""
        examples = json.dumps(_digests(task.splits.get("test", ())))
        with closing(cls(path)) as store, store._db.transaction():
            store._db.write_each(
                "insert or ignore into looks values (?, ?, ?, ?)",
                [(task.name, line_id(line), json.dumps(line), examples) for line in lines],
            )

    def close(self) -> None:
        self._db.close()

    def _lines(self, task: str, examples: Sequence[str]) -> list[Mapping[str, Any]]:
        there = set(examples)
        rows = self._db.execute("select line, examples from looks where task = ?", (task,))
        lines = [json.loads(line) for line, then in rows if there & set(json.loads(then))]
        return sorted(lines, key=lambda line: str(line.get("created", "")))


def _digests(examples: Iterable[Example]) -> list[str]:
    return [text_digest(canonical([dict(example.input), dict(example.expected)]))[:12] for example in examples]
