"""Asks the models what the selected tests need, once, before the first test; shows how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from evalkit._internal.interruption import hearing
from evalkit.errors import visible
from evalkit.plugin.lines import sayer
from evalkit.plugin.state import STATE, TestTarget, eval_session, is_worker, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.models.generate import OnProgress
    from evalkit.session.plan import Selection


@contextmanager
def hearing_stops(session: pytest.Session) -> Iterator[None]:
    """Hears Ctrl-C and SIGTERM while the block runs, where golden tests were collected."""
    if not _targets(session):
        yield
        return
    with hearing(sayer(session.config)):
        yield


def _targets(session: pytest.Session) -> list[tuple[str, TestTarget]]:
    """The golden tests by name; an xdist controller has none."""
    return [(item.nodeid, target) for item in getattr(session, "items", ()) if (target := target_of(item))]


def ask_for(session: pytest.Session) -> None:
    """Asks what the collected tests of ``session`` need."""
    config, targets = session.config, _targets(session)
    # After an error in collecting pytest runs nothing; xdist runs what there is.
    stops = session.testsfailed and not config.option.continue_on_collection_errors and not is_worker(config)
    if targets and not config.option.collectonly and not stops:
        config.stash[STATE].golden = [name for name, target in targets if target.example]
        _ask(config, [target for _, target in targets])


def _ask(config: pytest.Config, targets: Sequence[TestTarget]) -> None:
    from evalkit.errors import StoreError, UnusableModel
    from evalkit.session.plan import Requested

    session, state = eval_session(config), config.stash[STATE]
    requested = Requested()
    for target in targets:
        examples = target.example_ids or session.scored(session.task(target.task))
        for name in (target.backend, target.rival):
            # Whom it is only compared with is asked anyway.
            if name in session.participants.backends(session.task(target.task)):
                requested.add(target.task, name, examples)
    state.selection = requested.selection
    _announce(config)
    _announce_looks(config, requested.selection)
    try:
        session.need_store()
        session.ask(requested.selection, show_progress(config))
    except (StoreError, UnusableModel) as error:
        state.unusable = state.project.spell(error)
        if not is_worker(config):
            raise pytest.UsageError(state.unusable) from error
        return  # a UsageError of a worker would reach nobody: it runs no test, and the controller raises it
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not is_worker(config):
        from evalkit.judging import wording

        for item in session.unchanged_adapters():
            reporter.write_line(visible(f"WARNING: {wording.unchanged_adapter(item)}"), yellow=True)


def _announce(config: pytest.Config) -> None:
    """Tells what will be asked that nobody named, before it is; a worker leaves that to the report."""
    from evalkit.errors import EvalkitError
    from evalkit.judging import wording

    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or is_worker(config):
        return
    try:
        joining = list(eval_session(config).joining(config.stash[STATE].selection))
    except EvalkitError:
        return  # told by the tests that have no answer
    if joining:
        reporter.ensure_newline()
    for task, name, candidates in joining:
        reporter.write_line(visible(f"evalkit: {task}: {wording.joins(name, candidates)}"))


def _announce_looks(config: pytest.Config, selection: Selection) -> None:
    """Tells which looks may be spent, before anything is asked; a worker leaves it to the controller."""
    from evalkit.errors import EvalkitError
    from evalkit.judging import wording

    session = eval_session(config)
    try:
        lines = [wording.looks_ahead(item) for item in session.looks_ahead(selection)]
    except EvalkitError:
        return  # told by the tests that have no answer
    if lines and is_worker(config):
        from evalkit.plugin.xdist import note_looks

        note_looks(session, lines)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if lines and reporter is not None and not is_worker(config):
        reporter.ensure_newline()
        for line in lines:
            reporter.write_line(visible(line))


def show_progress(config: pytest.Config) -> OnProgress:
    """What shows a person how far the asking is: in a worker it leaves that to the controller."""
    from evalkit.models.backends.floors import FLOORS
    from evalkit.session.progress import ProgressLine

    if is_worker(config):
        from evalkit.plugin.xdist import note_progress

        return note_progress(eval_session(config))
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return lambda _: None
    reporter.ensure_newline()
    rewrite = (lambda text: reporter.rewrite(text, erase=True)) if sys.stdout.isatty() else None
    line = ProgressLine(reporter.write_line, rewrite, reporter._tw.fullwidth - 1)
    return lambda progress: None if progress.alias in FLOORS else line(progress)
