"""Ends a session: judges what was selected, stores the run, writes its reports, says with what exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from evalkit.config import Config
from evalkit.gates import Status
from evalkit.runs import Judged, make_run
from evalkit.session import Selection, Session

_WRITTEN = {"markdown": "latest.md", "json": "latest.json"}
"""Reports that every judged run leaves in the reports folder, and the files they are written to."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A run that is stored, and what it means for whoever waits for an exit code.

    ``trouble`` says why its reports could not be written; that is red too.
    """

    run: Mapping[str, Any]
    written: tuple[Path, ...]
    exit_code: int
    trouble: str = ""


def conclude(session: Session, selection: Selection, command: str, outcomes: Mapping[str, int]) -> Conclusion:
    """Judges and stores a session. Raises HarnessError where what broke it leaves nothing to judge."""
    judged = session.judge_selection(selection)
    run = make_run(session.identity, judged, command, outcomes)
    session.store.save_run(run)
    if not any(task.verdicts for task in judged):
        return Conclusion(run, (), exit_code(judged, session.config))
    try:
        written = write(run, session.config.root / session.config.reports)
    except OSError as error:
        return Conclusion(run, (), 1, f"the reports can't be written: {error}. The run is stored.")
    return Conclusion(run, written, exit_code(judged, session.config))


def exit_code(judged: list[Judged], config: Config) -> int:
    """0 when everything ships; 1 when anything is blocked or a model that was asked for left examples unanswered;
    else what the hypotheses that were left open are set to be."""
    verdicts = [verdict for task in judged for verdict in task.verdicts]
    # A rival that died has no verdict of its own, and what it left open must not pass for a comparison.
    died = any(column.unanswered for task in judged for column in task.columns if column.entrant.role != "floor")
    if died or any(verdict.status is Status.BLOCK for verdict in verdicts):
        return 1
    return config.code_of_open(kind for verdict in verdicts for kind in verdict.open)


def write(run: Mapping[str, Any], folder: Path) -> tuple[Path, ...]:
    """Writes a run's reports into ``folder``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, file in _WRITTEN.items():
        path = folder / file
        whole = path.with_name(f".{file}.part")
        text = import_module(f"evalkit.reports.{name}").render(run)
        # A lone surrogate (a broken answer quoted in a reason) has no UTF-8; as an escape it is still valid JSON.
        whole.write_text(text, encoding="utf-8", errors="backslashreplace")
        whole.replace(path)
        paths.append(path)
    return tuple(paths)
