"""The rate of a score, in [0, 1] for each example, with its interval and its n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.intervals import Estimate, wilson
from evalkit.stats.samples import gather


def rate(values: Sequence[float], groups: Sequence[str], seed: int = 0) -> Estimate:
    """The mean score of the examples, with its 95 % interval.

    ``values`` are in [0, 1], one per example, unreadable answers as 0; ``groups`` are the labels, an example's id
    where it has no group. Where all scores are 0 or 1 and no group has two examples the interval is Wilson's,
    else the cluster bootstrap's (BCa). Rests on all examples; without any nothing is estimable.
    Raises ValueError where a score is outside [0, 1], or a label is empty.

    >>> e = rate([1, 1, 0, 1], ["a", "b", "c", "d"])
    >>> e.value, round(e.low, 3), round(e.high, 3)
    (0.75, 0.301, 0.954)
    """
    clusters = gather(values, groups)
    if clusters.sizes.max(initial=1) == 1 and np.isin(clusters.sums, (0.0, 1.0)).all():
        return wilson(int(clusters.sums.sum()), clusters.examples)
    return cluster_bootstrap(values, groups, seed=seed, bounds=(0.0, 1.0))
