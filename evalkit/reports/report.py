"""What a report is: something that renders a stored run, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from evalkit._internal.registry import find
from evalkit.errors import EvalkitError
from evalkit.reports.page import Page
from evalkit.runs.record import Rows, Run


class Report(Protocol):
    """A stored run as text: the function ``render`` of a component of the kind "reports"."""

    def __call__(self, run: Run, rows: Rows, page: Page, /) -> Iterator[str]:
        """The text, piece by piece. ``rows()`` reads what each model answered to each example, one row at a time;
        ``rows(task, model)`` those of one task and model alone."""
        ...


def render(name: str, run: Run, rows: Rows, page: Page) -> Iterator[str]:
    """The text of the report called ``name``. Raises EvalkitError where it fails: it may be an outside package's."""
    try:
        yield from find("reports", name).render(run, rows, page)
    except EvalkitError:
        raise
    except Exception as error:
        raise EvalkitError(f"report {name!r} failed: {type(error).__name__}: {error}") from error
