"""Puts two models side by side, example by example, and judges the pair by what was declared of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from evalkit._internal.outside_text import one_line
from evalkit.golden.looks import Look
from evalkit.golden.model import Hypothesis, Task
from evalkit.judging import wording
from evalkit.judging.families import Adjusted, adjust
from evalkit.judging.gates import Evidence, kind_of
from evalkit.judging.planned import Planned
from evalkit.judging.reason import Code, Outcome, Reason, Remark, Status
from evalkit.judging.scored_pair import Answers as Answers
from evalkit.judging.scored_pair import Interval, ScoredPair, scored_pair
from evalkit.models.request import canonical
from evalkit.stats.intervals import ALPHA, LEVEL, Estimate
from evalkit.stats.paired import Paired

Turns = Mapping[str, Sequence[str]]
"""By model, the examples that it was asked, in the order in which it was asked."""

NO_LOOK = Look()
"""Of what is judged for itself: a development split, or a pair that was only asked for."""

ASKED = "asked"
"""The kind of a pair of which nothing is declared: it was only asked for."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two models gave the same answer: the same text, and the same object. Counted sample by sample."""

    first: str
    second: str
    same_text: int
    same_object: int
    n: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the examples that both answered, by one score, before anything is decided.

    ``hypothesis`` is None where the pair was only asked for. ``missing`` examples are not in ``paired``, because one of
    the two left them unanswered; ``lost`` are those on which the candidate scores less. ``paired`` is of the level of
    ``look``. ``readable`` is the difference on the examples that both answered readably.
    """

    hypothesis: Hypothesis | None
    candidate: str
    against: str
    score: str
    paired: Paired
    readable: Estimate
    missing: int = 0
    lost: tuple[str, ...] = ()
    look: Look = NO_LOOK


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two models on the same examples, by one score. A pair that was only asked for is reported and never red.

    ``kind`` is that of the hypothesis, "asked" where none is declared; ``status`` is None then. ``outcome`` is how the
    gate answers, of an undeclared pair too where its margin is known. ``lost`` are the examples on which the candidate
    scores less, ``family``, ``where`` and ``slice`` those of its hypothesis. ``p`` and ``p_worse`` are those that
    decide, Holm's where several share a level, and ``interval`` is the one that goes with them: its ``level`` is 0.95
    where none do. ``readable`` is a note: the difference on the examples that both answered readably. ``excused`` is
    set where an alternative holds.
    """

    candidate: str
    against: str
    score: str
    kind: str
    status: Status | None
    paired: Paired
    readable: Estimate
    p: float | None
    outcome: Outcome | None = None
    lost: tuple[str, ...] = ()
    family: str = ""
    where: str = ""
    excused: bool = False
    slice: str = ""
    p_worse: float | None = None
    interval: Interval | None = None

    @property
    def declared(self) -> bool:
        """Whether the task declares a hypothesis of this pair."""
        return self.kind != ASKED

    @property
    def holds(self) -> bool:
        """False only for a declared hypothesis that was not shown, where no alternative to it was."""
        return not self.declared or self.status is Status.SHIP or self.excused

    @property
    def reason(self) -> Reason:
        """What a verdict says of it."""
        interval = self.interval or Interval(self.paired.difference, LEVEL, self.paired.extended)
        return Reason(
            Code.COMPARISON, self.candidate, self.against, self.score, examples=self.lost, got=interval.estimate,
            p=self.p, wins=self.paired.wins, losses=self.paired.losses, outcome=self.outcome, declared=self.declared,
            slice=self.slice, p_worse=self.p_worse, level=interval.level, extended=interval.extended,
        )  # fmt: skip

    def __repr__(self) -> str:
        return one_line(wording.reason(self.reason))


def judge_pair(pair: Pair, adjusted: Adjusted | None = None, interval: Interval | None = None) -> Comparison:
    """Judges one pair. ``adjusted`` has the p that stand in for its own where several hypotheses share a level, and
    ``interval`` is the one that goes with them."""
    adjusted = Adjusted(pair.paired.p, pair.paired.p_worse) if adjusted is None else adjusted
    hypothesis = pair.hypothesis
    outcome = None if hypothesis is None else _judged(hypothesis, pair, adjusted)
    undeclared = Comparison(
        pair.candidate, pair.against, pair.score, ASKED, None, pair.paired, pair.readable, adjusted.p, outcome,
        pair.lost, p_worse=adjusted.p_worse, interval=interval,
    )  # fmt: skip
    if hypothesis is None or outcome is None or not hypothesis.declared:
        return undeclared
    return replace(
        undeclared,
        kind=hypothesis.kind,
        status=outcome.status,
        family=hypothesis.family,
        where=hypothesis.where,
        slice=hypothesis.slice,
    )


def _judged(hypothesis: Hypothesis, pair: Pair, adjusted: Adjusted) -> Outcome:
    """How the gate answers. With examples that one of the two left unanswered nothing is shown: a model that died on
    the hard ones would be beaten on the easy ones."""
    decide = kind_of(hypothesis.kind).decide
    outcome = decide(hypothesis, Evidence(pair.paired, adjusted.p, adjusted.p_worse, pair.look.alpha))
    if pair.missing:
        status = Status.INCONCLUSIVE if outcome.status is Status.SHIP else outcome.status
        return replace(outcome, status=status, remarks=(Remark("not_answered_by_both", count=pair.missing),))
    remarks = [*outcome.remarks, *_of_readable(pair)]
    if outcome.status is Status.INCONCLUSIVE and pair.look.number:
        remarks += _of_look(hypothesis, pair, adjusted)
    return replace(outcome, remarks=tuple(remarks))


def _of_readable(pair: Pair) -> list[Remark]:
    """That the candidate scores less where both answered readably, although it does not over all.

    It changes no status: who is readable is an outcome too, so that a model that reads more of the hard examples is
    held there against the easy ones of the other, and would be stopped for being better.
    """
    value, high = pair.paired.difference.value, pair.readable.high
    less = value is not None and value >= 0 and high is not None and high < 0
    return [Remark("less_among_readable", got=pair.readable)] if less else []


def _of_look(hypothesis: Hypothesis, pair: Pair, adjusted: Adjusted) -> list[Remark]:
    """What nothing but its look keeps a hypothesis from; empty where it is not for that."""
    alone = replace(pair.paired, decisive=pair.paired.difference)
    evidence = Evidence(alone, adjusted.p, adjusted.p_worse, ALPHA)
    if kind_of(hypothesis.kind).decide(hypothesis, evidence).status is not Status.SHIP:
        return []
    return [Remark("look", got=pair.paired.decisive, asked=pair.look.alpha, count=pair.look.number)]


def comparisons(
    task: Task,
    planned: Iterable[Planned],
    answers: Answers,
    split: str,
    turns: Turns = MappingProxyType({}),
    looks: Mapping[str, Look] = MappingProxyType({}),
) -> list[Comparison]:
    """Judges every planned pair: those that share a level together, each at its part of it.

    ``turns`` has the rivals that were asked one example after the other until all was settled, ``looks`` the candidates
    that spend a look: what is declared of them is judged at its level.
    """
    plans = list(planned)
    scored = [scored_pair(task, plan, answers, split, turns.get(plan.against)) for plan in plans]
    levels = [_look_of(plan, looks) for plan in plans]
    paired = [item.paired(look.alpha) for item, look in zip(scored, levels, strict=True)]
    judged = [
        _compared(plan, item, look, alone, adjusted)
        for plan, item, look, alone, adjusted in zip(
            plans, scored, levels, paired, adjust(task, list(zip(plans, paired, strict=True))), strict=True
        )
    ]
    shown = {
        (comparison.candidate, comparison.family)
        for comparison in judged
        if comparison.family
        and all(other.status is Status.SHIP for other in judged if _same_hypothesis(comparison, other))
    }
    return [
        replace(comparison, excused=True)
        if (comparison.candidate, comparison.family) in shown and comparison.status is not Status.SHIP
        else comparison
        for comparison in judged
    ]


def _compared(plan: Planned, scored: ScoredPair, look: Look, alone: Paired, adjusted: Adjusted) -> Comparison:
    """One pair, with the interval of its part of the level."""
    divided = adjusted.divided
    pair = Pair(
        *plan,
        paired=alone if divided == 1 else scored.paired(look.alpha / divided),
        readable=scored.readable,
        missing=scored.missing,
        lost=scored.lost,
        look=look,
    )
    return judge_pair(pair, adjusted, None if divided == 1 else scored.interval(ALPHA / divided, adjusted))


def _look_of(planned: Planned, looks: Mapping[str, Look]) -> Look:
    hypothesis = planned.hypothesis
    return looks.get(planned.candidate, NO_LOOK) if hypothesis is not None and hypothesis.declared else NO_LOOK


def _same_hypothesis(first: Comparison, second: Comparison) -> bool:
    return (first.candidate, first.where, first.score) == (second.candidate, second.where, second.score)


def agreement(first: str, second: str, answers: Answers, split: str) -> Agreement:
    """How often the models ``first`` and ``second`` answered alike."""
    samples = [
        pair
        for name, answer in answers[first].items()
        if answer.example.split == split and name in answers[second]
        for pair in zip(answer.each, answers[second][name].each, strict=False)
    ]
    return Agreement(
        first,
        second,
        same_text=sum(ours.text == theirs.text for ours, theirs in samples),
        same_object=sum(
            ours.value is not None and theirs.value is not None and canonical(ours.value) == canonical(theirs.value)
            for ours, theirs in samples
        ),
        n=len(samples),
    )
