"""Two models of stored runs beside each other, example by example: what one has right and the other has not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from evalkit.errors import ConfigError, UnknownName
from evalkit.runs.record import Row, Run
from evalkit.runs.store import RunStore

Direction = Literal["lost", "gained", "same"]


@dataclass(frozen=True, slots=True)
class Side:
    """One model of one run."""

    run: Run
    model: str

    @property
    def label(self) -> str:
        return f"{self.model} ({self.run.id})"


@dataclass(frozen=True, slots=True)
class Pair:
    """The answers of two models to one example. It is ``lost`` where the second scores less, ``gained`` where more."""

    first: Row
    second: Row
    score: str
    direction: Direction


def side(store: RunStore, name: str) -> Side:
    """The model that ``name`` is: a model of the latest run, or the one that a run tested (an id, its beginning,
    "latest"). Raises UnknownName, and ConfigError where a run tested several."""
    latest = store.run("latest")
    models = {one.name for task in latest.tasks for one in task.model_runs}
    if name in models:
        return Side(latest, name)
    try:
        run = store.run(name)
    except UnknownName as error:
        raise UnknownName("run, or model of the latest run", name, {*models, *store.ids()[-10:]}) from error
    tested = {one.name for task in run.tasks for one in task.model_runs if one.participant.role == "backend"}
    if len(tested) != 1:
        raise ConfigError(
            f"run {run.id} tested {', '.join(sorted(tested))}: name one of the latest run's models instead"
        )
    return Side(run, tested.pop())


def pairs(store: RunStore, before: Side, after: Side, score: str = "") -> Iterator[Pair]:
    """The examples that both answered, in both of their tasks, by ``score`` (each task's primary one without it).

    Raises ConfigError where they share none, UnknownName for a score that no example has."""
    scores: set[str] = set()
    shared = False
    for task in before.run.tasks:
        if all(task.task != other.task for other in after.run.tasks):
            continue
        first = {row.example: row for row in store.rows(before.run.id, task.task, before.model) if not row.of}
        for row in store.rows(after.run.id, task.task, after.model):
            if (other := first.get(row.example)) is not None:
                shared = True
                scores.update(row.scores)
                if (pair := _pair(other, row, score or task.primary)) is not None:
                    yield pair
    if not shared:
        raise ConfigError(f"{before.label} and {after.label} have answered no example in common")
    if score and score not in scores:
        raise UnknownName("score of these runs", score, scores)


def _pair(first: Row, second: Row, score: str) -> Pair | None:
    then, now = first.scores.get(score), second.scores.get(score)
    if then is None or now is None:
        return None
    apart = now.value - then.value
    return Pair(first, second, score, "lost" if apart < 0 else "gained" if apart > 0 else "same")
