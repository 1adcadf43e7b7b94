"""One score over the stored runs: how it was with every model and state of the data, the oldest run first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evalkit.errors import ConfigError, UnknownName
from evalkit.runs.record import ModelRun, Role, Run, TaskResult
from evalkit.stats.intervals import Estimate


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """What one run says of one model by one score.

    ``model`` is the fingerprint of the model, ``data`` the checksum of the task: where they change, so does what the
    figure is about.
    """

    run: str
    created: str
    backend: str
    split: str
    score: str
    model: str
    data: str
    rate: Estimate


@dataclass(frozen=True, slots=True)
class History:
    """The looks at one task by one score, the oldest first, and how many runs of a part of a split are left out."""

    task: str
    score: str
    looks: tuple[HistoryPoint, ...]
    parts: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What is kept of one model in one run: the names that a header lists of a large run are not."""

    run: str
    created: str
    split: str
    checksum: str
    primary: str
    name: str
    role: Role
    fingerprint: str
    complete: bool
    rates: Mapping[str, Estimate]


def _look(run: Run, task: TaskResult, model_run: ModelRun) -> _Look:
    participant = model_run.participant
    return _Look(
        run.id, run.created, task.split, task.checksum, task.primary, participant.name, participant.role,
        participant.fingerprint, model_run.complete, model_run.rates.get(task.split, {}),
    )  # fmt: skip


def history(runs: Iterable[Run], task: str, score: str | None = None, backend: str | None = None) -> History:
    """Collects from ``runs``, the oldest first: of every model that was tested, or of ``backend``, whatever it was.

    ``score`` is the primary one of the latest run, where it is None. Raises UnknownName where no run knows the task,
    the backend or the score, ConfigError where all that there is were runs of a part.
    """
    names: set[str] = set()
    looks: list[_Look] = []
    for run in runs:
        names.update(result.task for result in run.tasks)
        looks += [
            _look(run, result, model_run)
            for result in run.tasks
            if result.task == task
            for model_run in result.model_runs
        ]
    if not looks:
        raise UnknownName("task of the stored runs", task, names)
    roles = {look.name: look.role for look in looks}
    if backend is not None and backend not in roles:
        raise UnknownName(f"backend of the stored runs of {task}", backend, roles)
    score = score or looks[-1].primary
    wanted = [look for look in looks if (look.name == backend if backend else look.role == "backend")]
    whole = [look for look in wanted if look.complete]
    if not whole:
        parts = f"all {len(wanted)} stored runs were" if len(wanted) != 1 else "the only stored run was"
        raise ConfigError(f"{task}: {parts} of a part of its split")
    scores = {name for look in whole for name in look.rates}
    if score not in scores:
        raise UnknownName(f"score of the stored runs of {task}", score, scores)
    return History(task, score, tuple(_points(whole, score)), len(wanted) - len(whole))


def _points(looks: Iterable[_Look], score: str) -> Iterator[HistoryPoint]:
    for look in looks:
        if (rate := look.rates.get(score)) is not None:
            yield HistoryPoint(
                look.run, look.created, look.name, look.split, score, look.fingerprint, look.checksum, rate
            )
