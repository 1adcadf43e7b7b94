"""How many examples a difference needs to be shown, and how small a difference so many examples can show.

Both are for the next run, from the spread that this one showed. Neither is a power of the run already made:
that says nothing its interval does not say better (J. M. Hoenig and D. M. Heisey (2001), Am. Stat. 55, 19-24).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, isnan, sqrt
from statistics import NormalDist

from numpy.typing import ArrayLike

from evalkit.stats.samples import finite, gather

_MANY = 1_000_000
"""From so many groups on, t and normal agree to a millionth, and the noncentral t is left alone."""

_HUGE = 1e6
"""An effect of so many standard deviations is shown by a handful of examples, and one of its inverse by none.
SciPy's noncentral t fails far outside this range."""


def examples_needed(
    differences: ArrayLike,
    effect: float,
    alpha: float = 0.025,
    power: float = 0.8,
    groups: Sequence[str] | None = None,
) -> int | None:
    """The fewest examples with which a true mean paired difference of ``effect`` is shown with this ``power``.

    "Shown" is a one-sided paired t test at ``alpha``, near which the exact test of right-or-wrong scores is; its
    power is that of the noncentral t distribution. The spread is that of ``differences`` (candidate minus other, one
    per example). With ``groups`` it is that between groups, linearised for groups of unequal size, and the
    answer is in examples of groups as large as the present ones are on average.
    Sources: J. Cohen (1988), Statistical Power Analysis, 2.3.5 and 2.4 (d_z); F. Faul et al. (2007), Behav. Res.
    Methods 39, 175-191; W. G. Cochran (1977), Sampling Techniques, 9A.2 (spread between groups).

    None where the spread is not estimable (fewer than two examples or groups, or no spread at all), and where
    the effect is under a millionth of it: no number of examples that anyone has shows that.
    Raises ValueError where ``effect`` is not above 0, a difference not finite, or not 0 < alpha < power < 1.

    >>> examples_needed([1, 0, 0, 1, -1, 0, 1, 0, 0, 0], effect=0.2)
    81
    """
    _check(alpha, power)
    if not (effect > 0 and isfinite(effect)):
        raise ValueError(f"effect must be above 0, got {effect!r}")
    spread = _spread(differences, groups)
    if spread is None:
        return None
    ratio = effect / spread.deviation
    normal = NormalDist()
    if ratio < 1 / _HUGE:
        return None
    least = ((normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)) / ratio) ** 2
    if least > _MANY:
        return ceil(least * spread.examples / spread.groups)
    # The normal approximation is never too many, and few short.
    count = max(2, int(least))
    while _power(min(ratio, _HUGE) * sqrt(count), count, alpha) < power:
        count += 1
    return -(-count * spread.examples // spread.groups)


def minimum_detectable(
    differences: ArrayLike,
    n: int,
    alpha: float = 0.025,
    power: float = 0.8,
    groups: Sequence[str] | None = None,
) -> float | None:
    """The smallest true mean paired difference that ``n`` examples show with this ``power``.

    In the unit of ``differences``; test, spread and sources are those of ``examples_needed``.
    None where the spread is not estimable or ``n`` is fewer than two examples or groups, and where so few are asked for
    so small an ``alpha`` that no difference anyone has would do.
    Raises ValueError where a difference is not finite, n negative, or not 0 < alpha < power < 1.

    >>> round(minimum_detectable([1, 0, 0, 1, -1, 0, 1, 0, 0, 0], n=81), 4)
    0.1993
    """
    _check(alpha, power)
    if n < 0:
        raise ValueError(f"n must not be negative, got {n!r}")
    spread = _spread(differences, groups)
    if spread is None:
        return None
    count = n * spread.groups / spread.examples
    if count < 2:
        return None
    if count > _MANY:
        noncentral = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)
    else:
        lower, upper = 0.0, 1.0
        while (reached := _power(upper, count, alpha)) < power:
            lower, upper = upper, 2 * upper
        if isnan(reached):
            return None  # so far out that nobody has such a difference
        # By halving and not with scipy.optimize, whose import takes longer than all that a run does besides.
        while (middle := (lower + upper) / 2) not in (lower, upper):
            lower, upper = (middle, upper) if _power(middle, count, alpha) < power else (lower, middle)
        noncentral = upper
    return noncentral * spread.deviation / sqrt(count)


@dataclass(frozen=True, slots=True)
class _Spread:
    """The standard deviation of one group's share in the mean, and what it was seen on."""

    deviation: float
    examples: int
    groups: int


def _spread(differences: ArrayLike, groups: Sequence[str] | None) -> _Spread | None:
    array = finite(differences, "differences")
    labels = [str(i) for i in range(array.size)] if groups is None else groups
    clusters = gather(array, labels)
    count = clusters.sums.size
    if count < 2 or clusters.all_equal:
        return None
    return _Spread(clusters.deviation, clusters.examples, count)


def _power(noncentral: float, count: float, alpha: float) -> float:
    """The power of the one-sided t test on ``count`` groups, whose noncentrality is ``noncentral``."""
    # Of scipy.special and not scipy.stats, which takes a second to import.
    from scipy.special import nctdtr, stdtrit

    return 1 - float(nctdtr(count - 1, noncentral, -stdtrit(count - 1, alpha)))


def _check(alpha: float, power: float) -> None:
    if not 0 < alpha < power < 1:
        raise ValueError(f"alpha and power must be 0 < alpha < power < 1, got {alpha!r} and {power!r}")
