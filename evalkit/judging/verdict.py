"""Decides whether a backend ships: comparisons and thresholds in, SHIP, BLOCK or INCONCLUSIVE out, with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.judging import wording
from evalkit.judging.comparison import Comparison
from evalkit.judging.reason import Code, Reason, Status
from evalkit.stats.intervals import Estimate

Decision = Literal["keep", "iterate", "discard"]


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

    def __repr__(self) -> str:
        return wording.verdict(self)


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
    declared = [item for item in comparisons if item.candidate == backend and item.declared]
    weighed = [
        *_examples(failed, unanswered),
        *_thresholds(rates, thresholds),
        *((Status.SHIP if item.excused else item.status or Status.INCONCLUSIVE, item.reason) for item in declared),
    ]
    blocks, opens, holds = (
        [reason for status, reason in weighed if status is which]
        for which in (Status.BLOCK, Status.INCONCLUSIVE, Status.SHIP)
    )
    if blocks:
        status, reasons = Status.BLOCK, blocks + opens
    elif opens:
        status, reasons = Status.INCONCLUSIVE, opens
    else:
        status, reasons = Status.SHIP, holds or [Reason(Code.NOTHING_DECLARED)]
    left_open = [item.kind for item in declared if item.status is Status.INCONCLUSIVE and not item.excused]
    decision, because = _decision(status, declared, reasons[0])
    return Verdict(backend, status, tuple(reasons), tuple(dict.fromkeys(left_open)), decision, because)


def _examples(failed: Sequence[str], unanswered: Sequence[str]) -> Iterator[tuple[Status, Reason]]:
    if unanswered:
        yield Status.BLOCK, Reason(Code.UNANSWERED, examples=tuple(unanswered))
    if failed:
        yield Status.BLOCK, Reason(Code.MUST_PASS_WRONG, examples=tuple(failed))


def _thresholds(
    rates: Mapping[str, Mapping[str, Estimate]], thresholds: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[Status, Reason]]:
    for split, bounds in thresholds.items():
        for score, bound in bounds.items():
            rate = rates.get(split, {}).get(score)
            if rate is None or rate.value is None:
                yield Status.BLOCK, Reason(Code.NOTHING_SCORED, score=score, split=split, asked=bound)
            elif rate.value < bound:
                yield Status.BLOCK, Reason(Code.BELOW_THRESHOLD, score=score, split=split, got=rate, asked=bound)
            else:
                yield Status.SHIP, Reason(Code.MEETS_THRESHOLD, score=score, split=split, got=rate, asked=bound)


def _decision(status: Status, declared: Sequence[Comparison], first: Reason) -> tuple[Decision, Reason]:
    """Keep what ships; discard what the evidence is against; work on the rest."""
    if status is Status.SHIP:
        return "keep", Reason(Code.ALL_HOLDS)
    refuted = [item for item in declared if item.status is Status.BLOCK and not item.excused]
    if refuted:
        return "discard", refuted[0].reason
    return "iterate", first
