"""Inference by betting for a number of groups that was fixed before: a p and an interval of the mean of graded
differences that hold for every distribution on [-1, 1], also where a rare collapse pulls the mean.

A test of signs or of t is deceived by a model that is a little better on most examples and lost on few: in a small
sample the few may be missing. Who bets on the mean being above a bound, and can't go broke, can't expect to gain where
it is not, whatever the distribution; so a stake that grew 1/alpha times refutes the bound at the level alpha (Markov).

Bets aim at that goal, as it is known how many are left: each is as large as would reach the goal with those left, by
the spread seen so far, and at the goal no more is bet. A group is one bet, of a share that knows nothing of the group's
size, so that the mean is that over examples. The stake is averaged over 20 orders of the groups, which is a stake that
nobody can expect to gain from either; each order aims at twice the goal, so that half of them need to reach theirs.

Sources: I. Waudby-Smith and A. Ramdas (2024), Estimating means of bounded random variables by betting, J. R. Stat. Soc.
B 86, 1-27; V. Voracek and F. Orabona (2025), STaR-Bets: sequential target-recalculating bets for tighter confidence
intervals, arXiv:2505.22422; V. Vovk and R. Wang (2021), E-values, Ann. Stat. 49, 1736-1754 (averages).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, fsum, sqrt

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.intervals import ALPHA
from evalkit.stats.samples import Array, Clusters

_ORDERS = 20
_GOALS = 2.0
"""How many times 1 / alpha an order aims at: with 2, half of the orders are enough."""
LARGEST_SHARE = 0.99
"""The largest share of what is owned that is ever at stake."""
_FIRST_SQUARE = 0.25
"""The mean square of a difference, before any was seen."""
_MOST_BETS = 1500
"""With more groups several are one bet, so that nobody waits for them."""
_WIDER = np.geomspace(12, 0.2, 12)
_POINTS, _REFINED = 8, 4
"""So many bounds are tried at once, so often: the last step is about a thousandth of the standard error."""
_LEVELS = np.concatenate([np.geomspace(0.9, 0.0005, 80), np.geomspace(0.0004, 1e-6, 20)])
"""The levels that a p may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Bets:
    """Differences as they are bet on: what each bet may pay, and how much of the mean it is about.

    ``sums`` and ``sizes`` are of shape (bets, orders, 2), in shares of the largest bet: as they are, and of the models
    swapped.
    """

    sums: Array
    sizes: Array

    @classmethod
    def on(cls, clusters: Clusters) -> Bets:
        """On groups, in orders that know nothing of what they hold: only then can nobody expect to gain. The models
        swapped are bet on in the same orders."""
        count = clusters.sums.size
        orders = np.tile(np.arange(count), (_ORDERS if count <= _MOST_BETS else _ORDERS // 2, 1))
        orders = np.random.default_rng(0).permuted(orders, axis=1)
        starts = np.arange(0, count, ceil(count / _MOST_BETS))
        sums, sizes = [], []
        for values in (clusters.sums, -clusters.sums):
            sums.append(np.add.reduceat(values[orders], starts, axis=1))
            sizes.append(np.add.reduceat(clusters.sizes[orders], starts, axis=1))
        largest = float(np.max(sizes))
        return cls(np.array(sums).T / largest, np.array(sizes).T / largest)

    def total(self, swapped: int) -> float:
        """The sum of all differences, in shares of the largest bet."""
        return fsum(self.sums[:, 0, swapped])


@dataclass(frozen=True, slots=True, eq=False)
class _Claims:
    """What is to be refuted: that the mean, of the models swapped where ``swapped`` is 1, is at most ``bounds``, each
    at its level of ``alphas``. All of shape (claims,)."""

    swapped: NDArray[np.int64]
    bounds: Array
    alphas: Array


def _refuted(bets: Bets, claims: _Claims) -> NDArray[np.bool_]:
    goal, most = np.log(_GOALS / claims.alphas), LARGEST_SHARE / (1 + claims.bounds)
    apart_of = bets.sums[:, :, claims.swapped] - claims.bounds * bets.sizes[:, :, claims.swapped]
    gained = np.zeros(apart_of.shape[1:])
    squares = np.full(gained.shape, _FIRST_SQUARE)
    count = len(apart_of)
    for turn, apart in enumerate(apart_of):
        share = np.maximum(goal - gained, 0)
        share *= 2 * (turn + 1) / (count - turn)
        share /= squares
        np.sqrt(share, out=share)
        np.minimum(share, most, out=share)
        share *= apart
        gained += np.log1p(share, out=share)
        squares += np.square(apart, out=apart)
    return np.asarray(np.exp(gained).mean(axis=0) >= (1 - 1e-9) / claims.alphas)


def one_sided_p(bets: Bets, swapped: int = 0, alpha: float = ALPHA) -> float:
    """The p of a mean of at most 0, where ``swapped`` is 1 of one of at least 0: the smallest level at which that is
    refuted, as it is at all larger ones.

    It is one of some hundred levels, among which are ``alpha`` and its half, third and so on to its tenth, down to
    1e-6; 1 where none refutes it.
    """
    if bets.total(swapped) <= 0:
        return 1.0
    shares = np.arange(1, 11)
    levels = np.unique(np.concatenate([_LEVELS, ALPHA / shares, alpha / shares]))[::-1]
    held = _refuted(bets, _Claims(np.full(levels.size, swapped), np.zeros(levels.size), levels))
    reached = _first_that_is_not(held)
    return float(levels[reached - 1]) if reached else 1.0


def intervals(bets: Bets, alphas: Sequence[float]) -> list[tuple[float, float]]:
    """The bounds of the mean, each of the one-sided level, for each of ``alphas``: up to the lower one and from the
    upper one on every mean is refuted. -1 or 1 where none is."""
    tails = [(swapped, alpha) for alpha in alphas for swapped in (0, 1)]
    size = fsum(bets.sizes[:, 0, 0])
    values = [bets.total(swapped) / size for swapped in (0, 1)]
    spread = fsum((bets.sums[:, 0, 0] - values[0] * bets.sizes[:, 0, 0]) ** 2)
    error = sqrt(spread + _FIRST_SQUARE) / size + 1 / size
    brackets = [(-1.0, values[swapped]) for swapped, _ in tails]
    # From the mean downwards, wider and wider; then finer between the last that is refuted and the next that is not.
    tried = [np.unique(np.maximum(values[swapped] - error * _WIDER, -1 + error / 100)) for swapped, _ in tails]
    for _ in range(_REFINED):
        counts = [points.size for points in tried]
        swaps, alphas_of = (np.repeat(side, counts) for side in zip(*tails, strict=True))
        held_of = np.split(_refuted(bets, _Claims(swaps, np.concatenate(tried), alphas_of)), np.cumsum(counts)[:-1])
        for tail, held in enumerate(held_of):
            points, (low, high) = tried[tail], brackets[tail]
            reached = _first_that_is_not(held)
            low = float(points[reached - 1]) if reached else low
            high = float(points[reached]) if reached < points.size else high
            brackets[tail], tried[tail] = (low, high), np.linspace(low, high, _POINTS + 2)[1:-1]
    lows = [low for low, _ in brackets]
    return [(lower, -upper) for lower, upper in zip(lows[::2], lows[1::2], strict=True)]


def _first_that_is_not(held: NDArray[np.bool_]) -> int:
    return int(held.size if held.all() else np.argmin(held))


@lru_cache(maxsize=256)
def least_below(count: int, alpha: float) -> float:
    """How far below 0 the bound of ``count`` groups is that differ nowhere."""
    nowhere = Clusters(np.zeros(count), np.ones(count))
    return -intervals(Bets.on(nowhere), [alpha])[0][0]
