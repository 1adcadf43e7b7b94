"""Inference by betting: an interval and a p that hold whenever one stops to look.

Whoever bets on the mean being above a bound, and can't go broke, can't expect to gain where it is not: by Ville's
inequality the chance that the stake ever grows 1/alpha times is at most alpha. So a comparison can be looked at after
every example, and ended when it is settled, without more false alarms than one look at the end would give.

Source: I. Waudby-Smith and A. Ramdas (2024), Estimating means of bounded random variables by betting, Journal of the
Royal Statistical Society B 86, 1-27. Here the stake is spread over fixed bets (the method of mixtures), which is no
function of the data and so needs no tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.fixed_betting import least_below
from evalkit.stats.intervals import ALPHA, LEVEL, Estimate, check_level
from evalkit.stats.samples import Array, finite

_BETS = np.linspace(0.05, 0.95, 19)
"""Shares of the largest bet that can't go broke."""
_BOUNDS = np.round(np.arange(-0.9975, 1, 0.0025), 4)
"""Where the interval may end."""


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Groups in the order seen: the sum of each one's values and its size, of shape (groups,), and the size of the
    ``largest`` that may come. A bet is a share of that one's worth, whatever the size of the group it is made on: so
    the mean that is bet on is that over examples."""

    sums: Array
    sizes: Array
    largest: float

    @property
    def mean(self) -> float:
        """Over examples. Needs one."""
        return fsum(self.sums) / fsum(self.sizes)


def capital(values: ArrayLike | Turns, bound: float) -> Array:
    """The stake after each of ``values``, shape (n,), of bets on their mean being above ``bound``; it begins at 1.

    ``values`` are in [-1, 1], in the order seen, or ``in_groups`` of such; ``bound`` is above -1 and below 1. Where the
    mean of each value, given those before it, is at most ``bound``, this is a nonnegative supermartingale: an
    e-process. Raises ValueError.

    >>> [round(stake, 3) for stake in capital([1, 1, -1], 0.0).tolist()]
    [1.5, 2.325, 0.938]
    """
    if not -1 < bound < 1:
        raise ValueError(f"bound must be between -1 and 1, got {bound!r}")
    return np.asarray(_capitals(_turns(values), np.array([bound]))[0])


def in_groups(values: ArrayLike, groups: Sequence[str], largest: int | None = None) -> Turns:
    """``values``, in [-1, 1], by group, in the order in which groups begin: what is bet on where examples belong
    together. ``largest`` is the size of the largest group of all that might be asked, which is known before anything
    is; without it that of those seen. Raises ValueError.

    >>> turns = in_groups([1.0, 0.0, 1.0], ["b", "b", "a"])
    >>> turns.sums.tolist(), turns.sizes.tolist(), turns.largest
    ([1.0, 1.0], [2.0, 1.0], 2.0)
    """
    by_group: dict[str, list[float]] = {}
    for value, group in zip(_checked(values).tolist(), groups, strict=True):
        by_group.setdefault(group, []).append(value)
    sums = np.array([fsum(members) for members in by_group.values()], dtype=float)
    sizes = np.array([len(members) for members in by_group.values()], dtype=float)
    return Turns(sums, sizes, max(largest or 1, float(sizes.max(initial=1))))


def _turns(values: ArrayLike | Turns) -> Turns:
    if isinstance(values, Turns):
        return values
    sample = _checked(values)
    return Turns(sample, np.ones(sample.size), 1.0)


def _checked(values: ArrayLike) -> Array:
    sample = finite(values, "values")
    if sample.size and np.abs(sample).max() > 1:
        raise ValueError(f"values must be from -1 to 1, got {sample.min():g} to {sample.max():g}")
    return sample


def _capitals(turns: Turns, bounds: Array) -> Array:
    """``capital`` for each bound, shape (bounds, n)."""
    stakes = np.zeros((bounds.size, turns.sums.size))
    apart = (turns.sums - bounds[:, None] * turns.sizes) / turns.largest
    with np.errstate(over="ignore"):  # a stake beyond all numbers is still larger than what it is compared with
        for bet in _BETS:
            stakes += np.cumprod(1 + bet / (1 + bounds)[:, None] * apart, axis=1)
    return np.asarray(stakes / _BETS.size)


def anytime_p(values: ArrayLike | Turns) -> float | None:
    """The one-sided p of a mean above 0, valid at any time: the inverse of the largest stake so far. None without
    values.

    >>> anytime_p([1] * 8) < 0.025 < anytime_p([1] * 5)
    True
    """
    turns = _turns(values)
    if not turns.sums.size:
        return None
    return float(min(1.0, 1 / _capitals(turns, np.zeros(1)).max()))


def confidence_sequence(values: ArrayLike | Turns, level: float = LEVEL) -> Estimate:
    """The mean of ``values``, in [-1, 1] and in the order seen, with an interval that holds at every moment at once.

    With ``in_groups`` it is the mean over examples, and ``n`` counts these. Each of its bounds alone is a one-sided one
    of ``(1 + level) / 2``, and is a multiple of 0.0025 or the end of the range; the interval is moved out to the value
    where it had left it behind. Without values nothing is estimable.

    >>> interval = confidence_sequence([1, 0, 1, 1, 0, 1, 1, 1, 1, 0] * 5)
    >>> interval.value, interval.low, interval.high
    (0.7, 0.48, 0.875)
    """
    check_level(level)
    turns = _turns(values)
    if not turns.sums.size:
        return Estimate(None, None, None, 0)
    swapped = Turns(-turns.sums, turns.sizes, turns.largest)
    low, high = _lower(turns, level), -_lower(swapped, level)
    return Estimate(turns.mean, min(low, turns.mean), max(high, turns.mean), round(fsum(turns.sizes)))


def _lower(turns: Turns, level: float) -> float:
    """The largest bound up to which each was ever rejected."""
    rejected = _capitals(turns, _BOUNDS).max(axis=1) >= 2 / (1 - level)
    count = int(np.argmin(rejected)) if not rejected.all() else rejected.size
    return float(_BOUNDS[count - 1]) if count else -1.0


def smallest_margin_graded(pieces: int, alpha: float = ALPHA) -> float | None:
    """The margin that so many independent ``pieces`` can't go below for graded scores: with no difference at all, the
    lower bound of ``fixed_betting`` is minus this at the one-sided level ``alpha``. A share in (0, 1].

    It is what ``tango.smallest_margin`` is for scores of right or wrong. None without pieces.
    Raises ValueError where ``pieces`` is negative.

    >>> round(smallest_margin_graded(130), 3), round(smallest_margin_graded(130, 0.0125), 3)
    (0.028, 0.034)
    """
    check_level(1 - 2 * alpha)
    if pieces < 0:
        raise ValueError(f"pieces must not be negative, got {pieces!r}")
    return least_below(pieces, alpha) if pieces else None
