"""A run as JSON: its header, with every figure; what each example scored is in ``jsonl``."""

from __future__ import annotations

import json
from collections.abc import Iterator

from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import Rows, Run, dump_run, no_rows


def render(run: Run, _rows: Rows = no_rows, _page: Page = PAGE) -> Iterator[str]:
    """The header as indented JSON."""
    yield json.dumps(dump_run(run), indent=1) + "\n"
