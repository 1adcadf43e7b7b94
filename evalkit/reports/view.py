"""The words of a report, shared by its formats: which rows a task's table has, and how a figure is spelled.

Nothing is computed here; a stored run is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit.judging import wording
from evalkit.judging.comparison import Comparison
from evalkit.judging.gates import kind_of
from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.recommendation import Recommendation
from evalkit.judging.regression import Regression
from evalkit.judging.relation_check import Rate
from evalkit.models.latency import MEMORY, P50, P95, SPEED
from evalkit.runs.model_run import COST
from evalkit.runs.record import ModelRun, TaskResult
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import Paired

Rates = Mapping[str, Estimate]
"""By score."""

Row = tuple[str, Sequence[str]]
"""A row of a table: its name, and a cell for each model."""


def rate(estimate: Estimate | None) -> str:
    """A rate with its 95 % interval, in percent.

    >>> rate(Estimate(0.75, 0.301, 0.954, 4))
    '75.0 [30.1, 95.4]'
    """
    if estimate is None or estimate.value is None:
        return "-"
    return f"{estimate.value * 100:.1f}" + _bounds(estimate, 100, ".1f")


def figure(estimate: Estimate | None) -> str:
    """A measurement with its interval and the number of answers it rests on.

    >>> figure(Estimate(2.5, 2.0, 3.125, 40))
    '2.50 [2.00, 3.12] (n=40)'
    >>> figure(Estimate(0.00312, 0.003, None, 30))
    '0.0031 [0.003, ?] (n=30)'
    """
    if estimate is None or estimate.value is None:
        return "-" if estimate is None else f"- (n={estimate.n})"
    spelled = ".2g" if 0 < abs(estimate.value) < _FINE else ".2f"
    return format(estimate.value, spelled) + _bounds(estimate, 1, spelled) + f" (n={estimate.n})"


_FINE = 0.02
"""Below this two decimals would say too little."""


def _bounds(estimate: Estimate, factor: int, spelled: str) -> str:
    bounds = [estimate.low, estimate.high]
    if bounds == [None, None]:
        return ""
    low, high = ("?" if bound is None else format(bound * factor, spelled) for bound in bounds)
    return f" [{low}, {high}]"


def shown(task: TaskResult) -> list[ModelRun]:
    """The models that have figures: backends, then those compared with, then floors."""
    return [model_run for model_run in task.model_runs if model_run.participant.problem is None and model_run.rates]


def rows(task: TaskResult) -> Iterator[Row]:
    """The rows of a task's table: a name, and a cell for each of ``shown``."""
    models = shown(task)
    for split in dict.fromkeys(name for model_run in models for name in model_run.rates):
        present = [model_run.rates.get(split, {}) for model_run in models]
        count = _most(present, "strict")
        for score in _shown_scores(task, split, present):
            label = _label(task, score, present)
            yield (
                label if split == task.split else f"{split} (n={count}): {label}",
                [rate(rates.get(score)) + _of_fewer(rates.get(score), count, task, split) for rates in present],
            )
    for name in dict.fromkeys(name for model_run in models for name in model_run.measurements):
        yield name, [figure(model_run.measurements.get(name)) for model_run in models]


def related(task: TaskResult) -> list[str]:
    """The models on which relations were tried."""
    return list(dict.fromkeys(one.backend for one in task.relations))


def relation_rows(task: TaskResult) -> Iterator[Row]:
    """How often each relation holds: its name, and a cell for each of ``related``."""
    found = {(one.relation, one.backend): one for one in task.relations}
    for name in dict.fromkeys(name for name, _ in found):
        yield name, [_held(found.get((name, backend))) for backend in related(task)]


def _held(one: Rate | None) -> str:
    if one is None:
        return "-"
    left = f", {len(one.unanswered)} unanswered" if one.unanswered else ""
    return f"{rate(one.rate)} (n={one.rate.n}{left})"


def relations_heading(task: TaskResult) -> str:
    told = "how often a changed input gets the answer that the unchanged one foretells"
    return f"{task.task}, {told} (in %, 95 % intervals)"


def _of_fewer(estimate: Estimate | None, most: int, task: TaskResult, split: str) -> str:
    """On how many examples a rate rests, of a model that was asked in turn."""
    fewer = split == task.split and task.in_turn and estimate is not None and 0 < estimate.n < most
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


def heading(task: TaskResult) -> str:
    """One line that says what a table is about."""
    frozen = "" if task.frozen else ", NOT FROZEN: run `evalkit freeze`"
    return f"{task.task}: {task.examples} examples of {task.split}{frozen}"


def verdict_lines(task: TaskResult) -> Iterator[tuple[str, str]]:
    """``(status, sentence)`` for every backend, and beside its baseline; status is empty where it was not judged."""
    verdicts = {verdict.backend: verdict for verdict in task.verdicts}
    for model_run in task.model_runs:
        if model_run.participant.role != "backend":
            continue
        verdict = verdicts.get(model_run.participant.name)
        if verdict is None:
            yield "", f"{model_run.participant.name}: no verdict: {model_run.selected} of {task.examples} selected"
        else:
            decision = f", {verdict.decision}" if model_run.participant.parent else ""
            told = f"{model_run.participant.name}: {verdict.status}{decision}. " + wording.reasons(verdict.reasons)
            yield verdict.status, told
    if regression := task.regression:
        yield regression.status, wording.regression(regression)
    if lineage := task.lineage:
        yield lineage.status, wording.lineage(lineage)


def notes(task: TaskResult) -> Iterator[str]:
    """What else a reader must know: defects, floors not beaten, pairs, what stayed unanswered or is known to fail."""
    yield from dict.fromkeys(_notes(task))  # a pair may be declared twice, as a win and as no loss


def _notes(task: TaskResult) -> Iterator[str]:
    for model_run in task.model_runs:
        if model_run.participant.problem is not None and model_run.participant.role == "floor":
            yield f"{model_run.participant.name} (floor) has no column: {model_run.participant.problem}"
        if asked := model_run.participant.asked:
            yield f"{model_run.participant.name}: asked with {asked}"
        if model_run.participant.moves:
            yield (
                f"{model_run.participant.name}: {model_run.participant.spec} is a name that moves from model to model: "
                "not reproducible; name the model by its date"
            )
        if model_run.defects and model_run.participant.role != "floor":
            told = ", ".join(f"{name} {count}" for name, count in model_run.defects.items())
            yield f"{model_run.participant.name}: defects: {told}"
        if (probe := model_run.participant.probe) is not None and probe.problem is not None:
            yield f"{model_run.participant.name}: its latency could not be probed: {probe.problem}"
        if model_run.unanswered:
            first, reason = next(iter(model_run.unanswered.items()))
            count = f"{len(model_run.unanswered)} unanswered, never scored as wrong"
            yield f"{model_run.participant.name}: {count}. {first}: {reason}"
        # What a floor or a rival gets wrong is no news, and what the oracle gets right still less.
        for name, reason in model_run.known_fails.items() if model_run.participant.role == "backend" else ():
            yield f"{model_run.participant.name}: known to fail: {name}: {reason}"
    yield from task.idle
    yield from task.looks
    for one in task.in_turn:
        saved = one.examples - one.asked
        told = "and not everything is settled" if not one.settled else "until everything was settled"
        yield (
            f"{one.model}: asked {one.asked} of {one.examples} examples in turn, {told}"
            + (f": {saved} calls saved" if saved else "")
            + "; difference and p of its comparisons hold whenever one stops (betting)"
        )
    for pair in task.unjudged:
        yield f"declared but not judged, because the other side is not in this run: {pair}"
    for comparison in task.comparisons:
        if not comparison.declared:
            yield wording.reason(comparison.reason)
        yield from _power(comparison)
        readable = comparison.readable.difference
        if readable.n < comparison.paired.difference.n:
            pair = f"{comparison.candidate} against {comparison.against} on {comparison.score}"
            yield f"{pair}, where both answered readably (n={readable.n}): {_signed(readable)}"
    for alike in task.agreements:
        if alike.n:
            yield (
                f"{alike.first} and {alike.second}: same text {alike.same_text}/{alike.n}, "
                f"same object {alike.same_object}/{alike.n}"
            )


def rivals(task: TaskResult) -> list[Recommendation]:
    """Each tested model beside a rival, where there is more to weigh than the table of scores shows: two rivals at
    least, or a cost or a time."""
    found = list(task.rivals)
    weighed = {*_WEIGHED} & {name for model_run in task.model_runs for name in model_run.measurements}
    return found if len(found) > 1 or weighed else []


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
    found = rivals(task)
    for candidate in dict.fromkeys(one.candidate for one in found):
        own = [one for one in found if one.candidate == candidate]
        names = [candidate, *(one.against for one in own)]
        yield candidate, names, list(_rival_rows(task, own, names))


def _rival_rows(task: TaskResult, own: Sequence[Recommendation], names: Sequence[str]) -> Iterator[Row]:
    by_name = {model_run.participant.name: model_run for model_run in task.model_runs}
    first, *others = rates = [by_name[name].rates.get(task.split, {}) for name in names]
    for score in dict.fromkeys(score for one in own for score in one.fields):
        beside = (_beside(one, score, theirs) for one, theirs in zip(own, others, strict=True))
        yield _label(task, score, rates), [rate(first.get(score)), *beside]
    measurements = [by_name[name].measurements for name in names]
    for row in _WEIGHED:
        if any(row in one for one in measurements):
            yield row, [figure(one[row]) if row in one else _WEIGHED[row] for one in measurements]


def rivals_heading(candidate: str) -> str:
    """What the table of ``rival_tables`` shows."""
    return f"{candidate} beside its rivals: rates in %; in brackets by how many points {candidate} is better"


def _beside(recommendation: Recommendation, score: str, rates: Rates) -> str:
    """A rival's rate, and how far the candidate is from it."""
    field = recommendation.fields.get(score)
    if field is None:
        return "-"
    apart = _signed(field.difference).replace(" points", "")
    count = f", n={field.difference.n}" if recommendation.in_turn else ""
    return f"{rate(rates.get(score)).partition(' ')[0]} ({apart}{count}, {field.standing})"


def picks(task: TaskResult) -> Iterator[str]:
    """Which model is the right pick: a sentence or more for each pair."""
    yield from filter(None, map(wording.recommendation, rivals(task)))


def changes(regression: Regression | None) -> Iterator[str]:
    """Which examples flipped since a baseline, and what is on one side only; nothing without a baseline."""
    if regression is None:
        return
    pair = f"{regression.backend} against {regression.name}"
    for key, told in (
        ("lost", "lost"),
        ("gained", "gained"),
        ("added", f"examples that {regression.name} does not have"),
        ("removed", f"examples that only {regression.name} has"),
        ("unpaired", "scored on one side only"),
    ):
        if found := getattr(regression, key):
            more = f" and {len(found) - _LISTED} more (--format=json has all)" if len(found) > _LISTED else ""
            yield f"{pair}: {told} ({len(found)}): {', '.join(found[:_LISTED])}{more}"
    if regression.unselected:
        yield f"{pair}: {regression.unselected} of its examples were not selected: nothing is said of them"
    if regression.changed:
        yield f"{pair}: the task's contract or data have changed since; figures may be about different things"


_LISTED = 40
"""So many flips are named in a line: all of them as a rule, and no screenful where a model has changed throughout."""


def _power(comparison: Comparison) -> Iterator[str]:
    """What this split can show of this pair, by how often the two were seen to differ."""
    paired = comparison.paired
    if comparison.declared and kind_of(comparison.kind).GAIN and paired.detectable is not None:
        half = f"; half of it would need {paired.for_half}" if paired.for_half is not None else ""
        yield (
            f"{comparison.candidate} against {comparison.against} on {comparison.score}: "
            f"{paired.difference.n} examples show a win of {paired.detectable * 100:.1f} points "
            f"with power 0.8{half}"
        )


def references(task: TaskResult) -> Iterator[Row]:
    """A row for every comparison: the pair, then its size on other scales and the p of other tests."""
    for comparison in task.comparisons:
        effects = comparison.paired.effects
        sizes = (effects.cohen_d_z, effects.cohen_d_pooled, effects.rank_biserial, effects.odds_ratio)
        tests = (effects.mcnemar_p, effects.wilcoxon_p, effects.t_p)
        yield (
            f"{comparison.candidate} against {comparison.against} on {comparison.score}",
            [*map(_plain, sizes), *("-" if p is None else f"{p:.4f}" for p in tests)],
        )


def rungs(task: TaskResult) -> list[str]:
    """The columns of a lineage's table, first to last; none without a lineage."""
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
        name: {item.score: item.paired for item in step.comparisons if item.against == step.against}
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
        ("same answers as its parent", {name: step.alike for name, step in steps.items()}),
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
    told = f"{estimate.value * 100:.1f}"
    if paired is None or paired.difference.value is None:
        return told
    flips = f"{paired.losses} worse, {paired.wins} better" if paired.losses or paired.wins else "no flip"
    return f"{told} ({paired.difference.value * 100:+.1f}; {flips})"


def lineage_notes(task: TaskResult) -> Iterator[str]:
    """What each step lost, what it changed, and which rungs could not be run."""
    lineage = task.lineage
    for step in lineage.steps if lineage else ():
        yield from wording.step_losses(step)
        yield f"{step.against} to {step.rung}: {wording.explanation(step.why)}"
    for name, problem in lineage.missing.items() if lineage else ():
        yield f"{name} could not be run: {problem}"


REFERENCES = ("d_z", "pooled d", "rank-biserial", "odds ratio", "McNemar p", "Wilcoxon p", "paired t p")
"""The columns of ``references`` after the first; the p are two-sided."""


def _plain(estimate: Estimate | None) -> str:
    if estimate is None or (estimate.value is None and estimate.low is None):
        return "-"
    return "no loss" if estimate.value is None else f"{estimate.value:.2f}" + _bounds(estimate, 1, ".2f")


def _signed(estimate: Estimate) -> str:
    if estimate.value is None:
        return "not estimable"
    return f"{estimate.value * 100:+.1f} points" + _bounds(estimate, 100, "+.1f")


def floors_not_beaten(task: TaskResult) -> Iterator[str]:
    """For each backend the fields that a floor does as well or better."""
    for backend in dict.fromkeys(one.backend for one in task.unbeaten):
        fields = [
            f"{one.score} ({one.value * 100:.1f}, {one.floor} {one.floor_value * 100:.1f})"
            for one in task.unbeaten
            if one.backend == backend
        ]
        yield f"{backend} does not beat a floor on: {', '.join(fields)}"
