"""Two independent sets of examples, as those with a tag and the rest are: their rates, and how far apart they are.

Scores are in [0, 1], of shape (examples, scores): a report has hundreds of these figures, so many scores are taken at
once, and nothing is drawn. Whether there is a difference at all, ``fisher`` and ``relabelling`` say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.intervals import LEVEL, Estimate
from evalkit.stats.samples import NOISE, Array

Marks = NDArray[np.bool_]

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


def right_or_wrong_columns(scores: Array) -> Marks:
    """Of each score whether all of its values are 0 or 1."""
    return np.asarray(np.isin(scores, (0.0, 1.0)).all(axis=0))


def part_rates(scores: Array, groups: Sequence[str]) -> list[Estimate]:
    """The mean of each score with a 95 % interval in closed form: Wilson's, at the effective number of examples.

    Where all values are 0 or 1 and no two examples share a group it is Wilson's own. Else n becomes the number of
    independent right-or-wrong examples whose mean would have the same cluster-robust variance,
    rate (1 - rate) / variance (no more than there are, where values are 0 or 1), times (z / t)^2 for the degrees of
    freedom, groups less one. Where all groups have one mean no variance is seen, and each group counts as one example.
    One group has no interval. Sources: E. L. Korn and B. I. Graubard (1998), Survey Methodology 24, 193-201 (effective
    size and t); C. Franco and others (2019), J. Surv. Stat. Methodol. 7, 334-364 (with Wilson's interval).

    >>> [e] = part_rates(np.array([[1.0], [1], [0], [1]]), ["a", "b", "c", "d"])
    >>> e.value, round(e.low, 3), round(e.high, 3)
    (0.75, 0.301, 0.954)
    """
    part = _part(scores, _numbers(groups))
    return [
        _estimate(float(part.rates[column]), float(part.lows[column]), float(part.highs[column]), len(scores))
        for column in range(scores.shape[1])
    ]


def gaps(scores: Array, inside: Marks, groups: Sequence[str]) -> list[Estimate]:
    """The mean of each score ``inside`` less that of the other examples, with a 95 % interval; n counts both.

    It joins the intervals of the two parts (``part_rates``): Newcombe's hybrid score interval where all values are 0 or
    1 and no two examples share a group. A group that has examples on both sides makes the two rates go together; their
    correlation, from the sums of each group's residuals, is allowed for.
    Sources: R. G. Newcombe (1998), Statist. Med. 17, 873-890, method 10; G. Y. Zou and A. Donner (2008), Statist. Med.
    27, 1693-1702 (any two intervals); G. Y. Zou (2007), Psychol. Methods 12, 399-413 (with correlation).

    Without examples on a side nothing is estimable; where a side has no interval, the difference has none.

    >>> scores = np.array([1.0] * 56 + [0.0] * 14 + [1.0] * 48 + [0.0] * 32)  # Newcombe's example (a): 56/70, 48/80
    >>> [e] = gaps(scores[:, None], np.arange(150) < 70, [str(number) for number in range(150)])
    >>> round(e.value, 4), round(e.low, 4), round(e.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    n, columns = scores.shape
    if inside.all() or not inside.any():
        return [Estimate(None, None, None, n)] * columns
    numbers = _numbers(groups)
    ours, theirs = (_part(scores[side], numbers[side]) for side in (inside, ~inside))
    both, mine, other = np.intersect1d(ours.groups, theirs.groups, assume_unique=True, return_indices=True)
    shared = (ours.residuals[mine] * theirs.residuals[other]).sum(axis=0) if both.size else np.zeros(columns)
    size = np.sqrt(ours.spread * theirs.spread)
    together = np.divide(shared, size, out=np.zeros(columns), where=size > 0)
    values = ours.rates - theirs.rates
    down = _joined(ours.rates - ours.lows, theirs.highs - theirs.rates, together)
    up = _joined(ours.highs - ours.rates, theirs.rates - theirs.lows, together)
    lows, highs = np.maximum(-1.0, values - down), np.minimum(1.0, values + up)
    return [_estimate(float(values[i]), float(lows[i]), float(highs[i]), n) for i in range(columns)]


def reaching_zero(difference: Estimate, p: float | None) -> Estimate:
    """``difference`` with the bound moved to 0 where ``p`` shows none at 5 %: p and interval speak with one voice.

    >>> reaching_zero(Estimate(-0.25, -0.5, -0.01, 40), 0.07)
    Estimate(value=-0.25, low=-0.5, high=0.0, n=40)
    """
    if p is None or p <= 1 - LEVEL or difference.low is None or difference.high is None:
        return difference
    return replace(difference, low=min(difference.low, 0.0), high=max(difference.high, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The mean of each score in one set of examples, with its interval (NaN where it has none), and the sums of the
    residuals of its ``groups``, of shape (groups, scores)."""

    rates: Array
    lows: Array
    highs: Array
    groups: NDArray[np.intp]
    residuals: Array

    @property
    def spread(self) -> Array:
        """The sum of the squared residuals of each score."""
        return np.asarray((self.residuals**2).sum(axis=0))


def _part(scores: Array, numbers: NDArray[np.intp]) -> _Part:
    from scipy.special import stdtrit

    n, columns = scores.shape
    order = np.argsort(numbers, kind="stable")
    present, starts, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
    count = present.size
    sums: Array = np.add.reduceat(scores[order], starts, axis=0) if n else np.zeros((0, columns))
    rates: Array = sums.sum(axis=0) / n if n else np.full(columns, nan)
    residuals: Array = sums - rates * sizes[:, None]
    if count < 2:
        return _Part(rates, np.full(columns, nan), np.full(columns, nan), present, residuals)
    variance = count / (count - 1) * (residuals**2).sum(axis=0) / n**2
    room, binary = rates * (1 - rates), right_or_wrong_columns(scores)
    seen = (np.sqrt(variance) > NOISE) & (room > NOISE)
    t = -float(stdtrit(count - 1, (1 - LEVEL) / 2))
    effective = np.divide(room, variance, out=np.full(columns, float(count)), where=seen)
    effective = np.where(binary, np.minimum(effective, n), effective)
    effective = np.where(seen, effective * (_Z / t) ** 2, effective)
    if count == n:
        effective = np.where(binary, n, effective)
    centre = (rates + _Z**2 / (2 * effective)) / (1 + _Z**2 / effective)
    half = _Z / (1 + _Z**2 / effective) * np.sqrt(room / effective + _Z**2 / (4 * effective**2))
    lows = np.clip(np.minimum(centre - half, rates), 0.0, 1.0)
    highs = np.clip(np.maximum(centre + half, rates), 0.0, 1.0)
    return _Part(rates, lows, highs, present, residuals)


def _numbers(groups: Sequence[str]) -> NDArray[np.intp]:
    return np.asarray(np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)[1])


def _joined(first: Array, second: Array, together: Array) -> Array:
    return np.sqrt(np.maximum(0.0, first**2 - 2 * together * first * second + second**2))


def _estimate(value: float, low: float, high: float, n: int) -> Estimate:
    value_, low_, high_ = (None if figure != figure else figure for figure in (value, low, high))
    return Estimate(value_, low_, high_, n)
