"""The rows of a run as JSON Lines: what each model answered to each example, read and scored."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import Rows, Run, dump_row, no_rows


def render(_run: Run, rows: Rows = no_rows, _page: Page = PAGE) -> Iterator[str]:
    """One line a row, one at a time."""
    for row in rows():
        yield dump_row(row) + "\n"
