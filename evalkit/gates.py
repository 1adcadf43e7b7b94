"""Decides: comparisons and thresholds in, SHIP, BLOCK or INCONCLUSIVE out, each with its reasons.

A win is shown when the sign-flip test's one-sided p is at most 0.025. It is refuted when the upper bound of the
mean paired difference is below the declared least gain (or, without one, not above 0). Between the two, more
examples must tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from evalkit.metrics import Paired
from evalkit.stats.intervals import Estimate
from evalkit.tasks import Hypothesis

ALPHA = 0.025
"""One-sided level of a win: the two-sided 95 % interval's."""


class Status(StrEnum):
    """How a gate answers."""

    SHIP = "SHIP"
    BLOCK = "BLOCK"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two models on the same examples, by one score. Undeclared pairs are reported and never red.

    ``readable`` is the same difference on the examples that both answered readably: what is left of it when
    the format is set aside.
    """

    candidate: str
    against: str
    score: str
    declared: bool
    status: Status | None
    paired: Paired
    readable: Estimate
    reason: str

    @property
    def holds(self) -> bool:
        """False only for a declared hypothesis that was not shown."""
        return not self.declared or self.status is Status.SHIP

    def __repr__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """Whether one backend ships, and why."""

    backend: str
    status: Status
    reasons: tuple[str, ...]

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
    readable: Estimate,
    missing: int = 0,
) -> Comparison:
    """Judges one pair; ``hypothesis`` is None where nothing was declared about it.

    ``missing`` examples are not in ``paired``, because one of the two left them unanswered. With any, a win
    is not shown: a model that died on the hard ones would be beaten on the easy ones.
    """
    difference = paired.difference
    figures = (
        f"{points(difference.value)} points (95 % {points(difference.low)} to {points(difference.high)}, "
        f"p = {'not estimable' if paired.p is None else format(paired.p, '.4f')}, n = {difference.n}; "
        f"{paired.wins} better, {paired.losses} worse)"
    )
    if hypothesis is None:
        return Comparison(
            candidate, against, score, False, None, paired, readable,
            f"{candidate} against {against} on {score}: {figures}; nothing was declared of this pair.",
        )  # fmt: skip
    status = _win(hypothesis, paired)
    if missing and status is Status.SHIP:
        status = Status.INCONCLUSIVE
    told = {
        Status.SHIP: "beats",
        Status.BLOCK: "does not beat",
        Status.INCONCLUSIVE: "is not shown to beat",
    }[status]
    more = ""
    if missing:
        more = f" {missing} examples were not answered by both."
    elif status is Status.INCONCLUSIVE and paired.needed is not None:
        more = f" About {paired.needed} examples would show a difference as large as this one."
    reason = f"{candidate} {told} {against} on {score}: {figures}.{more}"
    return Comparison(candidate, against, score, True, status, paired, readable, reason)


def _win(hypothesis: Hypothesis, paired: Paired) -> Status:
    high = paired.difference.high
    if paired.p is not None and paired.p <= ALPHA and (paired.difference.low or 0) >= hypothesis.min_gain:
        return Status.SHIP
    if high is not None and (high < hypothesis.min_gain or high <= 0):
        return Status.BLOCK
    return Status.INCONCLUSIVE


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
        blocks.append(f"{len(unanswered)} examples stayed unanswered ({_some(unanswered)}).")
    if failed:
        blocks.append(f"{len(failed)} must-pass examples are wrong ({_some(failed)}).")
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
    for comparison in comparisons:
        if comparison.candidate == backend and comparison.declared:
            {Status.BLOCK: blocks, Status.INCONCLUSIVE: opens, Status.SHIP: holds}[
                comparison.status or Status.INCONCLUSIVE
            ].append(comparison.reason)
    if blocks:
        return Verdict(backend, Status.BLOCK, tuple(blocks + opens))
    if opens:
        return Verdict(backend, Status.INCONCLUSIVE, tuple(opens))
    return Verdict(backend, Status.SHIP, tuple(holds) or ("Nothing was declared that could stop it.",))


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
