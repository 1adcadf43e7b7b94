"""The tables of a report, shared by its formats: which rows there are, and what stands in each cell.

Nothing is computed here; a stored run is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.recommendation import Recommendation
from evalkit.judging.relation_check import Rate
from evalkit.models.latency import MEMORY, P50, P95, SPEED
from evalkit.reports.figures import figure, plain, rate, signed
from evalkit.runs.model_run import COST
from evalkit.runs.record import ModelRun, TaskResult
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import Paired

Rates = Mapping[str, Estimate]
"""By score."""


Row = tuple[str, Sequence[str]]
"""A row of a table: its name, and a cell for each model."""


def shown(task: TaskResult) -> list[ModelRun]:
    """The models that have figures: backends, then those compared with, then floors."""
    return [model_run for model_run in task.model_runs if model_run.participant.problem is None and model_run.rates]


def tested(task: TaskResult) -> list[ModelRun]:
    """Of those that have figures the tested ones."""
    return [model_run for model_run in shown(task) if model_run.participant.role == "backend"]


def columns(task: TaskResult, names: Iterable[str]) -> list[str]:
    """The heads of the columns of these models: their names, marked where nothing held one to its schema."""
    ignored = {model_run.name for model_run in task.model_runs if model_run.not_obeyed is not None}
    return [f"{name} (schema not obeyed)" if name in ignored else name for name in names]


def scores(task: TaskResult, models: Sequence[ModelRun]) -> Iterator[tuple[str, str, str]]:
    """The rates of a task's table: a row's name, and the split and the score that it is about."""
    for split in dict.fromkeys(name for model_run in models for name in model_run.rates):
        present = [model_run.rates.get(split, {}) for model_run in models]
        count = _most(present, "strict")
        for score in _shown_scores(task, split, present):
            label = _label(task, score, present)
            yield label if split == task.split else f"{split} (n={count}): {label}", split, score


def cell(task: TaskResult, model_run: ModelRun, split: str, score: str) -> str:
    """A rate with its interval, and on how many examples it rests where these are fewer than the judged split has."""
    rates = model_run.rates.get(split, {})
    return rate(rates.get(score)) + _of_fewer(rates.get(score), task, split)


def rows(task: TaskResult) -> Iterator[Row]:
    """The rows of a task's table: a name, and a cell for each of ``shown``."""
    models = shown(task)
    for name, split, score in scores(task, models):
        yield name, [cell(task, model_run, split, score) for model_run in models]
    for name in dict.fromkeys(name for model_run in models for name in model_run.measurements):
        yield name, [figure(model_run.measurements.get(name)) for model_run in models]


def related(task: TaskResult) -> list[str]:
    """The models on which relations were tried."""
    return list(dict.fromkeys(item.backend for item in task.relations))


def relation_rows(task: TaskResult) -> Iterator[Row]:
    """How often each relation holds: its name, and a cell for each of ``related``."""
    rates = {(item.relation, item.backend): item for item in task.relations}
    for name in dict.fromkeys(name for name, _ in rates):
        yield name, [_held(rates.get((name, backend))) for backend in related(task)]


def _held(relation_rate: Rate | None) -> str:
    if relation_rate is None:
        return "-"
    left = f", {len(relation_rate.unanswered)} unanswered" if relation_rate.unanswered else ""
    return f"{rate(relation_rate.rate)} (n={relation_rate.rate.n}{left})"


def relations_heading(task: TaskResult) -> str:
    what = "how often a changed input gets the answer that the unchanged one foretells"
    return f"{task.task}, {what} (in %, 95 % intervals)"


def _of_fewer(estimate: Estimate | None, task: TaskResult, split: str) -> str:
    """On how many examples a rate rests, of a model that was asked in turn."""
    if split != task.split or not task.in_turn:
        return ""
    most = _most([model_run.rates.get(split, {}) for model_run in shown(task)], "strict")
    fewer = estimate is not None and 0 < estimate.n < most
    return f" (n={estimate.n})" if fewer and estimate else ""


def _label(task: TaskResult, score: str, present: Sequence[Rates]) -> str:
    """What a row is called. A score that is asked of some examples only says of how many."""
    count = _most(present, score)
    rests = f" (n={count})" if count < _most(present, "strict") else ""
    return score + rests + (" *" if score == task.primary else "")


def _most(present: Sequence[Rates], score: str) -> int:
    return max(int(rates[score].n) for rates in present if score in rates)


def _shown_scores(task: TaskResult, split: str, present: Sequence[Rates]) -> list[str]:
    """Every score of the judged split; beside it only the format, and the primary score or what stands in its place."""
    scores = list(dict.fromkeys(name for rates in present for name in rates))
    if split == task.split:
        return scores
    fields = [name for name in scores if name not in ("strict", "extractable")]
    return ["strict", *([task.primary] if task.primary in fields else fields)]


def rivals(task: TaskResult) -> list[Recommendation]:
    """Each tested model beside a rival, where there is more to weigh than the table of scores shows: two rivals at
    least, a pair of which nothing is declared, or a cost or a time."""
    recommendations = list(task.rivals)
    weighed = {*_WEIGHED} & {name for model_run in task.model_runs for name in model_run.measurements}
    undeclared = any(not is_declared(task, item) for item in recommendations)
    return recommendations if len(recommendations) > 1 or undeclared or weighed else []


def is_declared(task: TaskResult, pair: Recommendation) -> bool:
    """Whether the task declares anything of the two."""
    return any(
        item.declared and (item.candidate, item.against) == (pair.candidate, pair.against) for item in task.comparisons
    )


_WEIGHED = {
    COST: "not stated",
    P50: "not probed",
    P95: "not probed",
    SPEED: "-",
    MEMORY: "-",
}
"""What is weighed beside the scores, by the names that the measurements have; and what stands where there is none."""


def rival_tables(task: TaskResult) -> Iterator[tuple[str, Sequence[str], Sequence[Row]]]:
    """For each tested model its name, the columns and the rows of the table that puts it beside its rivals."""
    recommendations = rivals(task)
    for candidate in dict.fromkeys(item.candidate for item in recommendations):
        of_candidate = [item for item in recommendations if item.candidate == candidate]
        names = [candidate, *(item.against for item in of_candidate)]
        marks = ["", *("" if is_declared(task, item) else " (undeclared)" for item in of_candidate)]
        labels = [name + mark for name, mark in zip(names, marks, strict=True)]
        yield candidate, labels, list(_rival_rows(task, of_candidate, names))


def _rival_rows(task: TaskResult, recommendations: Sequence[Recommendation], names: Sequence[str]) -> Iterator[Row]:
    by_name = {model_run.participant.name: model_run for model_run in task.model_runs}
    first, *others = rates = [by_name[name].rates.get(task.split, {}) for name in names]
    for score in dict.fromkeys(score for item in recommendations for score in item.fields):
        beside = (_beside(item, score, theirs) for item, theirs in zip(recommendations, others, strict=True))
        yield _label(task, score, rates), [rate(first.get(score)), *beside]
    measurements = [by_name[name].measurements for name in names]
    for row in _WEIGHED:
        if any(row in of_model for of_model in measurements):
            yield row, [figure(of_model[row]) if row in of_model else _WEIGHED[row] for of_model in measurements]


def rivals_heading(candidate: str) -> str:
    """What the table of ``rival_tables`` shows."""
    return f"{candidate} beside its rivals: rates in %; in brackets by how many points {candidate} is better"


def _beside(recommendation: Recommendation, score: str, rates: Rates) -> str:
    """A rival's rate, and how far the candidate is from it."""
    field = recommendation.fields.get(score)
    if field is None:
        return "-"
    apart = signed(field.difference).replace(" points", "")
    count = f", n={field.difference.n}" if recommendation.in_turn else ""
    return f"{rate(rates.get(score)).partition(' ')[0]} ({apart}{count}, {field.standing})"


def references(task: TaskResult) -> Iterator[Row]:
    """A row for every pair and score: the pair, then its size on other scales and the p of other tests."""
    pairs = {(item.candidate, item.against, item.score): item for item in task.comparisons}
    for comparison in pairs.values():  # a pair may be declared twice, as a win and as no loss
        effects = comparison.paired.effects
        sizes = (effects.cohen_d_z, effects.cohen_d_pooled, effects.rank_biserial, effects.odds_ratio)
        tests = (effects.mcnemar_p, effects.wilcoxon_p, effects.t_p)
        yield (
            f"{comparison.candidate} against {comparison.against} on {comparison.score}",
            [*map(plain, sizes), *("-" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.4f}" for p in tests)],
        )


def rungs(task: TaskResult) -> list[str]:
    """The rungs of a lineage's table, first to last; none without a lineage."""
    lineage = task.lineage
    return list(lineage.rungs) if lineage else []


def lineage_rows(task: TaskResult) -> Iterator[Row]:
    """A row for each score and measurement: the figure on each rung, and how it changed from the rung's parent."""
    if task.lineage is None:
        return
    names, missing = rungs(task), task.lineage.missing
    model_runs = {model_run.name: model_run for model_run in task.model_runs if model_run.name not in missing}
    steps = {step.rung: step for step in task.lineage.steps}
    changes = {
        name: {item.score: item.paired for item in step.comparisons if item.against == step.against and not item.slice}
        for name, step in steps.items()
    }
    yield (
        "from",
        ["(not run)" if name in missing else f"({steps[name].against})" if name in steps else "" for name in names],
    )
    rates = [model_runs[name].rates.get(task.split, {}) if name in model_runs else {} for name in names]
    for score in dict.fromkeys(score for of_rung in rates for score in of_rung):
        yield (
            _label(task, score, rates),
            [
                _changed(of_rung.get(score), changes.get(name, {}).get(score))
                for name, of_rung in zip(names, rates, strict=True)
            ],
        )
    measurements = [model_runs[name].measurements if name in model_runs else {} for name in names]
    for row in dict.fromkeys(row for of_rung in measurements for row in of_rung):
        yield (
            row,
            [
                figure(of_rung.get(row)) + _moved(steps[name].measured.get(row) if name in steps else None)
                for name, of_rung in zip(names, measurements, strict=True)
            ],
        )
    for row, pairs in (
        ("same answers as its parent", {name: step.agreement for name, step in steps.items()}),
        ("same answers when asked again", task.lineage.noise),
    ):
        agreements = [pairs.get(name) for name in names]
        yield row, [f"{pair.same_text}/{pair.n}" if pair and pair.n else "-" for pair in agreements]


def _moved(change: MeasurementChange | None) -> str:
    """How a measurement changed from its parent's, on the examples that both answered readably.

    >>> _moved(MeasurementChange(Estimate(0.5, None, None, 8), Estimate(0.75, None, None, 8), None))
    ' (+0.25)'
    """
    if change is None or change.before.value is None or change.after.value is None:
        return ""
    return f" ({change.after.value - change.before.value:+.2f})"


def _changed(estimate: Estimate | None, paired: Paired | None) -> str:
    """A rate, and how it changed: points, examples that got worse and better.

    >>> from evalkit.stats.paired import paired
    >>> before, after = [1, 1, 1, 0], [0, 0, 1, 1]
    >>> _changed(Estimate(0.5, 0.15, 0.85, 4), paired(after, before, ["a", "b", "c", "d"]))
    '50.0 (-25.0; 2 worse, 1 better)'
    """
    if estimate is None or estimate.value is None:
        return "-"
    shown_rate = f"{estimate.value * 100:.1f}"
    if paired is None or paired.difference.value is None:
        return shown_rate
    flips = f"{paired.losses} worse, {paired.wins} better" if paired.losses or paired.wins else "no flip"
    return f"{shown_rate} ({paired.difference.value * 100:+.1f}; {flips})"


REFERENCES = ("d_z", "pooled d", "rank-biserial", "odds ratio", "McNemar p", "Wilcoxon p", "paired t p")
"""The columns of ``references`` after the first; the p are two-sided."""
