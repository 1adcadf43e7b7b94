"""The rows of a run as CSV: one for each example and model, for a spreadsheet or pandas.

Fields of the input, of what was expected, of what came, and scores have a column each (``input.text``,
``expected.mood``, ``got.mood``, ``score.mood``). A value that is no text is written as JSON. Of several samples the
first is shown; its scores are the means over all. Nothing is changed: a spreadsheet may take a text that begins with
``=`` for a formula, so import the columns as text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from io import StringIO

from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import Row, Rows, Run, no_rows

_FIRST = ("task", "model", "example", "split", "tags", "defects", "text")


def render(_run: Run, rows: Rows = no_rows, _page: Page = PAGE) -> Iterator[str]:
    """The header, then a line for each row. The rows are read twice: the first time for their columns."""
    names = list(dict.fromkeys([*_FIRST, *(name for row in rows() for name in _cells(row))]))
    yield _line(names)
    for row in rows():
        cells = _cells(row)
        yield _line([cells.get(name, "") for name in names])


def _cells(row: Row) -> dict[str, str]:
    sample = row.samples[0] if row.samples else None
    got: Mapping[str, object] = (sample.value if sample else None) or {}
    parts = (("input", row.input), ("expected", row.expected), ("got", got))
    cells = {f"{part}.{name}": _cell(value) for part, table in parts for name, value in table.items()}
    cells |= {f"score.{name}": f"{score.value:g}" for name, score in row.scores.items()}
    text = sample.text if sample else row.unanswered
    first = (row.task, row.model, row.example, row.split, " ".join(row.tags), " ".join(row.defects), text)
    return {**dict(zip(_FIRST, first, strict=True)), **cells}


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(cells: list[str]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode("utf-8", "backslashreplace").decode()
