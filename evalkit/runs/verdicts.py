"""Which tested models of a task have a verdict, and why the others have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from evalkit.golden.model import Hypothesis
from evalkit.judging import wording
from evalkit.judging.answer import Answer
from evalkit.judging.comparison import Answers, Comparison
from evalkit.judging.lineage import Lineage
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.not_judged import Absent, NotJudged, WhyNotJudged
from evalkit.judging.planned import NO_PARENT, Planned, declared_comparisons
from evalkit.judging.reason import Code, Reason, Status
from evalkit.judging.verdict import Threshold, Verdict, blocked, judge, thresholds_of
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.model_run import rate_of
from evalkit.runs.record import ModelRun

_BLIND = ("empty", "majority", "error")
"""The floors that read nothing. A model below one of them has learned nothing, whatever else is declared of it."""


def verdicts_of(
    asked_task: AskedTask,
    answers: Answers,
    model_runs: Iterable[ModelRun],
    comparisons: Sequence[Comparison],
    not_judged: Sequence[NotJudged],
) -> tuple[tuple[Verdict, ...], tuple[NoVerdict, ...]]:
    """The verdict on each tested model, and each that has none."""
    whole, why_none = asked_task.whole, asked_task.why_no_verdict
    model_runs = list(model_runs)
    floors = [model_run for model_run in model_runs if model_run.name in _BLIND]
    judged = [item for item in comparisons if not item.declared or item.status is not None]
    verdicts, without = [], []
    for model_run in model_runs:
        if model_run.participant.role != "backend":
            continue
        code = why_none if model_run.name in whole else WhyNone.PART
        if code is None:
            thresholds = thresholds_of(asked_task.task.thresholds, model_run.rates)
            thresholds += _of_slices(asked_task, answers[model_run.name])
            failed, unanswered = model_run.failed, tuple(model_run.unanswered)
            left_open = list(_left_open(model_run.name, comparisons, not_judged))
            verdict = judge(model_run.name, thresholds, judged, failed, unanswered, left_open)
            below = _below_floor(asked_task, model_run, floors)
            verdicts.append(blocked(verdict, below) if verdict.ships and below is not None else verdict)
        else:
            without.append(NoVerdict(model_run.name, code, model_run.selected, len(asked_task.judged)))
    return tuple(verdicts), tuple(without)


def _below_floor(asked_task: AskedTask, model_run: ModelRun, floors: Iterable[ModelRun]) -> Reason | None:
    """That a floor without any reading does better by the primary score; None where none does."""
    score, split = asked_task.task.primary, asked_task.split
    ours = model_run.rates.get(split, {}).get(score)
    rates = [(floor.rates.get(split, {}).get(score), floor.name) for floor in floors]
    known = [(rate.value, name) for rate, name in rates if rate is not None and rate.value is not None]
    if ours is None or ours.value is None or not known or ours.value >= max(known)[0]:
        return None
    value, name = max(known)
    return Reason(Code.BELOW_FLOOR, model_run.name, name, score, split, got=ours, asked=value)


def _left_open(
    candidate: str, comparisons: Iterable[Comparison], not_judged: Iterable[NotJudged]
) -> Iterator[NotJudged]:
    """What is not judged of ``candidate``, but for alternatives to what is shown against all of its rivals."""
    missing = [item for item in not_judged if item.candidate == candidate]
    whole = [
        item
        for item in comparisons
        if item.candidate == candidate and (item.where, item.score) not in {(one.where, one.score) for one in missing}
    ]
    hypotheses = {(item.family, item.where, item.score) for item in whole if item.family}
    shown = {
        family
        for family, where, score in hypotheses
        if all(item.status is Status.SHIP for item in whole if (item.where, item.score) == (where, score))
    }
    yield from (item for item in missing if item.family not in shown)


def not_judged_of(asked_task: AskedTask, model_runs: Iterable[ModelRun]) -> tuple[NotJudged, ...]:
    """What is declared of the tested models and can't be judged, because the other side was not run whole, or was not
    held to the schema that it was asked with."""
    whole, asked = asked_task.whole, {part.name: part.participant for part in asked_task.participations}
    not_held = {run.name: wording.breaches(run.not_obeyed) for run in model_runs if run.not_obeyed is not None}

    def why(plan: Planned) -> Absent:
        if plan.against == NO_PARENT:
            named = plan.hypothesis is not None and plan.hypothesis.candidate is not None
            return Absent(WhyNotJudged.NO_PARENT if named else WhyNotJudged.NOT_MADE)
        if plan.against in asked and (problem := asked[plan.against].problem) is not None:
            return Absent(WhyNotJudged.NOT_OPENED, problem)
        if plan.against in not_held and plan.against in whole:
            return Absent(WhyNotJudged.NOT_OBEYED, not_held[plan.against])
        return asked_task.absent.get(plan.against, Absent(WhyNotJudged.NOT_ASKED))

    def not_judged(plan: Planned, hypothesis: Hypothesis, absent: Absent) -> NotJudged:
        return NotJudged(
            plan.candidate, plan.against, plan.score, hypothesis.kind, absent.why, absent.problem, hypothesis.family,
            hypothesis.where,
        )  # fmt: skip

    return tuple(
        not_judged(plan, plan.hypothesis, why(plan))
        for plan in declared_comparisons(asked_task.task, asked_task.lineup)
        if plan.against not in whole - not_held.keys() and plan.candidate in whole and plan.hypothesis is not None
    )


def _of_slices(asked_task: AskedTask, answers: Mapping[str, Answer]) -> Iterator[Threshold]:
    for tag, bounds in asked_task.task.slice_thresholds.items():
        those = [
            answer
            for answer in answers.values()
            if answer.example.split == asked_task.split and tag in answer.example.tags
        ]
        for score, least in bounds.items():
            yield Threshold(score, least, rate_of(those, score), asked_task.split, tag)


def figures_of(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """``comparisons`` without an answer: nothing is decided by them."""
    return tuple(replace(comparison, status=None, outcome=None, excused=False) for comparison in comparisons)


def figures_of_lineage(lineage: Lineage) -> Lineage:
    """``lineage`` without a verdict: nothing is decided by its steps."""
    steps = tuple(replace(step, comparisons=figures_of(step.comparisons)) for step in lineage.steps)
    return replace(lineage, steps=steps, status=None, reasons=(), open=())
