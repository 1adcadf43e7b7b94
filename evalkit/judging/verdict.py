"""Decides whether a backend ships: comparisons and thresholds in, a status out, with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist
from typing import Literal

from evalkit._internal.outside_text import one_line
from evalkit.judging import wording
from evalkit.judging.comparison import Comparison
from evalkit.judging.not_judged import NotJudged, reasons_of
from evalkit.judging.reason import NOT_JUDGED, Code, Reason, Status
from evalkit.stats.intervals import LEVEL, Estimate, wilson
from evalkit.stats.thresholds import chance_to_pass, standing

Decision = Literal["keep", "iterate", "discard"]
WORSE = 0.05
"""A sentence about a threshold says how often a model that is worse than it by this would pass."""
_NOISE = 1e-9
DECISIONS: Mapping[str, Decision] = {"keep": "keep", "iterate": "iterate", "discard": "discard"}


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """Whether one backend ships, and why. ``open`` are the kinds of hypothesis that were left open.

    ``decision`` is what to do with it in one word, and ``because`` the reason that decides that.
    """

    backend: str
    status: Status
    reasons: tuple[Reason, ...]
    open: tuple[str, ...]
    decision: Decision
    because: Reason

    @property
    def ships(self) -> bool:
        return self.status is Status.SHIP

    @property
    def is_red(self) -> bool:
        """Whether it fails the run whatever an open hypothesis is set to be: a declared rival was not asked, or the
        test split is worn out."""
        red = {*NOT_JUDGED, Code.WORN_OUT}
        return self.status is Status.INCONCLUSIVE and any(reason.code in red for reason in self.reasons)

    def __repr__(self) -> str:
        return one_line(wording.verdict(self))


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least rate of a score, and the ``rate`` that is held to it: of a split, or of the examples of the judged one
    that have the tag ``slice``. None where nothing was scored."""

    score: str
    least: float
    rate: Estimate | None
    split: str = "test"
    slice: str = ""


def thresholds_of(
    least: Mapping[str, Mapping[str, float]], rates: Mapping[str, Mapping[str, Estimate]]
) -> list[Threshold]:
    """The thresholds with the rates that are held to them, both by split and score."""
    return [
        Threshold(score, bound, rates.get(split, {}).get(score), split)
        for split, bounds in least.items()
        for score, bound in bounds.items()
    ]


def judge(
    backend: str,
    thresholds: Iterable[Threshold],
    comparisons: Iterable[Comparison],
    failed: Sequence[str],
    unanswered: Sequence[str],
    not_judged: Sequence[NotJudged] = (),
) -> Verdict:
    """The verdict on one backend.

    ``failed`` are must-pass examples that it got wrong, ``unanswered`` those it did not answer: neither ships. BLOCK
    beats INCONCLUSIVE. Where there is neither a threshold nor a hypothesis of it there is nothing to ship by:
    UNDECLARED. What is declared of it and ``not_judged`` leaves it open.
    """
    declared = [item for item in comparisons if item.candidate == backend and item.declared]
    weighed = [
        *_examples(failed, unanswered),
        *map(_held, thresholds),
        *((Status.SHIP if item.excused else item.status or Status.INCONCLUSIVE, item.reason) for item in declared),
        *((Status.INCONCLUSIVE, reason) for reason in reasons_of(not_judged)),
    ]
    blocks, opens, holds = (
        [reason for status, reason in weighed if status is which]
        for which in (Status.BLOCK, Status.INCONCLUSIVE, Status.SHIP)
    )
    if blocks:
        status, reasons = Status.BLOCK, blocks + opens
    elif opens:
        status, reasons = Status.INCONCLUSIVE, opens
    elif holds:
        status, reasons = Status.SHIP, holds
    else:
        status, reasons = Status.UNDECLARED, [Reason(Code.NOTHING_DECLARED)]
    left_open = [item.kind for item in declared if item.status is Status.INCONCLUSIVE and not item.excused]
    left_open += [item.kind for item in not_judged if item.leaves_open]
    decision, because = _decision(status, declared, reasons[0])
    return Verdict(backend, status, tuple(reasons), tuple(dict.fromkeys(left_open)), decision, because)


def blocked(verdict: Verdict, why: Reason) -> Verdict:
    """``verdict``, which would be SHIP, stopped by what nobody has to declare."""
    return replace(verdict, status=Status.BLOCK, reasons=(why, *verdict.reasons), decision="iterate", because=why)


def _examples(failed: Sequence[str], unanswered: Sequence[str]) -> Iterator[tuple[Status, Reason]]:
    if unanswered:
        yield Status.BLOCK, Reason(Code.UNANSWERED, examples=tuple(unanswered))
    if failed:
        yield Status.BLOCK, Reason(Code.MUST_PASS_WRONG, examples=tuple(failed))


def _held(item: Threshold) -> tuple[Status, Reason]:
    """How a rate stands to its threshold. On the line, where the threshold lies inside the interval, the rate decides,
    and the reason says how often a model that is ``WORSE`` would pass."""

    def reason(code: Code, got: Estimate | None) -> Reason:
        return Reason(code, score=item.score, split=item.split, got=got, asked=item.least, slice=item.slice)

    rate = item.rate
    place = None if rate is None else standing(rate, item.least)
    if rate is None or place is None:
        return Status.BLOCK, reason(Code.NOTHING_SCORED, None)
    met = place in ("met", "met on the line")
    if place in ("met", "missed") or rate.low is None or rate.high is None:
        return (Status.SHIP if met else Status.BLOCK), reason(
            Code.MEETS_THRESHOLD if met else Code.BELOW_THRESHOLD, rate
        )
    chance = chance_to_pass(rate.n, item.least, item.least - WORSE, _spread(rate))
    on_line = replace(reason(Code.ON_THE_LINE, rate), p=chance)
    return (Status.SHIP if met else Status.BLOCK), on_line


def _spread(rate: Estimate) -> float | None:
    """The spread that the chance to pass is reckoned by; None where it is exact: right or wrong, each example alone."""
    if rate.value is None or rate.low is None or rate.high is None:
        return None
    alone = wilson(round(rate.value * rate.n), rate.n)
    if alone.low is not None and abs(alone.low - rate.low) < _NOISE and abs((alone.value or 0) - rate.value) < _NOISE:
        return None
    return sqrt(rate.n) * (rate.high - rate.low) / (2 * NormalDist().inv_cdf((1 + LEVEL) / 2))


def _decision(status: Status, declared: Sequence[Comparison], first: Reason) -> tuple[Decision, Reason]:
    """Keep what ships; discard what the evidence is against; work on the rest."""
    if status is Status.SHIP:
        return "keep", Reason(Code.ALL_HOLDS)
    refuted = [item for item in declared if item.status is Status.BLOCK and not item.excused]
    if refuted:
        return "discard", refuted[0].reason
    return "iterate", first
