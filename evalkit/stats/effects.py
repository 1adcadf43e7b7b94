"""How large a paired difference is, on scales that don't depend on the unit or the number of examples.

The standardised differences and the rank correlation come without an interval: the mean difference has one, and
these say its size again on another scale.
"""

from __future__ import annotations

from math import fsum, sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.intervals import LEVEL, Estimate, clopper_pearson
from evalkit.stats.samples import NOISE, Array, finite, pairs
from evalkit.stats.wilcoxon import signed_ranks


def cohen_d_z(differences: ArrayLike) -> Estimate:
    """Cohen's d_z: the mean paired difference in standard deviations of the differences themselves.

    It is the t of the paired t test over sqrt(n), and what decides how many examples show a difference. It
    grows with the agreement of the two models, so it can't be held against a d of unpaired samples; for that
    there is ``cohen_d_pooled``. No correction for small samples (Hedges' g).
    Sources: J. Cohen (1988), Statistical Power Analysis, 2.3.5; D. Lakens (2013), Front. Psychol. 4:863.

    ``n`` is the number of pairs. Not estimable with fewer than two, and where all differences are equal.
    Raises ValueError where a difference is not finite.

    >>> cohen_d_z([1, 2, 3])
    Estimate(value=2.0, low=None, high=None, n=3)
    """
    array = finite(differences, "differences")
    deviation = sqrt(_variance(array))
    value = None if deviation == 0 else fsum(array) / array.size / deviation
    return Estimate(value, None, None, array.size)


def cohen_d_pooled(candidate: ArrayLike, against: ArrayLike) -> Estimate:
    """Cohen's d with the pooled standard deviation: the difference of the two means in that of the scores.

    sqrt((s_1^2 + s_2^2) / 2), the two variances divided by n - 1. It does not use that the scores are paired, and
    so compares with a d of unpaired samples. No correction for small samples (Hedges' g).
    Sources: J. Cohen (1988), Statistical Power Analysis, 2.2; D. Lakens (2013), Front. Psychol. 4:863 (d_s).

    ``n`` is the number of pairs. Not estimable with fewer than two, and where neither model's scores vary.
    Raises ValueError where a score is not finite or the lengths differ.

    >>> cohen_d_pooled([2, 3, 4], [1, 2, 3])
    Estimate(value=1.0, low=None, high=None, n=3)
    """
    ours, theirs = pairs(candidate, against, ("candidate", "against"))
    deviation = sqrt((_variance(ours) + _variance(theirs)) / 2)
    value = None if deviation == 0 else (fsum(ours) - fsum(theirs)) / ours.size / deviation
    return Estimate(value, None, None, ours.size)


def rank_biserial(differences: ArrayLike) -> Estimate:
    """The matched-pairs rank-biserial correlation, in [-1, 1]: what Wilcoxon's test is about, as a size.

    Kerby's simple difference, the share of the rank sum above 0 less the share below. Ranks are those of
    ``wilcoxon.signed_ranks``: rounded against float noise, without the pairs that do not differ. So 1 says that
    no pair that differs favours the other, however few of them there are: ``n`` counts those, and not all pairs.
    Source: D. S. Kerby (2014), Compr. Psychol. 3, 11.IT.3.1.

    Not estimable where fewer than two pairs differ: one has a sign, and its rank says nothing.
    Raises ValueError where a difference is not finite.

    >>> rank_biserial([0.5, 0.25, 0.25, 0.0, -0.1])
    Estimate(value=0.8, low=None, high=None, n=4)
    """
    signed = signed_ranks(differences)
    value = int(signed.sum()) / int(np.abs(signed).sum()) if signed.size > 1 else None
    return Estimate(value, None, None, signed.size)


def discordant_odds_ratio(gained: int, lost: int, level: float = LEVEL) -> Estimate:
    """The conditional odds ratio of paired right-or-wrong examples, gained / lost, with its exact interval.

    ``gained`` counts the pairs where only the candidate is right, ``lost`` those where only the other is. The
    bounds are those of Clopper and Pearson for gained of gained + lost, as odds; they exclude 1 where the
    exact McNemar test is significant.
    Source: M. W. Fagerland, S. Lydersen and P. Laake (2014), Statist. Med. 33, 2850-2875.

    ``n`` is the number of discordant pairs, as the others don't enter. Not estimable without one. With no loss
    the ratio and its upper bound are infinite, which JSON can't say: both are None, and the lower bound stands.
    Raises ValueError where a count is negative.

    >>> e = discordant_odds_ratio(3, 0)
    >>> e.value, round(e.low, 4), e.high, e.n
    (None, 0.4132, None, 3)
    >>> e = discordant_odds_ratio(25, 2)
    >>> e.value, round(e.low, 2), round(e.high, 1), e.n
    (12.5, 3.12, 108.9, 27)
    """
    if min(gained, lost) < 0:
        raise ValueError(f"counts must not be negative, got {gained!r} and {lost!r}")
    # The upper bound is the lower one of the models swapped, upside down: so it has all its digits near 1 of n.
    low, swapped = _lowest_odds(gained, lost, level), _lowest_odds(lost, gained, level)
    return Estimate(gained / lost if lost else None, low, 1 / swapped if swapped else None, gained + lost)


def _lowest_odds(successes: int, failures: int, level: float) -> float | None:
    low = clopper_pearson(successes, successes + failures, level).low
    return None if low is None else low / (1 - low)


def _variance(array: Array) -> float:
    """0 with fewer than two numbers, and where they differ by float noise only."""
    if array.size < 2 or np.ptp(array) <= NOISE * np.abs(array).max():
        return 0.0
    mean = fsum(array) / array.size
    return fsum((array - mean) ** 2) / (array.size - 1)
