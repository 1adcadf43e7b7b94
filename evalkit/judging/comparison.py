"""Puts two models side by side, example by example: what a comparison is judged from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType

from evalkit.golden.looks import Look
from evalkit.golden.model import Hypothesis, Task
from evalkit.judging import verdict as gates
from evalkit.judging.answer import Answer
from evalkit.models.request import canonical
from evalkit.stats.holm import holm
from evalkit.stats.paired import Paired, paired, paired_in_turn

Answers = Mapping[str, Mapping[str, Answer]]
"""By model, and then by example."""

Turns = Mapping[str, Sequence[str]]
"""By model, the examples that it was asked, in the order in which it was asked."""

Planned = tuple[Hypothesis | None, str, str, str]
"""``(hypothesis, candidate, against, score)``; without a hypothesis the pair was only asked for."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two models gave the same answer: the same text, and the same object. Counted sample by sample."""

    first: str
    second: str
    same_text: int
    same_object: int
    n: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two models on the examples that both answered, by one score, before anything is decided."""

    hypothesis: Hypothesis | None
    candidate: str
    against: str
    score: str
    paired: Paired
    readable: gates.Readable
    missing: int
    lost: tuple[str, ...]
    look: Look
    first: tuple[Paired, gates.Readable] | None


def comparisons(
    task: Task,
    planned: Iterable[Planned],
    answers: Answers,
    split: str,
    turns: Turns = MappingProxyType({}),
    looks: Mapping[str, Look] = MappingProxyType({}),
) -> Iterator[gates.Comparison]:
    """Judges every planned pair: alternatives together, each at its family's level.

    ``turns`` has the rivals that were asked one example after the other until all was settled, ``looks`` the candidates
    that spend a look: what is declared of them is judged at its level.
    """
    pairs = [_pair(task, *one, answers, split, turns.get(one[2]), _look_of(one, looks)) for one in planned]
    adjusted = {name: _alternatives(task, name, pairs) for name in {pair.candidate for pair in pairs}}
    found = [
        gates.compare(
            pair.hypothesis, pair.candidate, pair.against, pair.score, pair.paired, pair.readable, pair.missing,
            pair.lost, adjusted[pair.candidate].get(pair.hypothesis) if pair.hypothesis else None, pair.look,
            pair.first,
        )
        for pair in pairs
    ]  # fmt: skip
    shown = {
        (one.candidate, one.family)
        for one in found
        if one.family and all(other.status is gates.Status.SHIP for other in found if _same_hypothesis(one, other))
    }
    for one in found:
        excused = (one.candidate, one.family) in shown and one.status is not gates.Status.SHIP
        yield replace(one, excused=True) if excused else one


def _look_of(planned: Planned, looks: Mapping[str, Look]) -> Look:
    hypothesis, candidate, *_ = planned
    return looks.get(candidate, gates.NO_LOOK) if hypothesis is not None and hypothesis.declared else gates.NO_LOOK


def _same_hypothesis(one: gates.Comparison, other: gates.Comparison) -> bool:
    return (one.candidate, one.where, one.score) == (other.candidate, other.where, other.score)


def _alternatives(task: Task, candidate: str, pairs: Sequence[_Pair]) -> dict[Hypothesis, float | None]:
    """Holm's p for each hypothesis of a family: all that the task declares count, judged in this run or not.

    A win over several rivals is shown when each is beaten, so its p is the largest of them.
    """
    declared = [one for one in task.hypotheses if one.family and one.candidate in (None, candidate)]
    found: dict[Hypothesis, float | None] = {}
    for family in {one.family for one in declared}:
        raw: dict[str, float | None] = {}
        for one in (one for one in declared if one.family == family):
            own = [pair.paired.p for pair in pairs if pair.candidate == candidate and pair.hypothesis == one]
            raw[f"{one.where} {one.score}"] = max((p for p in own if p is not None), default=None)
        adjusted = holm(raw)
        found |= {one: adjusted[f"{one.where} {one.score}"] for one in declared if one.family == family}
    return found


def _pair(
    task: Task,
    hypothesis: Hypothesis | None,
    candidate: str,
    rival: str,
    score: str,
    answers: Answers,
    split: str,
    turn: Sequence[str] | None,
    look: Look,
) -> _Pair:
    ours, theirs = answers[candidate], answers[rival]
    groups_of = {example.id: example.group for example in task.splits.get(split, ())}
    asked = {name: groups_of[name] for name in (sorted(groups_of) if turn is None else turn)}
    answered = [name for name in asked if name in ours and name in theirs]
    both = [name for name in answered if score in ours[name].scores]

    def scores(of: Mapping[str, Answer], names: Sequence[str]) -> list[float]:
        return [of[name].scores[score].value for name in names]

    def readably(of: Mapping[str, Answer]) -> dict[str, float]:
        found = {name: [one.scores[score].value for one in of[name].each if one.extractable] for name in both}
        return {name: fmean(values) for name, values in found.items() if values}

    ours_read, theirs_read = readably(ours), readably(theirs)
    read = [name for name in both if name in ours_read and name in theirs_read]
    groups = [asked[name] for name in read]
    put_beside = paired if turn is None else paired_in_turn

    def at(look: Look) -> tuple[Paired, gates.Readable]:
        # Of alternatives with a least gain each bound must hold for all of them; for p that is Holm's to see to.
        alpha = look.alpha / _alternatives_to(task, hypothesis)
        return (
            put_beside(scores(ours, both), scores(theirs, both), [asked[name] for name in both], alpha=alpha),
            gates.Readable.of(
                [ours_read[name] for name in read],
                [theirs_read[name] for name in read],
                groups,
                turn is not None,
                alpha,
            ),
        )

    return _Pair(
        hypothesis, candidate, rival, score, *at(look),
        len(asked) - len(answered),
        tuple(name for name in both if ours[name].scores[score].value < theirs[name].scores[score].value),
        look,
        at(Look(1)) if look.number > 1 else None,
    )  # fmt: skip


def _alternatives_to(task: Task, hypothesis: Hypothesis | None) -> int:
    """How many hypotheses its family has, where it also asks for a least gain."""
    if hypothesis is None or not hypothesis.family or not hypothesis.min_gain:
        return 1
    return sum((one.family, one.candidate) == (hypothesis.family, hypothesis.candidate) for one in task.hypotheses)


def agreement(one: str, two: str, answers: Answers, split: str) -> Agreement:
    """How often the models ``one`` and ``two`` answered alike."""
    both = [
        pair
        for name, answer in answers[one].items()
        if answer.example.split == split and name in answers[two]
        for pair in zip(answer.each, answers[two][name].each, strict=False)
    ]
    return Agreement(
        one,
        two,
        same_text=sum(first.text == second.text for first, second in both),
        same_object=sum(
            first.value is not None and second.value is not None and canonical(first.value) == canonical(second.value)
            for first, second in both
        ),
        n=len(both),
    )
