"""How large a paired difference is on other scales, and the p of tests that readers know from elsewhere.

All of it is for reference, and decides nothing. The standardised differences and the rank correlation come without an
interval: the mean difference has one, and these say its size again on another scale. None of the tests knows groups:
what decides is ``counting`` and ``fixed_betting``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.intervals import LEVEL, Estimate, clopper_pearson
from evalkit.stats.samples import DIGITS, NOISE, Array, finite, paired_scores, pairs, right_or_wrong
from evalkit.stats.wilcoxon import signed_ranks, wilcoxon


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
    _check_counts(gained, lost)
    # The upper bound is the lower one of the models swapped, upside down: so it has all its digits near 1 of n.
    low, swapped = _lowest_odds(gained, lost, level), _lowest_odds(lost, gained, level)
    return Estimate(gained / lost if lost else None, low, 1 / swapped if swapped else None, gained + lost)


def mcnemar_p(gained: int, lost: int) -> float:
    """The two-sided p of McNemar's exact conditional test, of independent pairs of right-or-wrong examples.

    ``gained`` counts the pairs where only the candidate is right, ``lost`` those where only the other is. Were the
    models alike, such a pair would fall to either side with probability 1/2: p is twice the smaller binomial tail, at
    most 1, and 1 where no pair is discordant. Raises ValueError where a count is negative.
    Sources: Q. McNemar (1947), Psychometrika 12, 153-157; exact form as in M. W. Fagerland, S. Lydersen and P. Laake
    (2013), BMC Med. Res. Methodol. 13:91.

    >>> mcnemar_p(7, 1)
    0.0703125
    """
    from scipy.special import bdtr

    _check_counts(gained, lost)
    return min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5)))


def paired_t_p(differences: ArrayLike) -> float | None:
    """The two-sided p of Student's paired t test: whether the mean of independent ``differences`` is 0.

    Exact for normal differences only, which scores of 0 and 1 never have.
    Source: Student (1908), Biometrika 6, 1-25.

    None with fewer than two pairs, and where all differences are equal. Raises ValueError where one is not finite.

    >>> round(paired_t_p([1, 2, 3]), 4)
    0.0742
    """
    from scipy.special import stdtr

    effect = cohen_d_z(differences)
    if effect.value is None:
        return None
    return 2 * float(stdtr(effect.n - 1, -abs(effect.value) * sqrt(effect.n)))


def _lowest_odds(successes: int, failures: int, level: float) -> float | None:
    low = clopper_pearson(successes, successes + failures, level).low
    return None if low is None else low / (1 - low)


def _check_counts(gained: int, lost: int) -> None:
    if min(gained, lost) < 0:
        raise ValueError(f"counts must not be negative, got {gained!r} and {lost!r}")


def _variance(array: Array) -> float:
    """0 with fewer than two numbers, and where they differ by float noise only."""
    if array.size < 2 or np.ptp(array) <= NOISE * np.abs(array).max():
        return 0.0
    mean = fsum(array) / array.size
    return fsum((array - mean) ** 2) / (array.size - 1)


@dataclass(frozen=True, slots=True)
class Effects:
    """The size of a paired difference on other scales, and the two-sided p of other tests: for reference.

    None of them knows groups. Right-or-wrong scores alone have an odds ratio and McNemar's p.
    """

    cohen_d_z: Estimate
    cohen_d_pooled: Estimate
    rank_biserial: Estimate
    odds_ratio: Estimate | None
    mcnemar_p: float | None
    wilcoxon_p: float | None
    t_p: float | None


def effects(candidate: Sequence[float], against: Sequence[float]) -> Effects:
    """``Effects`` of two models' scores, in [0, 1], on the same examples. Raises ValueError for a score that is not
    in [0, 1], and where the lengths differ.

    >>> result = effects([1, 1, 1, 0, 1], [0, 1, 0, 0, 1])
    >>> result.rank_biserial.value, result.mcnemar_p
    (1.0, 0.5)
    """
    ours, theirs = paired_scores(candidate, against)
    differences = np.round(ours - theirs, DIGITS)
    counts = (int((ours > theirs).sum()), int((ours < theirs).sum())) if right_or_wrong(ours, theirs) else None
    return Effects(
        cohen_d_z=cohen_d_z(differences),
        cohen_d_pooled=cohen_d_pooled(ours, theirs),
        rank_biserial=rank_biserial(differences),
        odds_ratio=discordant_odds_ratio(*counts) if counts else None,
        mcnemar_p=mcnemar_p(*counts) if counts and ours.size else None,
        wilcoxon_p=wilcoxon(differences).p_two_sided,
        t_p=paired_t_p(differences),
    )
