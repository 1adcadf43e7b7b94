"""The sentences of a report that stand beside its tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from evalkit._internal.counts import counted, verb
from evalkit.judging import wording
from evalkit.judging.comparison import Comparison
from evalkit.judging.gates import kind_of
from evalkit.judging.no_verdict import NoVerdict, WhyNone, why_none
from evalkit.judging.regression import Regression
from evalkit.reports.figures import signed
from evalkit.reports.page import LeftOut
from evalkit.reports.view import rivals
from evalkit.runs.record import ModelRun, TaskResult, Unbeaten


def heading(task: TaskResult) -> str:
    """One line that says what a table is about."""
    frozen = "" if task.frozen else ", NOT FROZEN: run `evalkit freeze`"
    return f"{task.task}: {counted(task.examples, 'example')} of {task.split}{frozen}"


def verdict_lines(task: TaskResult) -> Iterator[tuple[str, str]]:
    """``(status, sentence)`` for every backend, and beside its baseline; status is empty where it was not judged."""
    if task.problem:
        yield "", wording.unjudged_task(task.task, task.problem)
        return
    verdicts = {verdict.backend: verdict for verdict in task.verdicts}
    for model_run in task.model_runs:
        if model_run.participant.role != "backend":
            continue
        verdict = verdicts.get(model_run.participant.name)
        if verdict is None:
            name, selected = model_run.participant.name, model_run.selected
            without = task.no_verdict(name) or NoVerdict(name, WhyNone.PART, selected, task.examples)
            yield "", wording.no_verdict(without)
            # A report of a part has no table with notes behind it, and has spent a look all the same.
            yield from (("", wording.look_spent(look)) for look in task.looks if look.model == name)
        else:
            decision = f", {verdict.decision}" if model_run.participant.parent else ""
            sentence = f"{model_run.participant.name}: {verdict.status}{decision}. " + wording.reasons(verdict.reasons)
            yield verdict.status, sentence
    yield from standing_lines(task)


def standing_lines(task: TaskResult) -> Iterator[tuple[str, str]]:
    """``(status, sentence)`` beside a baseline, and of a lineage."""
    if regression := task.regression:
        yield regression.status, wording.regression(regression)
    if lineage := task.lineage:
        yield lineage.status or "", wording.lineage(lineage, why_none(task.split, task.frozen))


def weak_spots(task: TaskResult) -> Iterator[str]:
    """What each tested model takes for what, and on which tags it is shown to be weaker."""
    for one in task.model_runs:
        if one.participant.role == "backend":
            yield from filter(None, (wording.confusions(one.name, one.confusions),))
            yield from wording.weaker_slices(one.name, one.slices)


def notes(task: TaskResult) -> Iterator[str]:
    """What else a reader must know: defects, floors not beaten, pairs, what stayed unanswered or is known to fail."""
    yield from weak_spots(task)
    yield from warnings(task)
    yield from details(task)


def warnings(task: TaskResult) -> Iterator[str]:
    """What a reader must know before anything is made of the figures, each once."""
    yield from dict.fromkeys(_warnings(task))


def details(task: TaskResult) -> Iterator[str]:
    """What else there is to know of how the models were asked, and of the pairs, each once."""
    yield from dict.fromkeys(_details(task))  # a pair may be declared twice, as a win and as no loss


def _warnings(task: TaskResult) -> Iterator[str]:
    for model_run in task.model_runs:
        name, participant = model_run.name, model_run.participant
        if participant.problem is not None and participant.role == "floor":
            yield f"{name} (floor) was not run: {participant.problem}"
        if model_run.unanswered:
            first, reason = next(iter(model_run.unanswered.items()))
            yield f"{name}: {len(model_run.unanswered)} unanswered, never scored as wrong. {first}: {reason}"
        if participant.asked:
            yield f"{name}: asked with {participant.asked}"
        if participant.joined:
            comparisons = task.comparisons
            yield wording.joins(name, [*dict.fromkeys(item.candidate for item in comparisons if item.against == name)])
        if participant.retries:
            yield _asked_again(model_run)
        if left_out := participant.left_out:
            yield f"{name}: constrained, and not held to: {'; '.join(left_out)} (checked in its answers)"
        if model_run.not_obeyed is not None:
            yield wording.not_obeyed(model_run.not_obeyed)
        if own := participant.adapter_own:
            used = verb(len(own), "which is used; the base's is another", "which are used; the base's are others")
            yield f"{name}: its adapter's folder has its own {' and '.join(own)}, {used}"
        if participant.wavers:
            yield (
                f"{name}: asked with reproducible = false: an answer may depend on what shares "
                "its batch, so that the same model may get other figures when it is asked again"
            )
        if participant.moves:
            yield (
                f"{name}: {participant.spec} is a name that moves from model to model: "
                "not reproducible; name the model by its date"
            )
        if participant.role == "backend":
            yield from _defects(model_run)
        yield from (wording.wholesale(name, item) for item in model_run.wholesale)
        if model_run.own_reasoning is not None:
            yield from wording.own_reasoning(model_run.own_reasoning)
        if (probe := participant.probe) is not None and probe.problem is not None:
            yield f"{name}: its latency could not be probed: {probe.problem}"
    yield from map(wording.unchanged_adapter, task.unchanged_adapters)
    yield from map(wording.served_as, task.served_as)
    yield from map(wording.look_spent, task.looks)
    for item in task.in_turn:
        saved = item.examples - item.asked
        end = "until everything was settled" if item.settled else "and not everything is settled"
        yield (
            f"{item.model}: asked {item.asked} of {counted(item.examples, 'example')} in turn, {end}"
            + (f": {counted(saved, 'call')} saved" if saved else "")
            + "; difference and p of its comparisons hold whenever one stops (betting)"
        )
    yield from wording.not_judged([item for item in task.unjudged if not (item.leaves_open and task.verdicts)])


def left_out(item: LeftOut) -> str:
    """What the written reports of a large run lack, and how it is had."""
    return (
        f"Left out of what is written of this run: {item.answers:,} of {item.of:,} answers. Of each model on each task "
        f"the {item.worst} worst are in; `{item.all}` gives all."
    )


def _defects(model_run: ModelRun) -> Iterator[str]:
    if model_run.defects:
        counts = ", ".join(f"{name} {count}" for name, count in model_run.defects.items())
        yield f"{model_run.name}: defects: {counts}"


def _details(task: TaskResult) -> Iterator[str]:
    for model_run in task.model_runs:
        participant = model_run.participant
        if participant.role == "against":
            yield from _defects(model_run)
        # What a floor or a rival gets wrong is no news, and what the oracle gets right still less.
        if participant.role == "backend":
            yield from _known_fails(model_run)
    for comparison in task.comparisons:
        if comparison.declared and comparison.status is None:
            yield wording.reason(comparison.reason)
        yield from _power(comparison)
        readable = comparison.readable
        if 0 < readable.n < comparison.paired.difference.n:
            pair = f"{comparison.candidate} against {comparison.against} on {comparison.score}"
            yield f"{pair}, where both answered readably (n={readable.n}): {signed(readable)}"
    for agreement in task.agreements:
        if agreement.n:
            yield (
                f"{agreement.first} and {agreement.second}: same text {agreement.same_text}/{agreement.n}, "
                f"same object {agreement.same_object}/{agreement.n}"
            )
    of_baseline = task.regression.corrections if task.regression else ()
    if made := wording.comparisons_made((*task.corrections, *of_baseline)):
        yield made


def _known_fails(model_run: ModelRun) -> Iterator[str]:
    for example, reason in islice(model_run.known_fails.items(), _LISTED):
        yield f"{model_run.name}: known to fail: {example}: {reason}"
    if (more := len(model_run.known_fails) - _LISTED) > 0:
        yield f"{model_run.name}: {more} more are known to fail (--format=json has all)"


def _asked_again(model_run: ModelRun) -> str:
    """How often a model was asked again, and over how many attempts its latency was taken."""
    again, more = model_run.asked_again, counted(model_run.more_attempts, "attempt")
    counts = f"{model_run.name}: asked again after an invalid answer: {again} of {model_run.selected}, {more} more"
    probe = model_run.participant.probe
    if probe is None or not probe.attempts:
        return counts
    return f"{counts}; its latency is that of {sum(probe.attempts)} attempts at {len(probe.attempts)} answers"


def picks(task: TaskResult) -> Iterator[str]:
    """Which model is the right pick: a sentence or more for each pair."""
    yield from filter(None, map(wording.recommendation, rivals(task)))


def changes(regression: Regression | None) -> Iterator[str]:
    """Which examples flipped since a baseline, and what is on one side only; nothing without a baseline."""
    if regression is None:
        return
    pair = f"{regression.backend} against {regression.name}"
    for key, what in (
        ("lost", "lost"),
        ("gained", "gained"),
        ("added", f"examples that {regression.name} does not have"),
        ("removed", f"examples that only {regression.name} has"),
        ("unpaired", "scored on one side only"),
    ):
        if examples := getattr(regression, key):
            more = f" and {len(examples) - _LISTED} more (--format=json has all)" if len(examples) > _LISTED else ""
            yield f"{pair}: {what} ({len(examples)}): {', '.join(examples[:_LISTED])}{more}"
    if regression.unselected:
        count = regression.unselected
        yield f"{pair}: {count} of its examples {verb(count, 'was', 'were')} not selected: nothing is said of them"
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
            f"{counted(paired.difference.n, 'example', ('shows', 'show'))} a win of {paired.detectable * 100:.1f} "
            f"points with power 0.8{half}"
        )


def lineage_notes(task: TaskResult) -> Iterator[str]:
    """What each step lost, what it changed, and which rungs could not be run."""
    lineage = task.lineage
    for step in lineage.steps if lineage else ():
        yield from wording.step_losses(step)
        yield f"{step.against} to {step.rung}: {wording.explanation(step.why)}"
    for name, missing in lineage.missing.items() if lineage else ():
        yield wording.missing_rung(name, missing)


def floors_not_beaten(task: TaskResult) -> Iterator[str]:
    """For each backend what a floor does as well or better: a bag of words, and then the floors that read nothing."""
    for backend in dict.fromkeys(item.backend for item in task.unbeaten):
        items = [item for item in task.unbeaten if item.backend == backend]
        words = [item for item in items if item.floor == "words"]
        blind = [item for item in items if item.floor != "words"]
        if words:
            fields = ", ".join(_unbeaten(item, "words") for item in words)
            yield f"{backend} is no better than a bag of words on: {fields}. A model that is no better has not read."
        if blind:
            yield f"{backend} does not beat a floor on: {', '.join(_unbeaten(item, item.floor) for item in blind)}"


def _unbeaten(item: Unbeaten, floor: str) -> str:
    if item.n:
        return f"{item.score} ({item.value:.2f} on {item.n}, {floor} {item.floor_value:.2f} on {item.floor_n})"
    return f"{item.score} ({item.value * 100:.1f}, {floor} {item.floor_value * 100:.1f})"
