"""What a run leaves under GitHub Actions: its Markdown as the job's summary, an annotation for each blocked verdict."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit._internal.outside_text import one_line

if TYPE_CHECKING:
    from evalkit.runs.record import Rows, Run

MOST_BYTES = 1024 * 1024
"""GitHub takes no more of one step's summary."""


def write_job_summary(run: Run, rows: Rows, environment: Mapping[str, str] = os.environ) -> str:
    """Appends the run to the summary of the job, where there is one. Gives what went wrong, empty as a rule."""
    place = environment.get("GITHUB_STEP_SUMMARY", "")
    if not place or environment.get("GITHUB_ACTIONS") != "true":
        return ""
    from evalkit.reports.page import PAGE
    from evalkit.reports.report import render

    text = "".join(render("markdown", run, rows, PAGE)).encode("utf-8", "backslashreplace")
    path = Path(place)
    try:
        room = MOST_BYTES - (path.stat().st_size if path.exists() else 0)
        if len(text) > room:
            text = f"The report of run {run.id} is too long for this page: see reports/latest.md.\n".encode()
        with path.open("ab") as file:
            file.write(text)
    except OSError as error:
        return f"the job's summary can't be written: {error}"
    return ""


def blocked_verdicts(run: Run, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A workflow command for each blocked verdict, outside GitHub Actions none.

    The first reason is told; the others stand in the summary.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    from evalkit.judging import wording
    from evalkit.judging.reason import Status

    for task in run.tasks:
        for verdict in task.verdicts:
            if verdict.status is Status.BLOCK:
                title = _escaped(f"{task.task}: {verdict.backend} is blocked").replace(":", "%3A").replace(",", "%2C")
                yield f"::error title={title}::{_escaped(wording.brief(verdict.reasons[0]))}"


def _escaped(text: str) -> str:
    return one_line(text).replace("%", "%25")
