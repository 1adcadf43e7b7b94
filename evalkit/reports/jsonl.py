"""The rows of a run as JSON Lines: what each model answered to each example, read and scored.

The one that is written at the end of a large run has the worst rows of each model, and a last line that is no row:
``{"left_out": {...}}``, with the number of those that are not there and the command that gives all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import Rows, Run, dump_row, no_rows


def render(_run: Run, rows: Rows = no_rows, page: Page = PAGE) -> Iterator[str]:
    """One line a row, one at a time."""
    for row in rows():
        yield dump_row(row) + "\n"
    if page.left_out is not None:
        yield json.dumps({"left_out": page.left_out.table}) + "\n"
