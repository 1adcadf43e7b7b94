"""Scores the stored answers of a run again, by its tasks as they stand now; no model is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from evalkit._internal.counts import abbreviate, counted
from evalkit.errors import FrozenError, UnknownName
from evalkit.golden import freeze as frozen
from evalkit.golden.loader import find_tasks, load_task
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import perturbed_examples
from evalkit.judging.book import AnswerBook, ReadStored
from evalkit.models.cache import Store
from evalkit.models.config import Config
from evalkit.models.request import Asking, render
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.build import judge_task, make_run, unchanged_adapters
from evalkit.runs.looks_taken import LookTaker
from evalkit.runs.model_run import scored_examples
from evalkit.runs.record import Participation, Row, Rows, Run
from evalkit.runs.requests import TaskRequest, load_requests
from evalkit.runs.rows import rows_of
from evalkit.runs.store import RunStore


@dataclass(frozen=True, slots=True)
class Rescored:
    """A run that was scored again, its rows, and warnings about what its figures rest on."""

    run: Run
    rows: Rows
    warnings: tuple[str, ...]


def rescore(config: Config, store: Store, runs: RunStore, name: str) -> Rescored:
    """The run called ``name`` anew, whatever evalkit stored it. Raises SetupError where one of its tasks is gone.

    It is a look as any other: where the task declares something else by now, a new one.
    """
    table = runs.table(name)
    identity = f"{table['id']}-rescored"
    looks = LookTaker(config.store, identity)
    asked_tasks, results = [], []
    warnings: list[str] = []
    for request in load_requests(table, lambda *only: runs.rows(table["id"], *only)):
        task = reload_task(config, request.task)
        parts = request.participations
        try:
            whether = frozen.verify(task.folder, task.splits)
        except FrozenError:
            whether = False  # it is scored as it stands now, and the report says so
        book = AnswerBook(task, askable(task, request.split), store.get, store.unreadable)
        for part in parts:
            book.earlier.update(part.earlier)
        warnings += _other_prompts(config, task, request.split, parts, store.get)
        turns = _turns(task, request)
        asked_task = AskedTask(
            task, request.split, parts, book, config.baseline_margin, whether, request.lineage, turns,
            request.absent,
        )  # fmt: skip
        looks.take(asked_task)
        asked_tasks.append(looks.numbered(asked_task))
        result = judge_task(asked_tasks[-1], tuple(unchanged_adapters(parts, book)))
        results.append(looks.settle(result, asked_tasks[-1]) if result.verdicts else result)
    run = make_run(identity, results, table["command"], table["outcomes"])

    def rows(task: str | None = None, model: str | None = None, /) -> Iterator[Row]:
        for asked in asked_tasks:
            if task in (None, asked.task.name):
                yield from (row for row in rows_of(asked) if model in (None, row.model))

    return Rescored(run, rows, tuple(warnings))


def _turns(task: Task, request: TaskRequest) -> dict[str, list[str]]:
    """Who was asked in turn, with those of its examples that the task still has."""
    examples = {example.id for example in task.splits.get(request.split, ())}
    return {
        part.name: [name for name in part.keys if name in examples]
        for part in request.participations
        if part.name in request.in_turn
    }


def askable(task: Task, split: str) -> dict[str, Example]:
    """The examples that a run may have asked, and the perturbed forms of those that it judged, by id."""
    changed = {name: perturbed.example for name, perturbed in perturbed_examples(task, split).items()}
    return {**scored_examples(task, split), **changed}


def _other_prompts(
    config: Config, task: Task, split: str, parts: Sequence[Participation], read: ReadStored
) -> Iterator[str]:
    """Whose stored answer was given to another prompt than the task asks now: its score may mean nothing."""
    examples = askable(task, split)
    asking = {name: alias.asking for name, alias in config.aliases.items()}
    moved: set[str] = set()
    for part in parts:
        how = asking.get(part.name, Asking())
        first = ((name, part.attempts(last)[0]) for name, (last, *_) in part.keys.items() if name in examples)
        while some := dict(islice(first, _AT_ONCE)):
            stored = read(some.values())
            moved |= {
                name
                for name, key in some.items()
                if key in stored and stored[key].request.messages != render(task, examples[name], how).messages
            }
    if moved:
        count = counted(len(moved), "example")
        since = "they were" if len(moved) != 1 else "it was"
        yield f"{task.name}: the prompt of {count} has changed since {since} answered: {abbreviate(sorted(moved))}"


_AT_ONCE = 1_000
"""So many stored answers are held while their prompts are compared."""


def reload_task(config: Config, name: str) -> Task:
    """The task as it stands now, whether or not it is what was frozen. Raises UnknownName where it is gone."""
    folders = find_tasks(config.root / config.golden)
    if name not in folders:
        raise UnknownName("task", name, folders, "The run was made when there was one of that name.")
    return load_task(folders[name], verify=False)
