"""The end of a session: what was selected is judged, the exit code decided, the tables printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evalkit._internal.interruption import stopped_by
from evalkit.errors import visible
from evalkit.plugin import baselines
from evalkit.plugin.collect import MISSED
from evalkit.plugin.state import STATE, State, eval_session, is_worker

if TYPE_CHECKING:
    from evalkit.session.finish import FinishedRun


def finish_session(session: pytest.Session, exitstatus: int) -> None:
    """Judges every backend whose split was run whole, with or without a test that asks for its verdict."""
    config, state = session.config, session.config.stash[STATE]
    if is_worker(config):
        names = ("selection", "golden", "misused", "trouble", "unusable")
        collected = {name: getattr(state, name) for name in names}
        config.workeroutput["evalkit"] = collected  # type: ignore[attr-defined]
        return
    if state.unusable:
        return
    if state.misused:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    _remember_misses(config, state)
    if not state.selection and state.options.concerns_baselines and session.exitstatus == pytest.ExitCode.OK:
        if not config.option.collectonly:
            state.trouble, session.exitstatus = baselines.NOTHING_RUN, pytest.ExitCode.TESTS_FAILED
        return
    # A controller of xdist that is stopped does not hear what its workers have selected.
    if not (state.selection or stopped_by()):
        return
    if not _came_to_its_end(config, exitstatus):
        return
    code = _judge(config, state)
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = code


def _judge(config: pytest.Config, state: State) -> int:
    from evalkit.errors import EvalkitError
    from evalkit.session.finish import finish

    command, wanted = "pytest " + " ".join(config.invocation_params.args), baselines.baseline_options(state.options)
    try:
        state.finished_run = finish(eval_session(config), state.selection, command, state.outcomes(), wanted)
    except (EvalkitError, OSError) as error:
        state.trouble = state.project.spell(f"no verdict: {error}")
        return pytest.ExitCode.TESTS_FAILED
    return state.finished_run.exit_code


def _came_to_its_end(config: pytest.Config, exitstatus: int) -> bool:
    """Whether pytest ended by itself or by --maxfail."""
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return True
    if exitstatus != pytest.ExitCode.INTERRUPTED:
        return False
    if config.pluginmanager.hasplugin("dsession"):
        from evalkit.plugin.xdist import stopped_by_failures

        if stopped_by_failures(config):
            return True
    message = f"no verdict: {_stopped()}. What was answered is stored; the same command goes on there."
    config.stash[STATE].trouble = message
    return False


def _stopped() -> str:
    """That somebody stopped the session, and by what where that was no key."""
    return "stopped by SIGTERM" if stopped_by() == "SIGTERM" else "interrupted"


def _remember_misses(config: pytest.Config, state: State) -> None:
    """As --lf does: what was not run this time stays as it was."""
    cache = getattr(config, "cache", None)  # absent under -p no:cacheprovider
    ended = {name: state.ended[name] for name in state.golden if name in state.ended}
    if ended and cache is not None:
        before = set(cache.get(MISSED, [])) - ended.keys()
        cache.set(MISSED, sorted(before | {name for name, how in ended.items() if how == "missed"}))


def write_summary(reporter: pytest.TerminalReporter, state: State) -> None:
    """Prints what was spent, the tables of the run, where they are written, and what went wrong."""
    _write_misses(reporter)
    spent = _spent(state)
    if state.finished_run is None and not state.trouble and not spent:
        return
    reporter.section("evalkit", bold=True)
    if spent:
        reporter.write_line(visible(spent))
    if state.finished_run is not None:
        from evalkit.errors import EvalkitError

        state.trouble = state.finished_run.trouble
        try:
            _write_report(reporter, state, state.finished_run)
        except EvalkitError as error:
            state.trouble = f"{state.trouble}\n{error}".lstrip()
            session = reporter._session
            if session is not None and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED  # who asked for a report has none
        for path in state.finished_run.written:
            reporter.write_line(visible(f"written: {path}"))
        _tell_github(reporter, state, state.finished_run)
    if state.trouble:
        reporter.write_line(visible(state.trouble), red=True)


def _write_misses(reporter: pytest.TerminalReporter) -> None:
    """Lists the missed tests where they are asked for, as pytest lists the expected failures."""
    missed = reporter.stats.get("missed", [])
    if missed and reporter.hasopt("m"):
        reporter.section("misses")
        for report in missed:
            reporter.write_line(visible(f"MISS {report.nodeid} - {report.wasxfail}"))


def _tell_github(reporter: pytest.TerminalReporter, state: State, finished: FinishedRun) -> None:
    from evalkit.plugin import github

    if trouble := github.write_job_summary(finished.run, finished.rows):
        state.trouble = f"{state.trouble}\n{trouble}".lstrip()
    for line in github.blocked_verdicts(finished.run):
        reporter.write_line(line)


def _write_report(reporter: pytest.TerminalReporter, state: State, finished: FinishedRun) -> None:
    from evalkit.reports.page import Page
    from evalkit.reports.report import render

    details = state.options.slices or reporter.verbosity > 0
    page = Page(reporter._tw.fullwidth, reporter._tw.hasmarkup, details)
    for text in render(state.options.format, finished.run, finished.rows, page):
        reporter.write(text, flush=True)


def _spent(state: State) -> str:
    if state.session is None:
        return ""
    from evalkit.errors import EvalkitError

    try:
        return state.session.spent()
    except EvalkitError:
        return ""  # the store can't be read: that is told where it is needed
