"""Fisher's exact test: whether some of the examples are right more or less often than the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.samples import NOISE, Array


def fisher(right: int, n: int, all_right: int, all_n: int) -> float:
    """The two-sided p of ``right`` of ``n`` examples, where ``all_right`` of ``all_n`` are right with the rest.

    Twice the smaller tail of the hypergeometric distribution, at most 1: so each direction alone errs in 2.5 % at most.
    Sources: R. A. Fisher (1935), J. R. Stat. Soc. 98, 39-82; M. P. Fay (2010), Biostatistics 11, 373-374 (twice one
    tail). Raises ValueError where the counts are impossible.

    >>> round(fisher(3, 3, 3, 6), 9)
    0.1
    """
    from scipy.special import gammaln

    if not (0 <= right <= n <= all_n and right <= all_right <= all_n and n - right <= all_n - all_right):
        raise ValueError(f"impossible counts: {right} of {n} among {all_right} of {all_n}")

    def log_choose(total: int, some: NDArray[np.int64]) -> Array:
        return np.asarray(gammaln(total + 1) - gammaln(some + 1) - gammaln(total - some + 1), dtype=float)

    counts = np.arange(max(0, n + all_right - all_n), min(n, all_right) + 1)
    logs = log_choose(all_right, counts) + log_choose(all_n - all_right, n - counts)
    chances = np.exp(logs - logs.max())
    tails = (float(chances[side].sum()) for side in (counts <= right, counts >= right))
    p = 2 * min(tails) / float(chances.sum())
    return 1.0 if p > 1 - NOISE else p
