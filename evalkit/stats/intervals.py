"""A figure with its interval: the Estimate, and the intervals of rates and means that need no resampling."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist

from numpy.typing import ArrayLike

from evalkit.stats.samples import NOISE, finite

LEVEL = 0.95
"""The confidence of every two-sided interval: each of its bounds alone is a one-sided 97.5 % bound."""

ALPHA = 0.025
"""The one-sided level of each of those bounds."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, the bounds of its two-sided interval, and the number of examples it rests on.

    None means "not estimable", and is never 0: without examples there is no value, and without spread
    (fewer than two examples or groups, or all alike) no interval, unless the method has one for that case.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


def check_level(level: float) -> None:
    """Raises ValueError unless ``level`` is a confidence between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")


def wilson(successes: int, n: int, level: float = LEVEL) -> Estimate:
    """The rate ``successes / n`` of independent examples with Wilson's score interval.

    It stays inside [0, 1], has a width at 0 and at n successes, and its coverage is near the level on
    average over rates (it may fall below it at single rates; ``clopper_pearson`` never does).
    Source: E. B. Wilson (1927), JASA 22, 209-212; method 3 of R. G. Newcombe (1998), Statist. Med. 17, 857-872.

    Raises ValueError where the counts are impossible. Without examples nothing is estimable.

    >>> e = wilson(81, 263)
    >>> round(e.low, 4), round(e.high, 4)
    (0.2553, 0.3662)
    """
    _check_counts(successes, n, level)
    if n == 0:
        return Estimate(None, None, None, 0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = successes / n
    centre = (successes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * sqrt(successes * (n - successes) / n + z * z / 4)
    # At the ends the formula gives 0 and 1 exactly; rounding must not push the bound past the rate.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Estimate(rate, low, high, n)


def clopper_pearson(successes: int, n: int, level: float = LEVEL) -> Estimate:
    """The rate ``successes / n`` of independent examples with the exact (tail-area) interval.

    Its coverage is at least the level at every rate, which makes it wider than Wilson's.
    Source: C. J. Clopper and E. S. Pearson (1934), Biometrika 26, 404-413, in its beta-quantile form.

    Raises ValueError where the counts are impossible. Without examples nothing is estimable.

    >>> e = clopper_pearson(81, 263)
    >>> round(e.low, 4), round(e.high, 4)
    (0.2527, 0.3676)
    """
    from scipy.special import betainccinv, betaincinv

    _check_counts(successes, n, level)
    if n == 0:
        return Estimate(None, None, None, 0)
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betainccinv(successes + 1, n - successes, tail))
    return Estimate(successes / n, low, high, n)


def mean_t(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of independent ``values`` with Student's t interval.

    Source: Student (1908), Biometrika 6, 1-25. One value, or values that are all equal, have no interval.
    Raises ValueError where a value is missing or not finite.

    >>> e = mean_t([1.0, 2.0, 3.0])
    >>> round(e.low, 3), e.value, round(e.high, 3)
    (-0.484, 2.0, 4.484)
    """
    from scipy.special import stdtrit

    check_level(level)
    array = finite(values)
    n = array.size
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = fsum(array) / n
    spread = sqrt(fsum((array - mean) ** 2) / (n - 1)) if n > 1 else 0.0
    if spread <= NOISE * float(abs(array).max()):
        return Estimate(mean, None, None, n)
    half = -float(stdtrit(n - 1, (1 - level) / 2)) * spread / sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)


def _check_counts(successes: int, n: int, level: float) -> None:
    check_level(level)
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be from 0 to n, got {successes!r} of {n!r}")
