"""Tango's interval for right-or-wrong scores where examples come in groups: that of fewer examples, of as many as the
groups are worth."""

from __future__ import annotations

from math import isclose

import numpy as np

from evalkit.stats.intervals import ALPHA, Estimate
from evalkit.stats.samples import Clusters
from evalkit.stats.tango import lowest, quantile, tango

_FEW = 2.0
"""With so few groups that differ nothing is known of the correlation inside groups, and it is taken to be 1."""


def tango_in_groups(clusters: Clusters, gained: int, lost: int, alpha: float = ALPHA) -> Estimate:
    """The difference of two paired rates with an interval whose bounds are each of the one-sided level ``alpha``.

    ``clusters`` are the groups' differences, of ``gained`` examples that only the candidate has right and ``lost``
    ones. Where each group is one example, and where all are of one size and each is gained, lost or tied whole, it is
    Tango's of the groups. Else Tango's score interval is taken for n, gained and lost divided by the design effect
    (Kish), at the t quantile of as many groups of one size.

    The design effect is the cluster-robust variance of the mean over that of strangers, not below 1. It is uncertain by
    about two in the number of groups that differ, and its excess above 1 is raised by that, up to what groups that flip
    whole have; with two such groups or fewer it is that. Without any group that differs every group is one example: it
    might have flipped whole. Chosen by simulation (``benchmarks/coverage.py``, docs/statistics.md): without these
    corrections up to 7 % of the intervals lie wholly on one side of the truth, where 2.5 % is promised.

    Sources: T. Tango (1998), Statist. Med. 17, 891-908; L. Kish (1965), Survey Sampling, 8.2; J. N. K. Rao and A. J.
    Scott (1992), Biometrics 48, 577-585 (counts divided by the design effect).

    With fewer than two groups there is a value alone, without examples nothing.

    >>> import numpy as np
    >>> found = tango_in_groups(Clusters(np.array([-2.0, -1.0, *[0.0] * 90]), np.array([2.0] * 40 + [1.0] * 52)), 0, 3)
    >>> round(found.low, 3), round(found.high, 3)
    (-0.085, 0.025)
    """
    n, groups = clusters.examples, clusters.sums.size
    if groups < 2:
        return Estimate(clusters.mean if n else None, None, None, n)
    size = float(clusters.sizes[0])
    in_wholes = bool(np.isin(clusters.sums, (-size, 0.0, size)).all()) and np.abs(clusters.sums).sum() == gained + lost
    if in_wholes and bool((clusters.sizes == size).all()):
        ours, theirs = round(gained / size), round(lost / size)
        alone = tango(groups - ours - theirs, ours, theirs, 0, 1 - 2 * alpha)
        return Estimate(alone.value, alone.low, alone.high, n)
    effect, z = _design_effect(clusters, gained + lost), quantile(1 - 2 * alpha)
    if clusters.sums.any():
        from scipy.special import stdtrit

        alike = n**2 / float((clusters.sizes**2).sum())
        z = -float(stdtrit(max(alike - 1, 1.0), alpha))
    counts = gained / effect, lost / effect
    low, high = lowest(*counts, n / effect, z), -lowest(*counts[::-1], n / effect, z)
    return Estimate(clusters.mean, low, high, n)


def _design_effect(clusters: Clusters, flips: int) -> float:
    n, differ = clusters.examples, int(np.count_nonzero(clusters.sums))
    whole = float((clusters.sizes**2).sum()) / n
    if not differ:
        # Gains and losses inside a group may have cancelled: that tells of no group that flips whole.
        return n / clusters.sums.size
    strangers = flips - n * clusters.mean**2
    robust = float(((clusters.sums - clusters.mean * clusters.sizes) ** 2).sum())
    seen = 1.0 if isclose(strangers, 0, abs_tol=1e-9) else max(1.0, robust / strangers)
    raised = min(1 + (seen - 1) * (1 + 2 / differ), max(seen, whole))
    return max(raised, seen + max(0.0, whole - seen) * min(1.0, (_FEW / differ) ** 2))
