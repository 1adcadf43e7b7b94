"""What the short report of a run has: what each model's verdict rests on, one table, and a few misses.

Nothing is computed here; a stored run is read. The best floor of a score is the largest of the floors' rates.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit._internal.counts import counted, named, verb
from evalkit.judging import wording
from evalkit.judging.verdict import Verdict
from evalkit.reports import notes, view, weak_spots
from evalkit.reports.figures import figure, rate
from evalkit.reports.fitted import SIDE
from evalkit.runs.record import ModelRun, Row, Rows, TaskResult
from evalkit.stats.intervals import Estimate

MOST_MISSES = 3
"""So many misses of each task stand in a short report."""

MOST_KINDS = 3
"""So many of the weakest kinds of input."""

MOST_MODELS = 6
"""So many tested models have a column of their own."""

BELOW = "<"
"""Marks a figure that is not above the best floor's."""

LEGEND = f"Rates in % [95 %], * primary, {BELOW} not above a floor"

CEILING = "oracle"


@dataclass(frozen=True, slots=True)
class Standing:
    """One tested model: its status and the figure that decides, and what that rests on, a sentence each."""

    status: str
    line: str
    reasons: tuple[str, ...]


def standings(task: TaskResult) -> Iterator[Standing]:
    """A standing for each tested model that has a verdict."""
    for model in view.tested(task):
        if (verdict := task.verdict(model.name)) is not None:
            decision = f", {verdict.decision}" if model.participant.parent else ""
            line = f"{task.task} · {model.name}: {verdict.status}{decision}. {_primary(task, model)}"
            yield Standing(verdict.status, line, tuple(_reasons(verdict)))


def _reasons(verdict: Verdict) -> Iterator[str]:
    yield from dict.fromkeys(map(wording.brief, verdict.reasons))


def _primary(task: TaskResult, model: ModelRun) -> str:
    """The primary score beside those of the rivals and of the best floor."""
    parts = [f"{task.primary} {view.cell(task, model, task.split, task.primary)}"]
    parts += [f"{rival.name} {_value(task, rival, task.split, task.primary)}" for rival in _rivals(task)]
    best = best_floor(task, task.split, task.primary)
    return ", ".join([*parts, *([f"best floor {best}"] if best != "-" else [])])


def _rivals(task: TaskResult) -> list[ModelRun]:
    return [one for one in view.shown(task) if one.participant.role == "against"]


def _value_of(estimate: Estimate) -> str:
    return rate(estimate).partition(" ")[0]


def _value(task: TaskResult, model: ModelRun, split: str, score: str) -> str:
    return view.cell(task, model, split, score).partition(" ")[0]


def best_floor(task: TaskResult, split: str, score: str) -> str:
    """The best that a floor has of ``score``, and which one: "any" where all have the same."""
    rates = [
        (estimate.value, model.name)
        for model in view.shown(task)
        if model.participant.role == "floor" and model.name != CEILING
        for estimate in (model.rates.get(split, {}).get(score),)
        if estimate is not None and estimate.value is not None
    ]
    if not rates:
        return "-"
    value, name = max(rates, key=lambda one: one[0])
    return f"{value * 100:.1f} {'any' if len(rates) > 1 and len({one for one, _ in rates}) == 1 else name}"


def tested(task: TaskResult) -> list[str]:
    """The heads of the columns of the tested models."""
    return view.columns(task, (model.name for model in view.tested(task)[:MOST_MODELS]))


def columns(task: TaskResult) -> dict[str, str]:
    """The heads of the short table, with a style each: the tested models, those compared with, the best floor."""
    rivals = view.columns(task, (model.name for model in _rivals(task)))
    return {**dict.fromkeys(tested(task), ""), **dict.fromkeys(rivals, SIDE), "best floor": ""}


def rows(task: TaskResult) -> Iterator[view.Row]:
    """The rows of the short table: a score, and a cell for each of ``columns``."""
    models, rivals = view.tested(task)[:MOST_MODELS], _rivals(task)
    below = {(item.backend, item.score) for item in task.unbeaten}
    for name, split, score in view.scores(task, [*models, *rivals]):
        if score == "extractable" and _as_strict(task, [*models, *rivals]):
            continue
        cells = [
            view.cell(task, model, split, score)
            + (f" {BELOW}" if split == task.split and (model.name, score) in below else "")
            for model in models
        ]
        yield (
            name,
            [*cells, *(view.cell(task, model, split, score) for model in rivals), best_floor(task, split, score)],
        )


def measurements(task: TaskResult) -> Iterator[view.Row]:
    """What was measured of the tested models, over the answers that can be read: a name, and a cell for each."""
    models = view.tested(task)[:MOST_MODELS]
    for name in dict.fromkeys(name for model in models for name in model.measurements):
        yield name, [figure(model.measurements.get(name)) for model in models]


def _as_strict(task: TaskResult, models: Sequence[ModelRun]) -> bool:
    """Whether every answer that can be read is strict: extractable says nothing more then."""
    rates = [model.rates.get(task.split, {}) for model in models]
    return all(of_model.get("strict") == of_model.get("extractable") for of_model in rates)


def remarks(task: TaskResult) -> Iterator[str]:
    """What stands under the short table, a sentence each."""
    if (left := len(view.tested(task)) - MOST_MODELS) > 0:
        yield f"{counted(left, 'more tested model')}: -v shows all"
    for model in view.tested(task)[:MOST_MODELS]:
        for table in weak_spots.primary_slices(task, model):
            if weakest := table.slices[:MOST_KINDS]:
                kinds = ", ".join(f"{named(one.tag)} {_value_of(one.rate)} (n={one.rate.n})" for one in weakest)
                yield f"{model.name}, weakest kinds of input by {task.primary}: {kinds}"
        for item in weak_spots.primary_confusions(task, model):
            yield from filter(None, (wording.confusions(model.name, [item]),))
    yield from notes.warnings(task)
    if more := len(list(notes.details(task))):
        yield f"{counted(more, 'further note')}, every score by tag and what each field is taken for: -v"


@dataclass(frozen=True, slots=True)
class Misses:
    """What a tested model got wrong in the primary score: ``count`` examples, and the worst of them."""

    model: str
    count: int
    worst: tuple[Row, ...]


def misses(task: TaskResult, rows: Rows) -> Iterator[Misses]:
    """The misses of each tested model that has any: those that must pass first, then the lowest scores."""
    for model in view.tested(task)[:MOST_MODELS]:
        missed = (row for row in rows(task.task, model.name) if _is_miss(task, model, row))
        if found := _counted(missed, task.primary):
            yield Misses(model.name, *found)


def _is_miss(task: TaskResult, model: ModelRun, row: Row) -> bool:
    score = row.scores.get(task.primary)
    about = (row.task, row.model, row.split, row.of) == (task.task, model.name, task.split, "")
    return about and score is not None and score.value < 1


def _counted(missed: Iterable[Row], primary: str) -> tuple[int, tuple[Row, ...]] | None:
    """How many there are, and the worst of them; None where there is none. Few are held at a time."""
    count, worst = 0, list[Row]()
    for row in missed:
        count += 1
        worst = heapq.nsmallest(
            MOST_MISSES, [*worst, row], key=lambda row: (not row.must_pass, row.scores[primary].value, row.example)
        )
    return (count, tuple(worst)) if count else None


def misses_heading(missed: Misses) -> str:
    """Whose misses these are, and how many of how many."""
    shown = f"{len(missed.worst)} of " if len(missed.worst) < missed.count else ""
    return f"{shown}{missed.count:,} {verb(missed.count, 'miss', 'misses')} of {missed.model}"


MISS_COLUMNS = ("expected", "got", "input")
"""The columns of ``miss_rows`` after the first."""


def miss_rows(task: TaskResult, missed: Misses) -> Iterator[view.Row]:
    """A row for each of the worst misses: its example, what was expected, what came, and what was asked."""
    for row in missed.worst:
        yield row.example, [_field(row.expected, task.primary), _got(row, task.primary), _asked(row.input)]


def _field(table: Mapping[str, object] | None, score: str) -> str:
    return json.dumps(table[score], ensure_ascii=False) if table is not None and score in table else "-"


def _got(row: Row, score: str) -> str:
    """What the first sample has in the field; its defects where it has no object."""
    sample = row.samples[0] if row.samples else None
    if sample is None or sample.value is None:
        return ", ".join(sample.defects) if sample else "unanswered"
    return _field(sample.value, score)


def _asked(given: Mapping[str, object]) -> str:
    """The longest text of an input: what a person knows it by."""
    texts = [value for value in given.values() if isinstance(value, str)]
    return json.dumps(max(texts, key=len), ensure_ascii=False) if texts else json.dumps(dict(given), ensure_ascii=False)
