"""Wilcoxon's signed-rank test: whether the larger of the paired differences are to one side."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.stats.samples import finite

DECIMALS = 12
"""Differences of scores are rounded to so many decimals before they are ranked: else the float noise of
0.3 - 0.1 and 0.2 would break their tie, and that of 0.1 + 0.2 - 0.3 would have a rank of its own."""

_EXACT = 50
"""Up to so many differences the null distribution is counted out; its counts then fit 64 bits with room."""


@dataclass(frozen=True, slots=True)
class Wilcoxon:
    """The rank sums of the differences above 0 (``plus``) and below (``minus``), and p.

    ``n`` counts the pairs, ``zeros`` those without a difference, which have no rank. ``p_better`` is one-sided
    and small where the candidate is better; None is "not estimable".
    """

    plus: float
    minus: float
    n: int
    zeros: int
    p_better: float | None
    p_two_sided: float | None


def signed_ranks(differences: ArrayLike) -> NDArray[np.int64]:
    """*Twice* the ranks of the differences that are not 0, by size, each with the sign of its difference.

    Shape (pairs that differ,), in their order. Ties share the mean of their ranks, which doubled is a whole
    number. Differences are rounded to ``DECIMALS`` before, and those of 0 dropped, as by Wilcoxon.
    Raises ValueError where a difference is not finite.

    >>> signed_ranks([0.5, 0.0, 0.3 - 0.1, -0.2])
    array([ 6,  3, -3])
    """
    array = finite(differences, "differences")
    # Python's round and not NumPy's, which overflows for large numbers.
    rounded = np.array([round(x, DECIMALS) for x in array.tolist()], dtype=float)
    rounded = rounded[rounded != 0]
    _, group, ties = np.unique(np.abs(rounded), return_inverse=True, return_counts=True)
    last = np.cumsum(ties)
    # First rank of a group of ties plus its last: twice their mean.
    doubled = 2 * last - ties + 1
    signed: NDArray[np.int64] = (np.sign(rounded) * doubled[group]).astype(np.int64)
    return signed


def wilcoxon(differences: ArrayLike) -> Wilcoxon:
    """Wilcoxon's signed-rank test of independent paired differences, candidate minus other.

    Were the models alike, each rank might as well have come with the other sign. Pairs without a difference
    are dropped (Wilcoxon's method, not Pratt's). With up to 50 left, p is exact, ties or none: all sign
    patterns are counted by their rank sum. Above, it is the normal approximation with the variance corrected
    for ties, sum of rank^2 / 4, and no correction for continuity. ``p_two_sided`` is twice the smaller tail, at
    most 1. It tests ranks, not the mean difference, and knows nothing of groups: where a group has more than one
    example, take ``permutation.sign_flip``.
    Sources: F. Wilcoxon (1945), Biometrics Bull. 1, 80-83; B. Streitberg and J. Röhmel (1986), Statist. Software
    Newsl. 12, 10-17 (exact, with ties); M. Hollander and D. A. Wolfe (1999), Nonparametric Statistical Methods,
    3.1 (normal approximation, ties).

    p is None without pairs, and 1.0 where none differs. Raises ValueError where a difference is not finite.

    >>> wilcoxon([0.5, 0.25, 0.25, 0.0, -0.1])
    Wilcoxon(plus=9.0, minus=1.0, n=5, zeros=1, p_better=0.125, p_two_sided=0.25)
    """
    signed = signed_ranks(differences)
    n, ranks = int(np.size(differences)), np.abs(signed)
    if not ranks.size:
        p = 1.0 if n else None
        return Wilcoxon(0.0, 0.0, n, n, p, p)
    plus, minus = int(ranks[signed > 0].sum()), int(ranks[signed < 0].sum())
    tail = _counted_tail if ranks.size <= _EXACT else _normal_tail
    # Either rank sum has the same distribution: that of the other side's is the lower tail of this one's.
    better, worse = tail(ranks, plus), tail(ranks, minus)
    return Wilcoxon(plus / 2, minus / 2, n, n - ranks.size, better, min(1.0, 2 * min(better, worse)))


def _counted_tail(ranks: NDArray[np.int64], least: int) -> float:
    """The share of the sign patterns whose doubled rank sum is at least ``least``."""
    patterns = np.zeros(int(ranks.sum()) + 1, dtype=np.int64)
    patterns[0] = 1
    for rank in ranks.tolist():
        # The right side is worked out before it is added, so no rank is taken twice.
        patterns[rank:] = patterns[rank:] + patterns[:-rank]
    return int(patterns[least:].sum()) / 2.0**ranks.size


def _normal_tail(ranks: NDArray[np.int64], least: int) -> float:
    deviation = sqrt(sum(rank * rank for rank in ranks.tolist())) / 2
    # erfc keeps its digits far out, where 1 - cdf would be 0.
    return erfc((least - int(ranks.sum()) / 2) / deviation / sqrt(2)) / 2
