"""The command that looks whether everything is there that a run needs."""

from __future__ import annotations

import sys

import click

from evalkit._internal.counts import counted
from evalkit.cli.project import say
from evalkit.models.config import Config
from pytest_evalkit import find_command_problem


@click.command()
@click.argument("backends", nargs=-1, metavar="[BACKEND]...")
@click.pass_obj
def doctor(config: Config, backends: tuple[str, ...]) -> None:
    """Look at packages, golden data, every BACKEND (all aliases, without one), the store and the disk.

    Loads no weights. Exits with 1 where something is wrong, and says of each thing what to do.
    """
    from evalkit.session.checkup import check_up

    wrong = 0
    if problem := find_command_problem():
        say(f"WRONG  {problem}")
        wrong += 1
    for checked in check_up(config, backends):
        wrong += checked.wrong
        say(f"{'WRONG' if checked.wrong else 'ok' if not checked.remedy else '-':<5}  {checked.what}")
        for line in checked.remedy.splitlines():
            say(f"       {line}")
    say(f"{counted(wrong, 'thing', ('is', 'are'))} wrong" if wrong else "nothing is wrong")
    sys.exit(1 if wrong else 0)
