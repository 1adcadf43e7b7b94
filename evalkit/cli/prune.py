"""The command that makes the store smaller: it forgets runs, and keeps every answer."""

from __future__ import annotations

import click

from evalkit._internal.counts import abbreviate, counted
from evalkit.cli.project import opened_runs, say
from evalkit.models.config import Config


@click.command()
@click.option("--keep", type=click.IntRange(min=1), required=True, metavar="N", help="How many runs to keep.")
@click.option("--dry-run", is_flag=True, help="Only say which runs would be forgotten.")
@click.pass_obj
def prune(config: Config, keep: int, dry_run: bool) -> None:
    """Forget all runs but the last N, with what they scored. Answers stay: no model is asked again because of it."""
    with opened_runs(config) as runs:
        forgotten = runs.ids()[:-keep]
        if dry_run or not forgotten:
            which = f" ({abbreviate(forgotten)})" if forgotten else ""
            say(f"{counted(len(forgotten), 'run')} to forget{which}")
            return
        before = config.store.stat().st_size
        runs.forget(forgotten)
    after = config.store.stat().st_size
    say(f"forgot {counted(len(forgotten), 'run')} ({abbreviate(forgotten)}): {config.store} has {_size(after)}")
    say(f"it had {_size(before)}; a baseline or a ledger that names one of them stands as it is")


def _size(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"
