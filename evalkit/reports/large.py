"""The rule for large runs, the same for every report that is written at a run's end.

Up to ``MOST_ANSWERS`` answers (those of all models on all tasks, floors too) the reports have each of them. Above that
they have every figure, and of each model on each task the ``WORST`` answers: what must pass and is not right, then what
stayed unanswered, then the lowest primary scores. Lists of names in the header are cut to as many. Each report says how
much is left out and which command gives it (``LeftOut``): everything is in the store, and ``evalkit report`` leaves
nothing out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace

from evalkit.reports.page import PAGE, LeftOut, Page
from evalkit.runs.record import Row, Rows, Run

MOST_ANSWERS = 2_000
WORST = 100


class WorstRows:
    """The worst rows of ``run``, taken from those that pass by (``watched``), of which few are held."""

    def __init__(self, run: Run, most: int = MOST_ANSWERS, worst: int = WORST) -> None:
        self._run = run
        self._primary = {task.task: task.primary for task in run.tasks}
        self._most, self._worst = most, worst
        self._kept: dict[tuple[str, str], list[tuple[int, Row]]] = {}
        self._count = 0

    def watched(self, rows: Iterable[Row]) -> Iterator[Row]:
        """``rows`` as they are, each looked at on its way."""
        for row in rows:
            kept = self._kept.setdefault((row.task, row.model), [])
            kept.append((self._count, row))
            self._count += 1
            if len(kept) > 2 * self._worst:
                kept[:] = self._lowest(kept)
            yield row

    def for_reports(self, rows: Rows) -> tuple[Rows, Page]:
        """What reports are to be written from, once all has passed by: ``rows``, which has all of them, or the worst;
        and the page, which says what is left out."""
        if self._count <= self._most:
            return rows, PAGE
        worst = sorted((item for kept in self._kept.values() for item in self._lowest(kept)), key=lambda item: item[0])
        left_out = LeftOut(self._count - len(worst), self._count, self._worst, self._run.id)

        def few(task: str | None = None, model: str | None = None, /) -> Iterator[Row]:
            yield from (row for _, row in worst if task in (None, row.task) and model in (None, row.model))

        return few, replace(PAGE, left_out=left_out)

    def _lowest(self, kept: list[tuple[int, Row]]) -> list[tuple[int, Row]]:
        return heapq.nsmallest(self._worst, kept, key=lambda item: self._rank(item[1]))

    def _rank(self, row: Row) -> tuple[bool, float]:
        """Of two rows the worse one has the lower rank."""
        values = [score.value for score in row.scores.values()]
        primary = row.scores.get(self._primary.get(row.task, ""))
        value = -1.0 if row.unanswered else primary.value if primary is not None else min(values, default=1.0)
        return not (row.must_pass and value < 1), value
