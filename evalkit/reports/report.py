"""What a report is: something that renders a stored run, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from evalkit.reports.page import Page
from evalkit.runs.record import Rows, Run


class Report(Protocol):
    """A stored run as text: the function ``render`` of a component of the kind "reports"."""

    def __call__(self, run: Run, rows: Rows, page: Page, /) -> Iterator[str]:
        """The text, piece by piece. ``rows()`` reads what each model answered to each example, one row at a time."""
        ...
