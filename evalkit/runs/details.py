"""Where a model is weak, for those that a run is about: its scores by tag, and what it takes for what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from evalkit.golden.model import ANSWERED, Task
from evalkit.golden.scoring import kind_of
from evalkit.judging.answer import Answer
from evalkit.judging.confusion import Confusion, confusion_of
from evalkit.judging.planned import Lineup, declared_comparisons
from evalkit.judging.slices import slices_of
from evalkit.runs.record import ModelRun


def detailed(task: Task, lineup: Lineup) -> frozenset[str]:
    """Whose details a run keeps: of those that are tested, and of the models that a hypothesis sets beside them."""
    rivals = {rival for _, _, rival, _ in declared_comparisons(task, lineup)}
    return frozenset({*lineup.backends, *(rivals & {*lineup.against})})


def with_details(
    task: Task,
    split: str,
    model_runs: Iterable[ModelRun],
    answers: Mapping[str, Mapping[str, Answer]],
    names: Collection[str],
) -> tuple[ModelRun, ...]:
    """``model_runs``, those of ``names`` with their slices and confusions on the judged ``split``."""
    judged = {
        name: {example: answer for example, answer in answers[name].items() if answer.example.split == split}
        for name in sorted(names)
        if name in answers
    }
    slices = slices_of(judged, (*ANSWERED, *task.scores))
    return tuple(
        replace(one, slices=slices[one.name], confusions=_confusions(task, judged[one.name]))
        if one.name in judged
        else one
        for one in model_runs
    )


def _confusions(task: Task, answers: Mapping[str, Answer]) -> tuple[Confusion, ...]:
    rules = [rule for rule in task.scores.values() if kind_of(rule) == "class"]
    found = (
        confusion_of(
            rule,
            answers.values(),
            (item.expected[rule.field] for split in task.splits.values() for item in split if rule.asked_of(item)),
        )
        for rule in rules
    )
    return tuple(item for item in found if item is not None)
