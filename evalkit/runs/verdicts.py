"""Which tested models of a task have a verdict, and why the others have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from evalkit.judging.answer import Answer
from evalkit.judging.comparison import Answers, Comparison
from evalkit.judging.lineage import Lineage
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.verdict import Threshold, Verdict, judge, thresholds_of
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.model_run import rate_of
from evalkit.runs.record import ModelRun


def verdicts_of(
    asked_task: AskedTask, answers: Answers, model_runs: Iterable[ModelRun], comparisons: Sequence[Comparison]
) -> tuple[tuple[Verdict, ...], tuple[NoVerdict, ...]]:
    """The verdict on each tested model, and each that has none."""
    whole, why_none = asked_task.whole, asked_task.why_no_verdict
    verdicts, without = [], []
    for model_run in model_runs:
        if model_run.participant.role != "backend":
            continue
        code = why_none if model_run.name in whole else WhyNone.PART
        if code is None:
            thresholds = thresholds_of(asked_task.task.thresholds, model_run.rates)
            thresholds += _of_slices(asked_task, answers[model_run.name])
            failed, unanswered = model_run.failed, tuple(model_run.unanswered)
            verdicts.append(judge(model_run.name, thresholds, comparisons, failed, unanswered))
        else:
            without.append(NoVerdict(model_run.name, code, model_run.selected, len(asked_task.judged)))
    return tuple(verdicts), tuple(without)


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
