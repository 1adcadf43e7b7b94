"""A score beside the threshold that a task asks for: reached or not, and how sure that is."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Literal

from evalkit.stats.intervals import Estimate
from evalkit.stats.samples import DIGITS

Standing = Literal["met", "missed", "met on the line", "missed on the line"]


def standing(estimate: Estimate, bound: float) -> Standing | None:
    """Where a score stands to the ``bound`` that it has to reach.

    Reached exactly is reached: both are compared after rounding, so that a mean of 3/5, 3/5, 3/5, 1, 1 and 1 meets 0.8.
    It is on the line where the bound lies inside the interval, ends included, or where there is no interval: then the
    value decides, and another sample of examples might decide otherwise. None where there is no value.

    >>> standing(Estimate(0.8, 0.7, 0.88, 100), 0.8), standing(Estimate(0.9, 0.82, 0.95, 100), 0.8)
    ('met on the line', 'met')
    """
    if estimate.value is None:
        return None
    met = reaches(estimate.value, bound)
    if estimate.low is None or estimate.high is None or estimate.low <= bound <= estimate.high:
        return "met on the line" if met else "missed on the line"
    return "met" if met else "missed"


def reaches(value: float, bound: float) -> bool:
    """Whether ``value`` is at least ``bound``, float noise aside.

    >>> reaches(sum([0.6, 0.6, 0.6, 1, 1, 1]) / 6, 0.8)
    True
    """
    return round(value, DIGITS) >= round(bound, DIGITS)


def chance_to_pass(n: int, bound: float, truth: float, spread: float | None = None) -> float:
    """The chance that a model whose true score is ``truth`` reaches ``bound`` on ``n`` examples.

    Exact by the binomial distribution for scores of right or wrong, each example alone. For graded scores or examples
    in groups give ``spread``, sqrt(n) times the standard error that was seen (``clustered.clustered_mean`` has it): the
    chance is then by the normal approximation. ``truth`` is cut off to [0, 1]. Raises ValueError where ``n`` is not
    above 0, or ``spread`` below 0.

    >>> round(chance_to_pass(130, 0.8, 0.75), 2), round(chance_to_pass(16, 0.8, 0.75), 2)
    (0.11, 0.4)
    """
    from scipy.special import bdtrc

    if n < 1 or (spread is not None and spread < 0):
        raise ValueError(f"n must be above 0 and spread at least 0, got {n!r} and {spread!r}")
    truth = min(1.0, max(0.0, truth))
    if spread is None:
        least = next((count for count in range(int(bound * n), n + 1) if reaches(count / n, bound)), None)
        if least is None:
            return 0.0
        return 1.0 if least <= 0 else float(bdtrc(least - 1, n, truth))
    if spread == 0:
        return float(reaches(truth, bound))
    return 1 - NormalDist().cdf((bound - truth) * sqrt(n) / spread)
