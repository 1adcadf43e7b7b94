"""Which scores the steps of a lineage lost: by the p of a loss, corrected over all steps and scores at once.

Scores that gate are one family, and all others are another, so that what is only watched costs the gates nothing. In
each a loss is *lost* where Holm's p is at most the family's level. One that only its own p shows *may* be lost: of so
many comparisons some do so by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.judging.cause import Explanation
from evalkit.judging.comparison import Comparison
from evalkit.judging.reason import Status
from evalkit.stats.intervals import ALPHA, Estimate

WATCHED_ALPHA = ALPHA
"""Where no step loses anything, one of the scores that do not gate is named as lost with this chance at most."""

Standing = Literal["lost", "may_be_lost"]


@dataclass(frozen=True, slots=True)
class LostScore:
    """A score that a step lost, or may have lost: ``standing`` says which.

    ``p`` is one-sided, of a loss at all; ``corrected`` is Holm's over the ``over`` comparisons of its family.
    ``lost`` counts the examples with a lower score, ``elsewhere`` those of them that the step's cause does not touch.
    ``explained`` is whether the cause accounts for all of the lost examples, for some, or for none.
    """

    score: str
    against: str
    difference: Estimate
    wins: int
    losses: int
    lost: int
    elsewhere: int
    explained: Literal["all", "some", "none"]
    standing: Standing = "lost"
    p: float | None = None
    corrected: float | None = None
    over: int = 0


def losses(
    gates: Sequence[Comparison], watched: Sequence[Comparison], made: tuple[int, int], why: Explanation
) -> tuple[LostScore, ...]:
    """What a step lost or may have lost. ``made`` says how many comparisons each of the two families has, ``why`` what
    changed the answers of the step."""
    of_gates: dict[tuple[str, str, str], LostScore] = {}
    for gate in gates:
        key = (gate.score, gate.against, gate.slice)
        # Two hypotheses about one pair rest on the same figures.
        if (standing := _standing_of_gate(gate)) and (key not in of_gates or standing == "lost"):
            of_gates[key] = _lost_score(gate, standing, made[0], why)
    of_watched = (
        _lost_score(item, standing, made[1], why)
        for item in watched
        if (standing := standing_of(item.paired.p_worse, item.p_worse))
    )
    return (*of_gates.values(), *of_watched)


def standing_of(p: float | None, corrected: float | None) -> Standing | None:
    """How a loss with this ``p`` stands, Holm's p being ``corrected``; None where not even its own p shows it.

    >>> standing_of(0.0001, 0.0054), standing_of(0.01, 0.54), standing_of(0.2, 1.0)
    ('lost', 'may_be_lost', None)
    """
    if p is None or corrected is None:
        return None
    if corrected <= WATCHED_ALPHA:
        return "lost"
    return "may_be_lost" if p <= ALPHA else None


def _standing_of_gate(gate: Comparison) -> Standing | None:
    """What is red is lost, and what is met has lost no more than it may."""
    if gate.status is Status.BLOCK:
        return "lost"
    p = gate.paired.p_worse
    return "may_be_lost" if gate.status is Status.INCONCLUSIVE and p is not None and p <= ALPHA else None


def _lost_score(comparison: Comparison, standing: Standing, made: int, why: Explanation) -> LostScore:
    touched = {*why.touched}
    lost, elsewhere = len(comparison.lost), sum(name not in touched for name in comparison.lost)
    explained: Literal["all", "some", "none"] = "none"
    if touched and not elsewhere:
        explained = "all"
    elif lost > elsewhere:
        explained = "some"
    paired = comparison.paired
    return LostScore(
        comparison.score, comparison.against, paired.difference, paired.wins, paired.losses, lost, elsewhere, explained,
        standing, paired.p_worse, comparison.p_worse, made,
    )  # fmt: skip
