"""The command about ledgers: what was looked at on a test split, and how two branches' looks are put together."""

from __future__ import annotations

import click

from evalkit._internal.counts import counted
from evalkit.cli.project import say, task_folders
from evalkit.models.config import Config


@click.command()
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--mend", "mending", is_flag=True, help="Put the lines of merged branches, and missing ones, in order.")
@click.pass_obj
def looks(config: Config, tasks: tuple[str, ...], mending: bool) -> None:
    """Print who was looked at on the test split of each TASK (of all, without one), and how many looks are left."""
    from evalkit.golden.ledger_lines import mend
    from evalkit.golden.loader import load_task
    from evalkit.golden.looks import Ledger
    from evalkit.judging.look_plan import planned_looks
    from evalkit.runs.look_store import LookStore

    for name, folder in task_folders(config, tasks).items():
        task = load_task(folder, verify=False)
        if mending:
            count, new = mend(folder, LookStore.known(config.store, task))
            say(f"{name}: {counted(count, 'line')} in order, {new} of them from the store")
        taken, planned = Ledger.read(folder).taken, planned_looks(task)
        left = max(0, planned - len(taken))
        say(f"{name}: {len(taken)} of {counted(planned, 'look')} taken, {left} left" + ("" if left else ": worn out"))
        for look in taken:
            decided = f"{look.verdict.status} in run {look.verdict.run}" if look.verdict else "no verdict"
            say(f"  {look.number}. {look.model} ({look.who[0].candidate[:12]}): {decided}")
