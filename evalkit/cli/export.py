"""The command that writes a run to a file, for pandas or a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.project import opened_runs, say
from evalkit.errors import ConfigError
from evalkit.models.config import Config

FORMATS = {".jsonl": "jsonl", ".csv": "csv"}
"""The report that is written, by how the name of the file ends."""


@click.command()
@click.argument("run", default="latest")
@click.option("--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .jsonl or .csv file.")
@click.pass_obj
def export(config: Config, run: str, to: Path) -> None:
    """Write every row of RUN (the latest) to a file: one for each example and model, nothing left out."""
    from evalkit._internal.files import write_atomically
    from evalkit.reports.page import PAGE
    from evalkit.reports.report import render

    if to.suffix not in FORMATS:
        raise ConfigError(f"--to {to}: its name ends with {to.suffix or 'nothing'!r}, expected .jsonl or .csv")
    with opened_runs(config) as runs:
        stored = runs.run(run)
        rows = lambda task=None, model=None: runs.rows(stored.id, task, model)  # noqa: E731
        write_atomically(to, render(FORMATS[to.suffix], stored, rows, PAGE), errors="backslashreplace")
    say(f"written: {to}")
