"""Decides: comparisons and thresholds in, SHIP, BLOCK or INCONCLUSIVE out, each with its reasons.

A win is shown when the sign-flip test's one-sided p is at most the level of the candidate's look (0.025 where it spends
none, see ``evalkit.golden.looks``) and, where a least gain is declared, the lower bound of the mean paired difference
reaches it. It is refuted when the upper bound is below the least gain (or, without one, not above 0).

No loss is shown when the lower bound is above the margin, downwards, and refuted when the upper is below it.
Equivalence is that in both directions. Between the two, more examples must tell. What shows has bounds of that
level; what refutes, those of the two-sided 95 % interval.

Both look a second time at the examples that both models answered readably: who gains the format and loses the
decision has won nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, inf
from typing import Literal

from evalkit.golden.looks import Look
from evalkit.golden.model import Hypothesis
from evalkit.stats.intervals import ALPHA, Estimate
from evalkit.stats.paired import Paired, difference, difference_in_turn
from evalkit.stats.tango import examples_to_rule_out, smallest_margin

NO_LOOK = Look()
"""Of what is judged for itself: a development split, or a pair that was only asked for."""


class Status(StrEnum):
    """How a gate answers."""

    SHIP = "SHIP"
    BLOCK = "BLOCK"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Readable:
    """Two models on the examples that both answered readably: what is left of a difference when the format is set
    aside. ``decisive`` has bounds of the level that decides; ``least`` is the smallest margin that so many examples
    could show at it with no difference at all."""

    difference: Estimate
    decisive: Estimate
    least: float | None

    @classmethod
    def of(
        cls,
        ours: Sequence[float],
        theirs: Sequence[float],
        groups: Sequence[str],
        in_turn: bool = False,
        alpha: float = ALPHA,
    ) -> Readable:
        """From the scores on those examples, ``in_turn`` where they are in the order in which they were asked;
        ValueError as ``difference``."""
        differ = difference_in_turn if in_turn else difference
        found = differ(ours, theirs, groups)
        decisive = found if alpha == ALPHA else differ(ours, theirs, groups, alpha=alpha)
        return cls(found, decisive, smallest_margin(len(set(groups)), 1 - 2 * alpha))


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two models on the same examples, by one score. A pair that was only asked for is reported and never red.

    ``lost`` are the examples on which the candidate scores less, ``family`` and ``where`` those of its hypothesis.
    ``p`` is the one that decides: in a family of alternatives, Holm's. ``excused`` is set where an alternative holds.
    """

    candidate: str
    against: str
    score: str
    kind: Literal["win", "no_loss", "equivalent", "asked"]
    status: Status | None
    paired: Paired
    readable: Readable
    p: float | None
    reason: str
    lost: tuple[str, ...] = ()
    family: str = ""
    where: str = ""
    excused: bool = False

    @property
    def holds(self) -> bool:
        """False only for a declared hypothesis that was not shown, where no alternative to it was."""
        return self.kind == "asked" or self.status is Status.SHIP or self.excused

    def __repr__(self) -> str:
        return self.reason


Decision = Literal["keep", "iterate", "discard"]


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """Whether one backend ships, and why. ``open`` are the kinds of hypothesis that were left open.

    ``decision`` is what to do with it in one word and ``because`` in one sentence, with examples to look at.
    """

    backend: str
    status: Status
    reasons: tuple[str, ...]
    open: tuple[str, ...] = ()
    decision: Decision = "iterate"
    because: str = ""

    @property
    def ships(self) -> bool:
        return self.status is Status.SHIP

    def __repr__(self) -> str:
        return f"{self.backend}: {self.status}. " + " ".join(self.reasons)


def points(value: float | None) -> str:
    """A difference of rates, as signed points.

    >>> points(0.125), points(None)
    ('+12.5', 'not estimable')
    """
    return "not estimable" if value is None else f"{value * 100:+.1f}"


def percent(value: float | None) -> str:
    """A rate as a percentage.

    >>> percent(0.946), percent(None)
    ('94.6 %', 'not estimable')
    """
    return "not estimable" if value is None else f"{value * 100:.1f} %"


def compare(
    hypothesis: Hypothesis | None,
    candidate: str,
    against: str,
    score: str,
    paired: Paired,
    readable: Readable,
    missing: int = 0,
    lost: Sequence[str] = (),
    p: float | None = None,
    look: Look = NO_LOOK,
    first: tuple[Paired, Readable] | None = None,
) -> Comparison:
    """Judges one pair; ``hypothesis`` is None, or not declared, where the pair was only asked for.

    ``missing`` examples are not in ``paired``, because one of the two left them unanswered. With any, nothing
    is shown: a model that died on the hard ones would be beaten on the easy ones. ``p`` stands in for the pair's
    own where the hypothesis is one of several alternatives. ``paired`` and ``readable`` are of the level of ``look``,
    ``first`` has the same two at that of a first look, where it is not the first.
    """
    p = paired.p if p is None else p
    figures = _figures(paired, p)
    if hypothesis is None:
        reason = f"{candidate} against {against} on {score}: {figures}; nothing was declared of this pair."
        return Comparison(candidate, against, score, "asked", None, paired, readable, p, reason, tuple(lost))
    status, more = _judged(hypothesis, paired, readable, p, look.alpha)
    if status is Status.INCONCLUSIVE and look.number:
        more += _of_look(hypothesis, paired, readable, p, look, first)
    if missing:
        status = Status.INCONCLUSIVE if status is Status.SHIP else status
        more = f" {missing} examples were not answered by both."
    told = _TOLD[hypothesis.kind][status].format(f"{against} on {score}", points(hypothesis.margin)[1:])
    named = f" Lost: {abbreviate(lost)}." if lost and status is not Status.SHIP else ""
    reason = f"{candidate} {told}: {figures}.{more}{named}"
    if not hypothesis.declared:
        reason += " Nothing was declared of this pair."
        return Comparison(candidate, against, score, "asked", None, paired, readable, p, reason, tuple(lost))
    return Comparison(
        candidate, against, score, hypothesis.kind, status, paired, readable, p, reason, tuple(lost),
        hypothesis.family, hypothesis.where,
    )  # fmt: skip


def _judged(
    hypothesis: Hypothesis, paired: Paired, readable: Readable, p: float | None, alpha: float
) -> tuple[Status, str]:
    if hypothesis.kind == "win":
        return _win(hypothesis, paired, readable, p, alpha)
    return _same(hypothesis, paired, readable, 1 - 2 * alpha)


def _of_look(
    hypothesis: Hypothesis,
    paired: Paired,
    readable: Readable,
    p: float | None,
    look: Look,
    first: tuple[Paired, Readable] | None,
) -> str:
    """What nothing but its look keeps a hypothesis from; empty where it is not for that."""
    alone = replace(paired, decisive=paired.difference), replace(readable, decisive=readable.difference)
    if _judged(hypothesis, *alone, p, ALPHA)[0] is not Status.SHIP:
        return ""
    bounds = paired.decisive
    told = (
        f" Look {look.number} at this split asks for p <= {look.alpha:.3g}, and for the {100 * look.level:.4g} % "
        f"interval ({points(bounds.low)} to {points(bounds.high)})."
    )
    if first is None or _judged(hypothesis, *first, p, Look(1).alpha)[0] is not Status.SHIP:
        return told
    return told + (
        " At a first look it would be shown: this test split is worn out. Retire it with `evalkit freeze --renew`, and "
        "write a new one."
    )


_TOLD = {
    "win": {
        Status.SHIP: "beats {0}",
        Status.BLOCK: "does not beat {0}",
        Status.INCONCLUSIVE: "is not shown to beat {0}",
    },
    "no_loss": {
        Status.SHIP: "does not lose to {0} by more than {1} points",
        Status.BLOCK: "loses to {0} by more than {1} points",
        Status.INCONCLUSIVE: "is not shown not to lose to {0} by more than {1} points",
    },
    "equivalent": {
        Status.SHIP: "is equivalent to {0} within {1} points",
        Status.BLOCK: "differs from {0} by more than {1} points",
        Status.INCONCLUSIVE: "is not shown to be equivalent to {0} within {1} points",
    },
}


def _figures(paired: Paired, p: float | None) -> str:
    difference = paired.difference
    return (
        f"{points(difference.value)} points (95 % {points(difference.low)} to {points(difference.high)}, "
        f"p = {'not estimable' if p is None else format(p, '.4f')}, n = {difference.n}; "
        f"{paired.wins} better, {paired.losses} worse)"
    )


def _win(
    hypothesis: Hypothesis, paired: Paired, readable: Readable, p: float | None, alpha: float
) -> tuple[Status, str]:
    low, high = paired.decisive.low, paired.difference.high
    gain = hypothesis.min_gain
    if p is not None and p <= alpha and (gain == 0 or (low is not None and low >= gain)):
        worse = readable.difference.high
        if worse is not None and worse < 0:
            return Status.BLOCK, f" It gains the format and loses the decision: {_readably(readable)}."
        return Status.SHIP, ""
    if high is not None and (high < gain or high <= 0):
        return Status.BLOCK, ""
    if paired.needed is None:
        return Status.INCONCLUSIVE, ""
    return Status.INCONCLUSIVE, f" About {paired.needed} examples would show a difference as large as this one."


def _same(hypothesis: Hypothesis, paired: Paired, readable: Readable, level: float) -> tuple[Status, str]:
    overall = _within(paired.difference, paired.decisive, hypothesis)
    among = _within(readable.difference, readable.decisive, hypothesis)
    worse = "worse" if hypothesis.kind == "no_loss" else "another one"
    if among is Status.BLOCK:
        return Status.BLOCK, f" The decision is {worse}: {_readably(readable)}."
    if overall is Status.INCONCLUSIVE:
        return overall, _enough(hypothesis, paired, level)
    if overall is not Status.SHIP or among is Status.SHIP:
        return overall, ""
    if readable.least is None or readable.least >= hypothesis.margin:
        return overall, f" Too few to compare by the decision alone: {_readably(readable)}."
    return Status.INCONCLUSIVE, f" The decision may be {worse}: {_readably(readable)}."


def _enough(hypothesis: Hypothesis, paired: Paired, level: float) -> str:
    """How many examples would show it, were the difference the one seen; empty where no number of them would.

    By the smallest difference that the present ones show with power 0.8, which falls with the square root of n; where
    scores are right or wrong also by the interval that decides, with as many flips in a hundred as now.
    """
    found, least, margin = paired.difference, paired.detectable, hypothesis.margin
    room = margin - abs(found.value or 0.0) if hypothesis.kind == "equivalent" else margin + (found.value or 0.0)
    if found.value is None or room <= 0:
        return ""
    needed = [] if least is None else [ceil(found.n * (least / room) ** 2)]
    if paired.effects.odds_ratio is not None:
        flips = [(paired.wins, paired.losses), (paired.losses, paired.wins)]
        for gained, lost in flips if hypothesis.kind == "equivalent" else flips[:1]:
            needed += [examples_to_rule_out(margin, gained, lost, found.n, level) or 0]
    return f" About {max(needed)} examples would tell." if needed and max(needed) > found.n else ""


def _within(difference: Estimate, decisive: Estimate, hypothesis: Hypothesis) -> Status:
    margin = hypothesis.margin
    upper = margin if hypothesis.kind == "equivalent" else inf
    if decisive.low is None or decisive.high is None or difference.low is None or difference.high is None:
        return Status.INCONCLUSIVE
    if -margin < decisive.low and decisive.high < upper:
        return Status.SHIP
    return Status.BLOCK if difference.high < -margin or difference.low > upper else Status.INCONCLUSIVE


def _readably(readable: Readable) -> str:
    found = readable.difference
    if found.value is None:
        return "no example was answered readably by both"
    return (
        f"{points(found.value)} points (95 % {points(found.low)} to {points(found.high)}) "
        f"on the {found.n} examples that both answered readably"
    )


def judge(
    backend: str,
    rates: Mapping[str, Mapping[str, Estimate]],
    thresholds: Mapping[str, Mapping[str, float]],
    comparisons: Iterable[Comparison],
    failed: Sequence[str],
    unanswered: Sequence[str],
) -> Verdict:
    """The verdict on one backend.

    ``rates`` and ``thresholds`` are by split and score. ``failed`` are must-pass examples that it got wrong,
    ``unanswered`` those it did not answer: neither ships. BLOCK beats INCONCLUSIVE.
    """
    blocks: list[str] = []
    opens: list[str] = []
    holds: list[str] = []
    if unanswered:
        blocks.append(f"{len(unanswered)} examples stayed unanswered ({abbreviate(unanswered)}).")
    if failed:
        blocks.append(f"{len(failed)} must-pass examples are wrong ({abbreviate(failed)}).")
    for split, least in thresholds.items():
        for score, bound in least.items():
            rate = rates.get(split, {}).get(score)
            name = score if split == "test" else f"{score} ({split})"
            if rate is None or rate.value is None:
                blocks.append(f"{name} has a threshold of {percent(bound)}, and nothing was scored.")
            elif rate.value < bound:
                blocks.append(f"{name} is {percent(rate.value)}, the task asks for {percent(bound)}.")
            else:
                holds.append(f"{name} {percent(rate.value)} >= {percent(bound)}.")
    own = [one for one in comparisons if one.candidate == backend and one.kind != "asked"]
    for one in own:
        status = Status.SHIP if one.excused else one.status or Status.INCONCLUSIVE
        {Status.BLOCK: blocks, Status.INCONCLUSIVE: opens, Status.SHIP: holds}[status].append(one.reason)
    left_open = tuple(dict.fromkeys(one.kind for one in own if one.status is Status.INCONCLUSIVE and not one.excused))
    if blocks:
        status, reasons = Status.BLOCK, blocks + opens
    elif opens:
        status, reasons = Status.INCONCLUSIVE, opens
    else:
        status, reasons = Status.SHIP, holds or ["Nothing was declared that could stop it."]
    decision, because = _decision(status, own, reasons[0])
    return Verdict(backend, status, tuple(reasons), left_open, decision, because)


def _decision(status: Status, comparisons: Sequence[Comparison], first: str) -> tuple[Decision, str]:
    """Keep what ships; discard what the evidence is against; work on the rest."""
    if status is Status.SHIP:
        return "keep", "all that was declared holds."
    refuted = [one for one in comparisons if one.status is Status.BLOCK and not one.excused]
    if refuted:
        return "discard", refuted[0].reason
    return "iterate", first


def abbreviate(names: Sequence[str], most: int = 3) -> str:
    """The first few of ``names``, and how many more there are.

    >>> abbreviate(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
