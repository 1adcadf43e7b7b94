"""A model beside each of its rivals: by field, by cost and by time, and which of the two is the right pick.

The primary score comes first: a model that is worse there is the right pick for nobody who can pay for the other.
Between models of which neither is worse the cost of a call decides, where it is known of both.

A field is better or worse by p, as in a verdict, Holm's over all fields of the pair: of many fields some differ by
chance. Of several tested models each two stand beside each other, and Holm's is over all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Literal, TypeVar

from evalkit.judging.answer import Answer
from evalkit.judging.corrected import Correction, corrected
from evalkit.judging.reason import Status
from evalkit.stats.intervals import ALPHA, Estimate
from evalkit.stats.paired import Paired, paired, paired_in_turn

HOURS = 730
"""Hours of a month: a twelfth of 8,760."""

_Name = TypeVar("_Name")

Standing = Literal["better", "worse", "no worse", "open"]
"""By p of the difference, one way and the other; else by the lower bound of its 95 % interval, which is above the
margin downwards, or not."""

DecidedBy = Literal["score", "cost", "nothing"]


@dataclass(frozen=True, slots=True)
class Field:
    """A score of the candidate less the rival's, over the examples that both answered. ``p`` is of its being better,
    ``p_worse`` of its being worse, both Holm's over all fields of the pair."""

    difference: Estimate
    standing: Standing
    p: float | None = None
    p_worse: float | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """What a model costs and takes. ``cost`` is in US dollars per 1,000 calls, ``p50`` and ``mean`` in seconds, all
    None where not known; ``hourly`` is the price of its machine, which a model behind an API does not have."""

    name: str
    cost: float | None = None
    p50: float | None = None
    mean: float | None = None
    hourly: float | None = None


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From how many ``calls`` a month on a machine that is paid for by the hour costs less than an API by the call.

    ``month`` is what the machine costs in US dollars for ``hours``, ``most`` how many calls it answers one at a time.
    """

    hours: int
    month: float
    calls: float
    most: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Two models beside each other; ``fields`` by score. ``in_turn`` is true where the rival was asked until all was
    settled.

    ``pick`` is the right one by the ``primary`` score or, where neither is worse there by ``margin``, by the cost of a
    call: ``by`` says which. It is empty where nothing decides. ``verdict`` is the candidate's, None where it has none.
    ``ours`` and ``theirs`` are what the two cost and take. ``peers`` is true where both are tested.
    """

    candidate: str
    against: str
    fields: Mapping[str, Field]
    ours: Side
    theirs: Side
    primary: str
    margin: float
    pick: str = ""
    by: DecidedBy = "nothing"
    break_even: BreakEven | None = None
    verdict: Status | None = None
    in_turn: bool = False
    peers: bool = False

    @property
    def correction(self) -> Correction:
        """How many fields were compared, and how many differ; each way is a family."""
        differ = sum(field.standing in ("better", "worse") for field in self.fields.values())
        return Correction("rival", f"{self.candidate} and {self.against}", len(self.fields), differ, ALPHA)

    @property
    def saved(self) -> float | None:
        """What 1,000 calls of the candidate cost less than the rival's; None where one of the two is not known."""
        if self.ours.cost is None or self.theirs.cost is None:
            return None
        return self.theirs.cost - self.ours.cost


@dataclass(frozen=True, slots=True)
class PairTerms:
    """By what two models are compared: their ``answers`` by model and example, on one ``split``, and the ``margin``
    that one may lose and still be no worse. ``turn`` are the rival's examples in the order in which it was asked, where
    it was asked until all was settled."""

    answers: Mapping[str, Mapping[str, Answer]]
    split: str
    primary: str
    margin: float
    turn: Sequence[str] | None = None


def recommend(candidate: Side, rival: Side, by: PairTerms, verdict: Status | None) -> Recommendation:
    """Which of the two is the right pick. ``verdict`` is the candidate's."""
    pairs = dict(_paired(by.answers[candidate.name], by.answers[rival.name], by))
    return _recommendation(candidate, rival, by, _fields(pairs, by.margin), verdict)


def recommend_peers(sides: Sequence[Side], by: PairTerms, verdicts: Mapping[str, Status]) -> Iterator[Recommendation]:
    """Each two of the tested models, by name: nobody declared anything of them, and the order in which they were named
    means nothing. ``verdicts`` are by model."""
    beside = list(combinations(sorted(sides, key=lambda side: side.name), 2))
    pairs = {
        (first.name, second.name, score): pair
        for first, second in beside
        for score, pair in _paired(by.answers[first.name], by.answers[second.name], by)
    }
    fields = _fields(pairs, by.margin)
    for first, second in beside:
        own = {score: field for (*names, score), field in fields.items() if names == [first.name, second.name]}
        yield replace(_recommendation(first, second, by, own, verdicts.get(first.name)), peers=True)


def _recommendation(
    candidate: Side, rival: Side, by: PairTerms, fields: Mapping[str, Field], verdict: Status | None
) -> Recommendation:
    pick, decided_by = _pick(candidate, rival, fields[by.primary]) if by.primary in fields else ("", "nothing")
    return Recommendation(
        candidate.name, rival.name, fields, candidate, rival, by.primary, by.margin, pick, decided_by,
        _break_even(candidate, rival), verdict, in_turn=by.turn is not None,
    )  # fmt: skip


def _fields(pairs: Mapping[_Name, Paired], margin: float) -> dict[_Name, Field]:
    ps = corrected([pair.p for pair in pairs.values()])
    ps_worse = corrected([pair.p_worse for pair in pairs.values()])
    return {
        name: Field(pair.difference, standing(pair.difference, p, p_worse, margin), p, p_worse)
        for (name, pair), p, p_worse in zip(pairs.items(), ps, ps_worse, strict=True)
    }


def _paired(ours: Mapping[str, Answer], theirs: Mapping[str, Answer], by: PairTerms) -> Iterator[tuple[str, Paired]]:
    whole = {name: answer.example.group for name, answer in ours.items() if answer.example.split == by.split}
    largest = max(Counter(whole.values()).values(), default=1)
    put_beside = paired if by.turn is None else partial(paired_in_turn, largest=largest)
    examples = list(whole) if by.turn is None else by.turn
    both = [name for name in examples if name in ours and name in theirs]
    for score in dict.fromkeys(score for name in both for score in ours[name].scores):
        scored = [name for name in both if score in ours[name].scores and score in theirs[name].scores]
        first, second = ([side[name].scores[score].value for name in scored] for side in (ours, theirs))
        yield score, put_beside(first, second, [ours[name].example.group for name in scored])


def standing(difference: Estimate, p: float | None, p_worse: float | None, margin: float) -> Standing:
    """What is shown: by ``p`` that it is better, by ``p_worse`` that it is worse, by the bound that it is no worse.

    >>> standing(Estimate(0.1, 0.02, 0.2, 80), 0.01, 0.99, 0.05)
    'better'
    >>> standing(Estimate(0.0, -0.2, 0.2, 80), 0.5, 0.5, 0.05)
    'open'
    """
    if p is not None and p <= ALPHA:
        return "better"
    if p_worse is not None and p_worse <= ALPHA:
        return "worse"
    return "no worse" if difference.low is not None and difference.low > -margin else "open"


def _pick(ours: Side, theirs: Side, field: Field) -> tuple[str, DecidedBy]:
    """Which of the two, and what decides it."""
    if field.standing in ("better", "worse"):
        return (ours.name if field.standing == "better" else theirs.name), "score"
    if field.standing == "open" or ours.cost is None or theirs.cost is None or ours.cost == theirs.cost:
        return "", "nothing"
    return (ours.name if ours.cost < theirs.cost else theirs.name), "cost"


def _break_even(ours: Side, theirs: Side) -> BreakEven | None:
    """None where the candidate's machine is not paid for by the hour, or the rival not by the call."""
    if ours.hourly is None or ours.mean is None or ours.cost is None:
        return None
    if theirs.hourly is not None or theirs.cost is None or theirs.cost <= 0:
        return None
    month = HOURS * ours.hourly
    return BreakEven(HOURS, month, 1000 * month / theirs.cost, HOURS * 3600 / ours.mean)
