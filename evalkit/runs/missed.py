"""The examples of a run that a model got wrong, by one score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.errors import UnknownName
from evalkit.runs.record import Row, Rows, Run, TaskResult


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which misses are asked for. Empty is all: every task, every tested model, any tag; by the primary score."""

    task: str = ""
    backend: str = ""
    score: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """An example that ``row.model`` got wrong in ``score``."""

    row: Row
    score: str


def missed(run: Run, rows: Rows, wanted: Wanted = Wanted()) -> Iterator[Missed]:
    """The misses of the judged split and of the must-pass examples, as they were stored. Raises UnknownName for a task,
    model, score or tag that the run does not have."""
    tasks = {task.task: task for task in run.tasks}
    _need("task of this run", wanted.task, tasks)
    chosen = [task for name, task in tasks.items() if wanted.task in ("", name)]
    _need("backend of this run", wanted.backend, {one.name for task in chosen for one in task.model_runs})
    _need("score of this run", wanted.score, {score for task in chosen for score in _scores(task)})
    tags: set[str] = set()
    for task in chosen:
        for model in task.model_runs:
            if model.name == wanted.backend or (not wanted.backend and model.participant.role == "backend"):
                for row in rows(task.task, model.name):
                    tags.update(row.tags)
                    if wanted.tag in ("", *row.tags) and (score := _miss(row, wanted.score or task.primary)):
                        yield Missed(row, score)
    _need("tag of this run", wanted.tag, tags)


def _miss(row: Row, score: str) -> str:
    """By which score ``row`` is missed, if it is: an error object has no other than its own."""
    if row.of or not row.scores:
        return ""
    name = score if score in row.scores else next((each for each in row.scores if each not in _WHOLE), "strict")
    return name if row.scores[name].value < 1 else ""


_WHOLE = ("strict", "extractable")


def _scores(task: TaskResult) -> set[str]:
    return {score for one in task.model_runs for rates in one.rates.values() for score in rates}


def _need(kind: str, name: str, known: object) -> None:
    names = sorted(known)  # type: ignore[call-overload]
    if name and name not in names:
        raise UnknownName(kind, name, names)
