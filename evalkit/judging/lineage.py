"""Follows the same examples from rung to rung, and says which step lost which field, and by what.

Each rung is compared with its parent, so that one step is one change. Where a parent could not be run, the nearest rung
above it that could stands in. What changed the answers of a step is for ``cause`` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.golden.model import Hypothesis, Task
from evalkit.judging.answer import Answer
from evalkit.judging.cause import Cause, Explanation, explain
from evalkit.judging.comparison import Agreement, Answers, Comparison, agreement, comparisons
from evalkit.judging.gates import kind_of
from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.planned import Planned
from evalkit.judging.reason import Code, Reason, Status
from evalkit.stats.intervals import Estimate

Measured = Callable[[Sequence[Answer], Sequence[Answer]], Mapping[str, MeasurementChange]]
"""How the task's measurements changed from some answers to others."""


@dataclass(frozen=True, slots=True)
class MissingRung:
    """Why a rung was not run whole: a ``problem`` with the model, or how many ``of`` its examples stayed unanswered.

    ``example`` is the first of these, ``why`` what kept it from being answered.
    """

    problem: str
    unanswered: int = 0
    of: int = 0
    example: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung as it was run. ``settings`` are those of its sampler that the request does not state, None where its
    answers are recorded: then nothing is known of how they were drawn.

    ``again`` has its second answer to some examples, asked apart from the first: where the two differ, that is its
    own numeric noise. ``missing`` says why it was not run whole.
    """

    name: str
    parent: str | None
    settings: Mapping[str, Any] | None
    again: Mapping[str, Answer]
    missing: MissingRung | None = None


@dataclass(frozen=True, slots=True)
class LostScore:
    """A score that a step lost: its whole interval lies below 0.

    ``lost`` counts the examples with a lower score, ``elsewhere`` those of them that the step's cause does not touch.
    ``explained`` is whether the cause accounts for all of the lost examples, for some, or for none.
    """

    score: str
    against: str
    difference: Estimate
    wins: int
    losses: int
    lost: int
    elsewhere: int
    explained: Literal["all", "some", "none"]


@dataclass(frozen=True, slots=True)
class Step:
    """What became of the answers between ``against`` and ``rung``.

    ``comparisons`` has one for each score, judged where the task declares a hypothesis about it, and one for each
    declared pair of this rung and another that is not its parent. ``measured`` has how each measurement changed.
    ``agreement`` is how often the two answered the same. ``why`` is what changed them. ``gone`` are the scores
    that were lost, and ``worse`` the measurements that became worse.
    """

    rung: str
    against: str
    comparisons: tuple[Comparison, ...]
    measured: Mapping[str, MeasurementChange]
    agreement: Agreement
    cause: Cause
    why: Explanation
    gone: tuple[LostScore, ...]
    worse: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """All steps of one lineage on one task.

    ``missing`` says of each rung that was not run whole why. ``noise`` is each rung's agreement with itself. ``open``
    are the kinds of hypothesis that were left open. ``status`` is None where the task has no verdict.
    """

    name: str
    rungs: tuple[str, ...]
    steps: tuple[Step, ...]
    missing: Mapping[str, MissingRung]
    noise: Mapping[str, Agreement]
    status: Status | None
    reasons: tuple[Reason, ...]
    open: tuple[str, ...] = ()


def follow(
    name: str, task: Task, split: str, rungs: Sequence[Rung], answers: Answers, measured: Measured = lambda *_: {}
) -> Lineage:
    """The lineage ``name`` of ``rungs``, first to last, from the ``answers`` of those that were run whole.

    What the task declares of two rungs, one of which could not be run, is left open: it is not known to hold.
    """
    walk = _Walk(task, split, {rung.name: rung for rung in rungs}, answers)
    noise = {rung.name: walk.noise(rung) for rung in rungs if rung.missing is None}
    steps = tuple(
        walk.step(rung, parent, noise, measured)
        for rung in rungs
        if rung.missing is None and (parent := walk.ancestor(rung)) is not None
    )
    declared = [comparison for step in steps for comparison in step.comparisons if comparison.declared]
    blocks = [comparison.reason for comparison in declared if comparison.status is Status.BLOCK]
    left_open = [(item.kind, item.reason) for item in declared if item.status is Status.INCONCLUSIVE]
    left_open += walk.not_judged()
    return Lineage(
        name,
        tuple(walk.rungs),
        steps,
        {rung.name: rung.missing for rung in rungs if rung.missing is not None},
        noise,
        Status.BLOCK if blocks else Status.INCONCLUSIVE if left_open else Status.SHIP,
        (*blocks, *(reason for _, reason in left_open))
        or (Reason(Code.NO_STEP_LOST if declared else Code.NO_STEP_DECLARED),),
        tuple(dict.fromkeys(kind for kind, _ in left_open)),
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """The rungs of one lineage by name, with the answers of those that were run."""

    task: Task
    split: str
    rungs: Mapping[str, Rung]
    answers: Answers

    def noise(self, rung: Rung) -> Agreement:
        """How often a rung answers the same when it is asked again."""
        return agreement(rung.name, "again", {rung.name: self.answers[rung.name], "again": rung.again}, self.split)

    def ancestor(self, rung: Rung) -> Rung | None:
        """The nearest rung above ``rung`` that was run."""
        seen, parent = {rung.name}, rung.parent
        while parent is not None and parent in self.rungs and parent not in seen:
            if self.rungs[parent].missing is None:
                return self.rungs[parent]
            seen.add(parent)
            parent = self.rungs[parent].parent
        return None

    def declared(self, rung: Rung) -> list[tuple[Hypothesis, str]]:
        """What the task declares of ``rung`` and other rungs, and against which: whatever claims no gain."""
        return [
            (hypothesis, rival)
            for hypothesis in self.task.hypotheses
            if not kind_of(hypothesis.kind).GAIN and hypothesis.candidate in (None, rung.name)
            for rival in dict.fromkeys(rung.parent if named == "parent" else named for named in hypothesis.against)
            if rival is not None and rival in self.rungs and rival != rung.name
        ]

    def not_judged(self) -> Iterator[tuple[str, Reason]]:
        """What is declared of a rung that was not run: the kind, and the reason."""
        for rung in self.rungs.values():
            for hypothesis, rival in self.declared(rung):
                absent = [name for name in (rung.name, rival) if self.rungs[name].missing is not None]
                if absent:
                    yield (
                        hypothesis.kind, Reason(Code.NOT_RUN, rung.name, rival, hypothesis.score, absent=absent[0])
                    )  # fmt: skip

    def step(self, rung: Rung, parent: Rung, noise: Mapping[str, Agreement], measured: Measured) -> Step:
        """The step from ``parent`` to ``rung``."""
        before, after = self.answers[parent.name], self.answers[rung.name]
        pairs = [
            (before[name], answer)
            for name, answer in after.items()
            if answer.example.split == self.split and name in before
        ]
        common = agreement(parent.name, rung.name, self.answers, self.split)
        why = explain(pairs, (parent.settings, rung.settings), common, (noise[rung.name], noise[parent.name]))
        judged = tuple(comparisons(self.task, self._planned(rung, parent), self.answers, self.split))
        changes = measured([answer for answer, _ in pairs], [answer for _, answer in pairs])
        worse = tuple(
            name
            for name, change in changes.items()
            if change.worse is not None and change.worse.low is not None and change.worse.low > 0
        )
        return Step(
            rung.name, parent.name, judged, changes, common, why.cause, why, tuple(_lost_scores(judged, why)), worse
        )

    def _planned(self, rung: Rung, parent: Rung) -> list[Planned]:
        """What is declared of ``rung``, and every other score against its parent."""
        declared = [
            Planned(hypothesis, rung.name, rival, hypothesis.score)
            for hypothesis, rival in self.declared(rung)
            if self.rungs[rival].missing is None
        ]
        covered = {plan.score for plan in declared if plan.against == parent.name}
        scores = dict.fromkeys(score for answer in self.answers[rung.name].values() for score in answer.scores)
        return declared + [Planned(None, rung.name, parent.name, score) for score in scores if score not in covered]


def _lost_scores(judged: Sequence[Comparison], why: Explanation) -> Iterator[LostScore]:
    touched = {*why.touched}
    # Two hypotheses about one pair rest on the same figures.
    for comparison in {(item.score, item.against): item for item in judged}.values():
        difference = comparison.paired.difference
        if difference.high is None or difference.high >= 0:
            continue
        lost, elsewhere = len(comparison.lost), sum(name not in touched for name in comparison.lost)
        explained: Literal["all", "some", "none"] = "none"
        if touched and not elsewhere:
            explained = "all"
        elif lost > elsewhere:
            explained = "some"
        yield LostScore(
            comparison.score, comparison.against, difference, comparison.paired.wins, comparison.paired.losses, lost,
            elsewhere, explained,
        )  # fmt: skip
