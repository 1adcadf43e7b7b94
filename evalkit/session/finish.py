"""Ends a session: judges what was selected, stores the run, writes its reports, says with what exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit._internal.files import write_atomically
from evalkit._internal.registry import find
from evalkit.errors import SetupError
from evalkit.judging import baseline as baselines
from evalkit.judging.reason import Status
from evalkit.judging.regression import Regression, compare
from evalkit.models.config import Config
from evalkit.reports.large import WorstRows
from evalkit.reports.page import Page
from evalkit.runs.build import make_run
from evalkit.runs.compare import scored_model
from evalkit.runs.record import Rows, Run, TaskResult
from evalkit.runs.store import stored_rows
from evalkit.session.plan import Selection
from evalkit.session.session import EvalSession

_WRITTEN = {"markdown": "latest.md", "json": "latest.json", "jsonl": "latest.jsonl"}
"""Reports that every judged run leaves in the reports folder, and the files they are written to."""

_NOTHING = baselines.BaselineOptions()


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is stored, and what it means for whoever waits for an exit code.

    ``trouble`` says what could not be written, its reports or a baseline, and why; that is red too.
    """

    run: Run
    rows: Rows
    written: tuple[Path, ...]
    exit_code: int
    trouble: str = ""


def finish(
    session: EvalSession,
    selection: Selection,
    command: str,
    outcomes: Mapping[str, int],
    wanted: baselines.BaselineOptions = _NOTHING,
) -> FinishedRun:
    """Judges and stores a session, and does what is ``wanted`` about baselines.

    Raises HarnessError where what broke the session leaves nothing to judge, SetupError where a baseline that it is
    to be compared with can't be read.
    """
    judged = session.judge_selection(selection)
    if wanted.compare is not None:
        judged = [replace(task, regression=_regression(session, task, wanted)) for task in judged]
    run = make_run(session.identity, judged, command, outcomes)
    worst = WorstRows(run)
    session.runs.save(run, worst.watched(row for task in run.tasks for row in session.rows(task.task)))
    rows = stored_rows(session.config.store, run.id)
    written: list[Path] = []
    trouble: list[str] = []
    if any(task.whole or task.relations for task in judged):
        try:
            written += write(run, *worst.for_reports(rows), session.config.root / session.config.reports)
        except OSError as error:
            trouble.append(f"the reports can't be written: {error}. The run is stored.")
    if wanted.save is not None:
        saved, problems = _save_baselines(session, run, wanted.save)
        written += saved
        trouble += problems
    return FinishedRun(
        run, rows, tuple(written), 1 if trouble else exit_code(judged, session.config), "\n".join(trouble)
    )


def _tested(session: EvalSession, task: str) -> str:
    """The one model that is tested on ``task``: a baseline is about one."""
    return session.participants.backends(session.task(task))[0]


def _save_baselines(session: EvalSession, run: Run, name: str) -> tuple[list[Path], list[str]]:
    """Saves what was scored on each task as the baseline called ``name``: the files, and what went wrong."""
    written, trouble = [], []
    for task in run.tasks:
        path = baselines.place(session.golden, task.task, name)
        try:
            model = scored_model(task, _tested(session, task.task), session.rows(task.task))
            baselines.write(path, baselines.take(name, model, run.created))
            written.append(path)
        except SetupError as error:
            trouble.append(str(error))
        except OSError as error:
            trouble.append(f"the baseline can't be written: {error}. The run is stored.")
    return written, trouble


def _regression(session: EvalSession, judged: TaskResult, wanted: baselines.BaselineOptions) -> Regression:
    then = baselines.find(session.golden, judged.task, wanted.compare or "")
    hypotheses, margin = session.task(judged.task).hypotheses, session.config.baseline_margin
    model = scored_model(judged, _tested(session, judged.task), session.rows(judged.task))
    return compare(then, model, hypotheses, margin, wanted.strict)


def exit_code(judged: list[TaskResult], config: Config) -> int:
    """``code_of`` every verdict and regression; 1 where a model that was asked for left examples unanswered,
    or one that the task declares was not asked."""
    # A rival that died has no verdict of its own, and what it left open must not pass for a comparison.
    asked_for = (run for task in judged for run in task.model_runs if run.participant.role != "floor")
    if any(task.problem for task in judged) or any(run.unanswered for run in asked_for):
        return 1
    if any(verdict.is_red for task in judged for verdict in task.verdicts):
        return 1
    verdicts = [(verdict.status, verdict.open) for task in judged for verdict in task.verdicts]
    regressions = [(task.regression.status, task.regression.open) for task in judged if task.regression is not None]
    lineages = [(task.lineage.status, task.lineage.open) for task in judged if task.lineage is not None]
    return code_of([*verdicts, *regressions, *lineages], config)


def code_of(results: Iterable[tuple[str | None, Iterable[str]]], config: Config) -> int:
    """1 when anything is blocked; else what that which was left open is set to be; 0 where there is none.

    ``results`` has the status of each verdict, regression or lineage (at hand or stored), and the kinds left open.
    What declares nothing, or has no status, decides nothing.
    """
    decisions = list(results)
    if any(status == Status.BLOCK for status, _ in decisions):
        return 1
    return config.code_of_open(kind for _, kinds in decisions for kind in kinds)


def write(run: Run, rows: Rows, page: Page, folder: Path) -> tuple[Path, ...]:
    """Writes a run's reports into ``folder``, each whole or not at all, and piece by piece. ``page`` says what of a
    large run is not in ``rows``."""
    paths = []
    for name, file in _WRITTEN.items():
        path = folder / file
        # A lone surrogate (a broken answer quoted in a reason) has no UTF-8; as an escape it is still valid JSON.
        write_atomically(path, find("reports", name).render(run, rows, page), errors="backslashreplace")
        paths.append(path)
    return tuple(paths)
