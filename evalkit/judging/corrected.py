"""Many comparisons at once: what each p is worth, and how many there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evalkit.judging.comparison import Comparison, Pair, judge_pair
from evalkit.judging.families import Adjusted
from evalkit.judging.gates import no_loss
from evalkit.judging.reason import Remark, Status
from evalkit.stats.holm import holm

Family = Literal["wins", "no_loss", "asked", "lineage_gates", "lineage_scores", "baseline", "rival", "slices"]
"""What comparisons are about that are corrected together."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Comparisons that were corrected together, by Holm. ``of`` says what they are about.

    ``made`` comparisons were made, and ``found`` of them show what was looked for (a win, a loss, a difference) at the
    one-sided level ``alpha``. ``about`` names the lineage, the baseline or the models. Wins are corrected within a
    family, slices score by score, the fields of a rival each way.
    """

    of: Family
    about: str
    made: int
    found: int
    alpha: float


def corrected(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's p of each, in the given order; None, which was not judged, counts too and stays None.

    >>> corrected([0.01, None, 0.5])
    [0.03, None, 1.0]
    """
    return [*holm({str(number): p for number, p in enumerate(ps)}).values()]


def judge_together(pairs: Sequence[Pair]) -> list[Comparison]:
    """Each of ``pairs``, with the p of a loss that is Holm's over them all.

    A no-loss is red only where that p shows a loss. That a loss lies beyond the margin is told by the interval of one
    pair alone, and of many pairs some lie there by chance.
    """
    ps = corrected([pair.paired.p_worse for pair in pairs])
    return [_among(judge_pair(pair, Adjusted(pair.paired.p, p)), len(pairs)) for pair, p in zip(pairs, ps, strict=True)]


def _among(comparison: Comparison, made: int) -> Comparison:
    outcome, p = comparison.outcome, comparison.p_worse
    if outcome is None or outcome.kind != no_loss.NAME or outcome.status is not Status.BLOCK:
        return comparison
    if p is not None and p <= no_loss.LOSS:
        return comparison
    outcome = replace(outcome, status=Status.INCONCLUSIVE, remarks=(Remark("among", count=made),))
    return replace(comparison, outcome=outcome, status=outcome.status if comparison.status else None)
