"""The command that lists the stored runs."""

from __future__ import annotations

import click

from evalkit._internal.counts import abbreviate, counted
from evalkit.cli.project import opened_runs, say
from evalkit.models.config import Config


@click.command("runs")
@click.option("-n", "most", type=click.IntRange(min=1), default=20, help="So many of the last ones (default: 20).")
@click.pass_obj
def list_runs(config: Config, most: int) -> None:
    """List the stored runs, the last one at the end: when, what was judged, and what came of it."""
    with opened_runs(config) as runs:
        listed = [(run.id, run.created, run.tasks) for run in runs.runs()]
        older = runs.older()
    for name, created, tasks in listed[-most:]:
        say(f"{name}  {created[:16].replace('T', ' ')}")
        for task in tasks:
            verdicts = {verdict.backend: str(verdict.status) for verdict in task.verdicts}
            tested = [one.name for one in task.model_runs if one.participant.role == "backend"]
            told = ", ".join(f"{model} {verdicts.get(model, 'no verdict')}" for model in tested)
            say(f"  {task.task} ({counted(task.examples, 'example')} of {task.split}): {told}")
    if len(listed) > most:
        say(f"{counted(len(listed) - most, 'run')} before: -n shows more")
    if older:
        say(f"{counted(len(older), 'run')} that an older evalkit stored: {abbreviate(older)}")
