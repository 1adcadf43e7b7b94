"""What a model scored in a stored run, example by example, and what two runs can be compared on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.errors import ConfigError, UnknownName
from evalkit.judging.baseline import ScoredExample, ScoredModel
from evalkit.runs.record import Row, Run, TaskResult


def scored_model(task: TaskResult, backend: str, rows: Iterable[Row]) -> ScoredModel:
    """What ``backend`` scored on ``task``, by the task's ``rows``. Raises UnknownName where it is not in the run."""
    model_runs = {model_run.name: model_run for model_run in task.model_runs}
    if backend not in model_runs:
        raise UnknownName(f"backend of this run on {task.task}", backend, model_runs)
    asked_of_any, asked_of_model, examples = set(), set(), {}
    for row in rows:
        if not row.keys:
            continue
        asked_of_any.add(row.example)
        if row.model != backend:
            continue
        asked_of_model.add(row.example)
        if row.scores:
            scores = {name: score.value for name, score in row.scores.items()}
            examples[row.example] = ScoredExample(row.split, row.group, scores)
    return ScoredModel(
        task=task.task,
        split=task.split,
        backend=backend,
        checksum=task.checksum,
        primary=task.primary,
        selected=model_runs[backend].selected,
        judged=task.examples,
        examples=examples,
        examples_asked=frozenset(asked_of_model),
        examples_of_run=frozenset(asked_of_any),
        failed=model_runs[backend].failed,
        unanswered=tuple(model_runs[backend].unanswered),
    )


def in_both(before: Run, after: Run, backends: Sequence[str]) -> list[tuple[TaskResult, str, TaskResult, str]]:
    """What two stored runs can be compared on: ``(task before, model before, task after, model after)``.

    ``backends`` names a model that is in both, or one of each run; without it, every model that both have, but floors
    and those that were asked only in turn. Raises UnknownName for a model that a run does not have, ConfigError where
    there is nothing in both.
    """
    if len(backends) > 2:
        raise ConfigError(f"--backend: got {', '.join(backends)}, expected one model, or one of each run")
    pair = (*backends, *backends)[:2]  # one name stands for both sides
    for run, name in zip((before, after), pair, strict=False):
        names = {model_run.name for task in run.tasks for model_run in task.model_runs}
        if name not in names:
            raise UnknownName(f"backend of run {run.id}", name, names)
    earlier = {task.task: task for task in before.tasks}
    both = [
        (earlier[task.task], first, task, second)
        for task in after.tasks
        if task.task in earlier
        for first, second in _models(earlier[task.task], task, pair)
    ]
    if not both:
        raise ConfigError(f"runs {before.id} and {after.id} have no task with a model in both")
    return both


def _models(before: TaskResult, after: TaskResult, pair: tuple[str, ...]) -> list[tuple[str, str]]:
    earlier, later = (
        {model_run.name: model_run.participant.role for model_run in task.model_runs} for task in (before, after)
    )
    if pair:
        return [(pair[0], pair[1])] if pair[0] in earlier and pair[1] in later else []
    partly = {item.model for task in (before, after) for item in task.in_turn}
    return [(name, name) for name, role in later.items() if role != "floor" and name in earlier and name not in partly]
