"""How many examples a difference of graded scores needs to be shown by betting, and how small a one so many show.

Both are for the next run, from the spread that this one showed, as in ``planning``; betting holds for every
distribution and so takes more examples than the t test does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.fixed_betting import LARGEST_SHARE
from evalkit.stats.samples import finite, gather
from evalkit.stats.search import fewest

_NEARER = 0.4
"""Bets that aim at their goal reach it with so much less growth, in logarithms, than one bet of the best size would;
found by simulation (tests/stats/test_betting_power.py)."""
_SHARES = np.linspace(0.01, 1, 100)
_MOST = 10_000_000


def detectable_by_betting(
    differences: ArrayLike, alpha: float = 0.025, power: float = 0.8, groups: Sequence[str] | None = None
) -> float | None:
    """The smallest true mean paired difference that as many examples show by ``fixed_betting`` with this ``power``.

    An approximation: the stake of bets of a share s of what is owned grows as s times the mean less half the square of
    s times the mean square, and has to reach 1 / alpha by the best share that can't go broke, at a sample mean that is
    reached with this power. None where the spread is not estimable, and where no difference would do.
    Raises ValueError where a difference is not finite, or not 0 < alpha < power < 1.

    >>> round(detectable_by_betting([0.2, -0.1, 0.3, 0.0] * 30), 2)
    0.05
    """
    spread = _spread(differences, groups, alpha, power)
    if spread is None or spread.short(spread.groups, alpha, power, 1.0) > 0:
        return None
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if spread.short(spread.groups, alpha, power, middle) > 0 else (low, middle)
    return high


def needed_by_betting(
    differences: ArrayLike,
    effect: float,
    alpha: float = 0.025,
    power: float = 0.8,
    groups: Sequence[str] | None = None,
) -> int | None:
    """The fewest examples with which a true mean paired difference of ``effect`` is shown with this ``power``, in
    groups as large as the present ones are; as ``detectable_by_betting`` otherwise. None also where nobody has so many.
    Raises ValueError where ``effect`` is not above 0.

    >>> needed_by_betting([0.2, -0.1, 0.3, 0.0] * 30, 0.06)
    103
    """
    if not (effect > 0 and isfinite(effect)):
        raise ValueError(f"effect must be above 0, got {effect!r}")
    spread = _spread(differences, groups, alpha, power)
    if spread is None:
        return None
    count = fewest(lambda count: count > _MOST or spread.short(count, alpha, power, effect) <= 0, above=1)
    return None if count > _MOST else ceil(count * spread.examples / spread.groups)


@dataclass(frozen=True, slots=True)
class _Spread:
    """What was seen: in shares of the largest group, how much of the mean a bet is about (``part``), and the standard
    ``deviation`` of what it pays."""

    part: float
    deviation: float
    examples: int
    groups: int

    def short(self, count: int, alpha: float, power: float, mean: float) -> float:
        """By how much a true ``mean`` is too small to be shown by ``count`` groups; it falls as the mean grows."""
        goal = log(1 / alpha) - _NEARER
        square = self.deviation**2 + (self.part * mean) ** 2
        shares = _SHARES * LARGEST_SHARE
        asked = float((goal / (count * shares) + shares * square / 2).min())
        return asked + NormalDist().inv_cdf(power) * self.deviation / sqrt(count) - self.part * mean


def _spread(differences: ArrayLike, groups: Sequence[str] | None, alpha: float, power: float) -> _Spread | None:
    if not 0 < alpha < power < 1:
        raise ValueError(f"alpha and power must be 0 < alpha < power < 1, got {alpha!r} and {power!r}")
    array = finite(differences, "differences")
    clusters = gather(array, [str(number) for number in range(array.size)] if groups is None else groups)
    if clusters.sums.size < 2 or clusters.all_equal:
        return None
    part = clusters.examples / clusters.sums.size / float(clusters.sizes.max())
    return _Spread(part, clusters.deviation * part, clusters.examples, clusters.sums.size)
