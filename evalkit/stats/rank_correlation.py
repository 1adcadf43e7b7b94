"""Whether two figures rise together, by their ranks, and how often chance does as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.samples import Array, gather, pairs

_TIE = 1e-12
_ROWS = 1 << 10
"""Orders looked at at once: bounds the memory, and makes no difference to the figures."""


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Spearman's ``rho`` over ``n`` groups, and its two-sided ``p``; both None where one side does not vary."""

    rho: float | None
    p: float | None
    n: int


def rank_correlation(
    x: ArrayLike, y: ArrayLike, groups: Sequence[str], draws: int = 10_000, seed: int = 0
) -> RankCorrelation:
    """Spearman's rank correlation of ``x`` and ``y``, one value of each per example, and its permutation p.

    Examples of one group are one piece of evidence: their means are what is ranked. Were the two unrelated, any order
    of the ``x`` of the groups would do as well; p is the share of orders whose rho is at least as far from 0. All
    orders are tried where these are at most ``draws``, and p is exact; else ``draws`` are drawn and
    p = (b + 1) / (draws + 1).
    Sources: C. Spearman (1904), Am. J. Psychol. 15, 72-101; B. Phipson and G. K. Smyth (2010), Stat. Appl. Genet. Mol.
    Biol. 9, article 39 (why the + 1).

    The same in any order of examples, and by ``seed``. Raises ValueError where a value is not finite, the lengths
    differ or a label is empty.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 30, 40], ["a", "b", "c", "d"])
    RankCorrelation(rho=1.0, p=0.08333333333333333, n=4)
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws!r}")
    first, second = (gather(values, groups) for values in pairs(x, y, ("x", "y")))
    ours, theirs = unit_ranks(first.sums / first.sizes), unit_ranks(second.sums / second.sizes)
    n = int(ours.size)
    if not ours.any() or not theirs.any():
        return RankCorrelation(None, None, n)
    rho = float(np.clip(ours @ theirs, -1, 1))
    exact = n <= 20 and factorial(n) <= draws
    orders = _all_orders(ours) if exact else _drawn_orders(ours, draws, seed)
    hits = sum(int(np.count_nonzero(np.abs(rows @ theirs) >= abs(rho) - _TIE)) for rows in orders)
    return RankCorrelation(round(rho, 12), hits / factorial(n) if exact else (hits + 1) / (draws + 1), n)


def unit_ranks(values: ArrayLike) -> Array:
    """Ranks about 0, of length 1, ties shared; all 0 where the values are equal.

    >>> unit_ranks([5, 1, 3]).round(3)
    array([ 0.707, -0.707,  0.   ])
    """
    from scipy.stats import rankdata

    array = np.asarray(values, dtype=float)
    ranks = rankdata(array) if array.size else array
    apart = ranks - ranks.mean() if ranks.size else ranks
    size = float(np.sqrt((apart**2).sum()))
    return np.asarray(apart / size if size > 0 else apart, dtype=float)


def _all_orders(ranks: Array) -> Iterator[Array]:
    yield np.array(list(permutations(ranks.tolist())))


def _drawn_orders(ranks: Array, draws: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _ROWS):
        yield rng.permuted(np.tile(ranks, (min(_ROWS, draws - start), 1)), axis=1)
