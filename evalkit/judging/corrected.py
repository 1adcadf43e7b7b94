"""Many comparisons at once: what each p is worth, and how many there were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.stats.holm import holm

Family = Literal["lineage_gates", "lineage_scores", "baseline", "rival_better", "rival_worse", "no_loss", "wins"]
"""What comparisons are about that are corrected together."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Comparisons that were corrected together, by Holm. ``of`` says what they are about.

    ``made`` comparisons were made, and ``found`` of them show what was looked for (a win, or a loss) at the level
    ``alpha`` that all of them share.
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


def count(of: Iterable[Correction]) -> tuple[int, int]:
    """How many comparisons were made in all, and how many of them show something."""
    corrections = list(of)
    return sum(item.made for item in corrections), sum(item.found for item in corrections)
