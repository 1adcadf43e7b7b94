"""Splits that are no longer what was frozen: figures from before and after are then about different data."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.errors import FrozenError
from evalkit.golden import freeze
from evalkit.golden.lints.finding import Finding
from evalkit.golden.model import Task


def check(task: Task) -> Iterator[Finding]:
    try:
        freeze.verify(task.folder, task.splits)
    except FrozenError as error:
        changes = "; ".join(line.strip() for line in error.changes)
        yield Finding("error", task.place(freeze.FILE), f"not what was frozen: {changes}", freeze.remedy(task.folder))
