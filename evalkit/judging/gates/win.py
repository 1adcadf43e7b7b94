"""``kind = "win"``: the candidate scores higher than the other, by ``min_gain`` at least where one is declared.

It is shown when the sign-flip test's one-sided p is at most the level of the candidate's look (0.025 where it spends
none, see ``evalkit.golden.looks``) and, with a least gain, the lower bound of the mean paired difference reaches it. It
is refuted when the upper bound is below the least gain (or, without one, not above 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.golden.hypotheses import Ground, Misdeclared, Terms, share
from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence
from evalkit.judging.reason import Outcome, Remark, Status

GAIN = True
KEYS = ("min_gain", "family")
PHRASES = {
    Status.SHIP: "beats {against}",
    Status.BLOCK: "does not beat {against}",
    Status.INCONCLUSIVE: "is not shown to beat {against}",
    "decision_lost": "It gains the format and loses the decision: {got}.",
    "would_show": "About {examples} would show a difference as large as this one.",
}


def read_terms(entry: Mapping[str, Any], _ground: Ground) -> Terms:
    """``min_gain`` is from 0 to 1, ``family`` a name that alternatives share."""
    family = entry.get("family", "")
    if not isinstance(family, str):
        raise Misdeclared(f"family is {family!r}, expected the name that alternative wins share")
    return Terms(min_gain=share(entry, "min_gain", "0 to 1"), family=family)


def decide(hypothesis: Hypothesis, evidence: Evidence) -> Outcome:
    """By p, and by the bounds of the difference."""
    gain, paired = hypothesis.min_gain, evidence.paired
    low, high = paired.decisive.low, paired.difference.high

    def answer(status: Status, *remarks: Remark) -> Outcome:
        return Outcome(hypothesis.kind, status, gain, remarks)

    if evidence.p is not None and evidence.p <= evidence.alpha and (gain == 0 or (low is not None and low >= gain)):
        decision = evidence.readable.difference
        if decision.high is not None and decision.high < 0:
            return answer(Status.BLOCK, Remark("decision_lost", got=decision))
        return answer(Status.SHIP)
    if high is not None and (high < gain or high <= 0):
        return answer(Status.BLOCK)
    if paired.needed is None:
        return answer(Status.INCONCLUSIVE)
    return answer(Status.INCONCLUSIVE, Remark("would_show", count=paired.needed))
