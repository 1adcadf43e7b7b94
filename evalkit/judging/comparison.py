"""Puts two models side by side, example by example, and judges the pair by what was declared of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType

from evalkit.golden.looks import Look
from evalkit.golden.model import Hypothesis, Task
from evalkit.judging import wording
from evalkit.judging.answer import Answer
from evalkit.judging.gates import Evidence, Readable, kind_of
from evalkit.judging.planned import Planned
from evalkit.judging.reason import Code, Outcome, Reason, Remark, Status
from evalkit.models.request import canonical
from evalkit.stats.holm import holm
from evalkit.stats.intervals import ALPHA
from evalkit.stats.paired import Paired, paired, paired_in_turn

Answers = Mapping[str, Mapping[str, Answer]]
"""By model, and then by example."""

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
    the two left them unanswered; ``lost`` are those on which the candidate scores less. ``paired`` and ``readable`` are
    of the level of ``look``.
    """

    hypothesis: Hypothesis | None
    candidate: str
    against: str
    score: str
    paired: Paired
    readable: Readable
    missing: int = 0
    lost: tuple[str, ...] = ()
    look: Look = NO_LOOK


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two models on the same examples, by one score. A pair that was only asked for is reported and never red.

    ``kind`` is that of the hypothesis, "asked" where none is declared; ``status`` is None then. ``outcome`` is how the
    gate answers, of an undeclared pair too where its margin is known. ``lost`` are the examples on which the candidate
    scores less, ``family``, ``where`` and ``slice`` those of its hypothesis. ``p`` is the one that decides: in a family
    of alternatives, Holm's. ``excused`` is set where an alternative holds.
    """

    candidate: str
    against: str
    score: str
    kind: str
    status: Status | None
    paired: Paired
    readable: Readable
    p: float | None
    outcome: Outcome | None = None
    lost: tuple[str, ...] = ()
    family: str = ""
    where: str = ""
    excused: bool = False
    slice: str = ""

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
        return Reason(
            Code.COMPARISON, self.candidate, self.against, self.score, examples=self.lost, got=self.paired.difference,
            p=self.p, wins=self.paired.wins, losses=self.paired.losses, outcome=self.outcome, declared=self.declared,
            slice=self.slice,
        )  # fmt: skip

    def __repr__(self) -> str:
        return wording.reason(self.reason)


def judge_pair(pair: Pair, p: float | None = None) -> Comparison:
    """Judges one pair; ``p`` stands in for its own where its hypothesis is one of several alternatives."""
    p = pair.paired.p if p is None else p
    hypothesis = pair.hypothesis
    outcome = None if hypothesis is None else _judged(hypothesis, pair, p)
    undeclared = Comparison(
        pair.candidate, pair.against, pair.score, ASKED, None, pair.paired, pair.readable, p, outcome, pair.lost
    )
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


def _judged(hypothesis: Hypothesis, pair: Pair, p: float | None) -> Outcome:
    """How the gate answers. With examples that one of the two left unanswered nothing is shown: a model that died on
    the hard ones would be beaten on the easy ones."""
    decide = kind_of(hypothesis.kind).decide
    outcome = decide(hypothesis, Evidence(pair.paired, pair.readable, p, pair.look.alpha))
    if pair.missing:
        status = Status.INCONCLUSIVE if outcome.status is Status.SHIP else outcome.status
        return replace(outcome, status=status, remarks=(Remark("not_answered_by_both", count=pair.missing),))
    if outcome.status is not Status.INCONCLUSIVE or not pair.look.number:
        return outcome
    return replace(outcome, remarks=(*outcome.remarks, *_of_look(hypothesis, pair, p)))


def _of_look(hypothesis: Hypothesis, pair: Pair, p: float | None) -> list[Remark]:
    """What nothing but its look keeps a hypothesis from; empty where it is not for that."""
    decide, look = kind_of(hypothesis.kind).decide, pair.look
    alone = replace(pair.paired, decisive=pair.paired.difference)
    readable = replace(pair.readable, decisive=pair.readable.difference)
    if decide(hypothesis, Evidence(alone, readable, p, ALPHA)).status is not Status.SHIP:
        return []
    return [Remark("look", got=pair.paired.decisive, asked=look.alpha, count=look.number)]


def comparisons(
    task: Task,
    planned: Iterable[Planned],
    answers: Answers,
    split: str,
    turns: Turns = MappingProxyType({}),
    looks: Mapping[str, Look] = MappingProxyType({}),
) -> list[Comparison]:
    """Judges every planned pair: alternatives together, each at its family's level.

    ``turns`` has the rivals that were asked one example after the other until all was settled, ``looks`` the candidates
    that spend a look: what is declared of them is judged at its level.
    """
    pairs = [_pair(task, plan, answers, split, turns.get(plan.against), _look_of(plan, looks)) for plan in planned]
    adjusted = {name: _alternatives(task, name, pairs) for name in {pair.candidate for pair in pairs}}
    judged = [
        judge_pair(pair, adjusted[pair.candidate].get(pair.hypothesis) if pair.hypothesis else None) for pair in pairs
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


def _look_of(planned: Planned, looks: Mapping[str, Look]) -> Look:
    hypothesis = planned.hypothesis
    return looks.get(planned.candidate, NO_LOOK) if hypothesis is not None and hypothesis.declared else NO_LOOK


def _same_hypothesis(first: Comparison, second: Comparison) -> bool:
    return (first.candidate, first.where, first.score) == (second.candidate, second.where, second.score)


def _alternatives(task: Task, candidate: str, pairs: Sequence[Pair]) -> dict[Hypothesis, float | None]:
    """Holm's p for each hypothesis of a family: all that the task declares count, judged in this run or not.

    A win over several rivals is shown when each is beaten, so its p is the largest of them.
    """
    declared = [item for item in task.hypotheses if item.family and item.candidate in (None, candidate)]
    adjusted_of: dict[Hypothesis, float | None] = {}
    for family in {item.family for item in declared}:
        members = [item for item in declared if item.family == family]
        largest: dict[str, float | None] = {}
        for member in members:
            ps = [pair.paired.p for pair in pairs if pair.candidate == candidate and pair.hypothesis == member]
            largest[f"{member.where} {member.score}"] = max((p for p in ps if p is not None), default=None)
        adjusted = holm(largest)
        adjusted_of |= {member: adjusted[f"{member.where} {member.score}"] for member in members}
    return adjusted_of


def _pair(task: Task, planned: Planned, answers: Answers, split: str, turn: Sequence[str] | None, look: Look) -> Pair:
    hypothesis, candidate, rival, score = planned
    ours, theirs = answers[candidate], answers[rival]
    tag = hypothesis.slice if hypothesis else ""
    groups_of = {example.id: example.group for example in task.splits.get(split, ()) if not tag or tag in example.tags}
    examples = sorted(groups_of) if turn is None else [name for name in turn if name in groups_of]
    answered = [name for name in examples if name in ours and name in theirs]
    both = [name for name in answered if score in ours[name].scores]
    our_values, their_values = ([side[name].scores[score].value for name in both] for side in (ours, theirs))
    ours_read, theirs_read = _readable(ours, both, score), _readable(theirs, both, score)
    read = [name for name in both if name in ours_read and name in theirs_read]
    put_beside = paired if turn is None else paired_in_turn

    def at(level: Look) -> tuple[Paired, Readable]:
        # Of alternatives with a least gain each bound must hold for all of them; for p that is Holm's to see to.
        alpha = level.alpha / _alternatives_to(task, hypothesis)
        return (
            put_beside(our_values, their_values, [groups_of[name] for name in both], alpha=alpha),
            Readable.of(
                [ours_read[name] for name in read],
                [theirs_read[name] for name in read],
                [groups_of[name] for name in read],
                turn is not None,
                alpha,
            ),
        )

    return Pair(
        *planned,
        *at(look),
        missing=len(examples) - len(answered),
        lost=tuple(name for name, first, second in zip(both, our_values, their_values, strict=True) if first < second),
        look=look,
    )


def _readable(answers: Mapping[str, Answer], names: Iterable[str], score: str) -> dict[str, float]:
    """The mean score of an example's readable samples, where it has any."""
    values = {
        name: [sample.scores[score].value for sample in answers[name].each if sample.extractable] for name in names
    }
    return {name: fmean(scores) for name, scores in values.items() if scores}


def _alternatives_to(task: Task, hypothesis: Hypothesis | None) -> int:
    """How many hypotheses its family has, where it also asks for a least gain."""
    if hypothesis is None or not hypothesis.family or not hypothesis.min_gain:
        return 1
    family = (hypothesis.family, hypothesis.candidate)
    return sum((item.family, item.candidate) == family for item in task.hypotheses)


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
