"""What becomes of a verdict that is not its candidate's first, or comes when the test split is worn out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.golden.looks import FirstVerdict
from evalkit.judging.comparison import Comparison
from evalkit.judging.reason import Code, Reason, Status
from evalkit.judging.verdict import DECISIONS, Verdict


def key_of(comparison: Comparison) -> str:
    """By what a declared comparison of a candidate is known in the ledger."""
    return " ".join(
        filter(None, (comparison.kind, comparison.against, comparison.score, comparison.slice, comparison.family))
    )


def decided(
    verdict: Verdict, comparisons: Sequence[Comparison], first: FirstVerdict
) -> tuple[Verdict, list[Comparison]]:
    """``verdict`` and the ``comparisons`` of its candidate as the ``first`` verdict decided them.

    What was found now is shown beside it, and decides nothing: or else whoever asks again until it ships would ship.
    """
    status = Status(first.status)
    reason = Reason(Code.FIRST_VERDICT, model=verdict.backend, first=status, now=verdict.status, run=first.run)
    settled = [
        replace(item, status=Status(first.comparisons[key_of(item)]))
        if item.declared and item.candidate == verdict.backend and key_of(item) in first.comparisons
        else item
        for item in comparisons
    ]
    decision = DECISIONS.get(first.decision, "iterate")
    if status is verdict.status:
        return replace(verdict, open=first.open), settled
    return replace(
        verdict, status=status, reasons=(reason, *verdict.reasons), open=first.open, decision=decision, because=reason
    ), settled


def worn_out(verdict: Verdict, comparisons: Sequence[Comparison], planned: int) -> tuple[Verdict, list[Comparison]]:
    """``verdict`` on a candidate beyond the ``planned`` ones: nothing ships, and what is blocked stays so."""
    reason = Reason(Code.WORN_OUT, model=verdict.backend, count=planned)
    open_now = [
        replace(item, status=Status.INCONCLUSIVE)
        if item.declared and item.candidate == verdict.backend and item.status is Status.SHIP
        else item
        for item in comparisons
    ]
    if verdict.status is Status.BLOCK:
        return replace(verdict, reasons=(*verdict.reasons, reason)), open_now
    found = () if verdict.status is Status.SHIP else verdict.reasons
    return replace(
        verdict, status=Status.INCONCLUSIVE, reasons=(reason, *found), open=(), decision="iterate", because=reason
    ), open_now
