"""How good predicted probabilities are: the Brier score, and whether things happen as often as was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.intervals import LEVEL, Estimate, check_level, mean_t, wilson
from evalkit.stats.samples import Array, pairs

BINS = 10
"""Bins of equal width, where the caller names none."""


def brier(probabilities: ArrayLike, outcomes: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of (probability - outcome)^2, from 0 (certain and right) to 1 (certain and wrong); 0.25 for always 0.5.

    ``probabilities`` are of the outcome 1, in [0, 1], and ``outcomes`` are 0 or 1, one of each per example. The
    interval is Student's t on the squared differences, cut off at 0 and 1. It rests on independent examples; with few
    of them, and nearly all certain and right, it is too narrow: the rare confident mistake is not among them.
    Sources: G. W. Brier (1950), Mon. Weather Rev. 78, 1-3 (his sum over both outcomes is twice this); A. A. Bradley,
    S. S. Schwartz and T. Hashino (2008), Weather Forecast. 23, 992-1006 (its sampling variance).

    Without examples nothing is estimable; one example, or one squared difference throughout, has no interval.
    Raises ValueError where a probability is outside [0, 1], an outcome is not 0 or 1, or the lengths differ.

    >>> e = brier([0.9, 0.8, 0.3, 0.5], [1, 1, 0, 1])
    >>> round(e.value, 4), e.n
    (0.0975, 4)
    """
    forecast, outcome = _checked(probabilities, outcomes)
    score = mean_t((forecast - outcome) ** 2, level)
    low = None if score.low is None else max(0.0, score.low)
    high = None if score.high is None else min(1.0, score.high)
    return Estimate(score.value, low, high, score.n)


@dataclass(frozen=True, slots=True)
class Bin:
    """The examples with a probability from ``low`` up to, but not including, ``high``; the last bin includes it.

    ``predicted`` is their mean probability, None where there are none, and ``observed`` the rate of outcome 1.
    """

    low: float
    high: float
    predicted: float | None
    observed: Estimate

    @property
    def n(self) -> int:
        return self.observed.n


def reliability_bins(
    probabilities: ArrayLike, outcomes: ArrayLike, bins: int | Sequence[float] = BINS, level: float = LEVEL
) -> tuple[Bin, ...]:
    """What was said and what happened, by what was said: the points of a reliability diagram, lowest bin first.

    ``bins`` is a number of bins of equal width, or their edges, rising from 0 to 1; probabilities and outcomes
    are as in ``brier``. Each bin's rate has Wilson's interval; a bin that the diagonal misses is evidence of
    miscalibration for that bin alone, and one of 20 misses it by chance. Bins without examples are there too, with n
    of 0 and None.
    Source: A. H. Murphy and R. L. Winkler (1977), J. R. Stat. Soc. C 26, 41-47; for the interval, ``wilson``.

    Raises ValueError as ``brier`` does, and where the bins do not cut [0, 1] into pieces.

    >>> for b in reliability_bins([0.0, 0.25, 0.75, 1.0], [0, 1, 1, 1], bins=3):
    ...     print(f"{b.low:.2f} to {b.high:.2f}: {b.n} said {b.predicted}, seen {b.observed.value}")
    0.00 to 0.33: 2 said 0.125, seen 0.5
    0.33 to 0.67: 0 said None, seen None
    0.67 to 1.00: 2 said 0.875, seen 1.0
    """
    check_level(level)
    forecast, outcome = _checked(probabilities, outcomes)
    edges = _edges(bins)
    bins_found = []
    for low, high, inside in zip(edges, edges[1:], _members(forecast, edges), strict=False):
        said, seen = forecast[inside], outcome[inside]
        # fsum rounds once: any order of the examples gives the same figures.
        mean = fsum(said) / said.size if said.size else None
        bins_found.append(Bin(float(low), float(high), mean, wilson(int(seen.sum()), seen.size, level)))
    return tuple(bins_found)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The Brier score as reliability - resolution + uncertainty + within_bins.

    ``reliability``: how far what was said is from what happened, bin by bin; 0 is perfect, less is better.
    ``resolution``: how far the bins' rates are from the overall rate; more is better.
    ``uncertainty``: rate (1 - rate), the score of always saying the overall rate; not the model's doing.
    ``within_bins``: what the bins hide; 0 where every bin holds one probability, and else of either sign.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float
    n: int


def decompose(
    probabilities: ArrayLike, outcomes: ArrayLike, bins: int | Sequence[float] = BINS
) -> Decomposition | None:
    """Murphy's decomposition of the Brier score over the bins of ``reliability_bins``.

    The three parts add up to the score where every bin holds one probability; ``within_bins`` is the rest: the
    variance inside the bins less twice the covariance with the outcomes. Reliability is overestimated where bins
    hold few examples: their rates then differ from what was said by chance.
    Sources: A. H. Murphy (1973), J. Appl. Meteorol. 12, 595-600; D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe
    (2008), Weather Forecast. 23, 752-757 (inside the bins); C. A. T. Ferro and T. E. Fricker (2012), Q. J. R.
    Meteorol. Soc. 138, 1954-1960 (the bias).

    None without examples. Raises ValueError as ``reliability_bins`` does.

    >>> d = decompose([0.2, 0.2, 0.8, 0.8], [0, 0, 1, 0])
    >>> round(d.reliability, 6), round(d.resolution, 6), round(d.uncertainty, 6), abs(round(d.within_bins, 6))
    (0.065, 0.0625, 0.1875, 0.0)
    """
    forecast, outcome = _checked(probabilities, outcomes)
    edges = _edges(bins)
    n = forecast.size
    if not n:
        return None
    rate = float(outcome.mean())
    reliability, resolution, within = [], [], []
    for inside in _members(forecast, edges):
        said, seen = forecast[inside], outcome[inside]
        if not said.size:
            continue
        mean, seen_rate = fsum(said) / said.size, float(seen.mean())
        reliability.append(said.size * (mean - seen_rate) ** 2)
        resolution.append(said.size * (seen_rate - rate) ** 2)
        within.extend((said - mean) * (said - mean - 2 * (seen - seen_rate)))
    return Decomposition(fsum(reliability) / n, fsum(resolution) / n, rate * (1 - rate), fsum(within) / n, n)


def _checked(probabilities: ArrayLike, outcomes: ArrayLike) -> tuple[Array, Array]:
    forecast, outcome = pairs(probabilities, outcomes, ("probabilities", "outcomes"))
    wrong = (forecast < 0) | (forecast > 1)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(f"probabilities must be from 0 to 1, got {forecast[first]:g} at position {first}")
    wrong = ~np.isin(outcome, (0.0, 1.0))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(f"outcomes must be 0 or 1, got {outcome[first]:g} at position {first}")
    return forecast, outcome


def _edges(bins: int | Sequence[float]) -> Array:
    if isinstance(bins, int):
        if bins < 1:
            raise ValueError(f"bins must be at least 1, got {bins!r}")
        # Each edge rounded once, so that 0.3 opens the bin from 0.3; steps of 0.1 would put the edge just above.
        return np.array([i / bins for i in range(bins + 1)])
    edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 2 or edges[0] != 0 or edges[-1] != 1 or not (np.diff(edges) > 0).all():
        raise ValueError(f"the edges of the bins must rise from 0 to 1, got {edges.tolist()!r}")
    return edges


def _members(forecast: Array, edges: Array) -> list[Array]:
    """For each bin a mask of the examples in it."""
    at = np.minimum(np.searchsorted(edges, forecast, side="right") - 1, edges.size - 2)
    return [at == number for number in range(edges.size - 1)]
