"""``kind = "win"``: the candidate scores higher than the other, by ``min_gain`` at least where one is declared.

It is shown when the one-sided p is at most the level of the candidate's look (0.025 where it spends none, see
``evalkit.golden.looks``) and, with a least gain, the lower bound of the mean paired difference reaches it. p decides,
never the interval: exact by counting where scores are right or wrong, by betting where they are graded
(``evalkit.stats.paired``). It is refuted when the upper bound is below the least gain (or, without one, below 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.golden.hypotheses import Ground, Misdeclared, Terms, share
from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence
from evalkit.judging.reason import Outcome, Remark, Status
from evalkit.stats.paired import FEWEST_FLIPS

GAIN = True
KEYS = ("min_gain", "family")
PHRASES = {
    Status.SHIP: "beats {against}",
    Status.BLOCK: "does not beat {against}",
    Status.INCONCLUSIVE: "is not shown to beat {against}",
    "few_flips": "{examples} with another score: too few to say how many would show it.",
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
        return answer(Status.SHIP)
    if high is not None and high < gain:
        return answer(Status.BLOCK)
    if 0 < (flips := paired.wins + paired.losses) < FEWEST_FLIPS:
        return answer(Status.INCONCLUSIVE, Remark("few_flips", count=flips))
    if paired.needed is None:
        return answer(Status.INCONCLUSIVE)
    return answer(Status.INCONCLUSIVE, Remark("would_show", count=paired.needed))
