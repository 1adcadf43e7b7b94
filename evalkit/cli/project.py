"""What commands share: the stores and golden folders of the project at hand, and a way to print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.errors import ConfigError, UnknownName, visible
from evalkit.models.config import Config

if TYPE_CHECKING:
    from evalkit.models.cache import Store
    from evalkit.runs.store import RunStore


@contextmanager
def opened_runs(config: Config) -> Iterator[RunStore]:
    """The project's runs. Raises ConfigError where none was ever stored."""
    from evalkit.runs.store import RunStore

    if not config.store.exists():
        raise ConfigError(f"{config.store}: no run is stored there; run pytest first, or give --root")
    with closing(RunStore(config.store)) as runs:
        yield runs


@contextmanager
def opened_answers(config: Config) -> Iterator[Store]:
    """The project's stored completions."""
    from evalkit.models.cache import Store

    with closing(Store(config.store)) as store:
        yield store


def task_folders(config: Config, wanted: Sequence[str]) -> dict[str, Path]:
    """The golden folders of the ``wanted`` tasks, of all without any."""
    from evalkit.golden.loader import find_tasks

    golden = config.root / config.golden
    folders = find_tasks(golden)
    if not folders:
        raise ConfigError(f"{golden}: no golden task there (a folder with a task.toml)")
    for name in wanted:
        if name not in folders:
            raise UnknownName("task", name, folders)
    return {name: folders[name] for name in wanted or folders}


def say(text: str, err: bool = False) -> None:
    """Prints ``text``, whatever stands in it: what a terminal would obey is shown as an escape."""
    click.echo(visible(text), err=err)


def say_report(pieces: Iterable[str]) -> None:
    """Prints a report, in which every text from outside has passed the gate already."""
    for piece in pieces:
        # A report of an outside package may hold half a surrogate pair, which no terminal takes.
        click.echo(piece.encode("utf-8", "backslashreplace").decode("utf-8"), nl=False)
