"""A quantile of a sample with an interval that assumes nothing of how it is spread."""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.intervals import LEVEL, Estimate, check_level
from evalkit.stats.samples import finite


def quantile(values: ArrayLike, p: float, level: float = LEVEL) -> Estimate:
    """The ``p`` quantile of ``values``, shape (n,), with the interval of order statistics.

    That interval is ``scipy.stats.quantile_test``'s (W. J. Conover, Practical Nonparametric Statistics, 3rd edition
    1999, 3.2). A bound is None where the sample is too small to have one: the 95 % quantile has an upper bound from 72
    values on. Raises ValueError unless ``p`` is between 0 and 1 and the values are finite.

    >>> estimate = quantile(range(1, 31), 0.95)
    >>> round(estimate.value, 2), estimate.low, estimate.high
    (28.55, 26.0, None)
    """
    from scipy.stats import quantile_test

    check_level(level)
    if not 0 < p < 1:
        raise ValueError(f"p must be between 0 and 1, got {p!r}")
    sample = finite(values, "values")
    if not sample.size:
        return Estimate(None, None, None, 0)
    bounds = quantile_test(sample, q=0, p=p).confidence_interval(level)
    low, high = (float(bound) if isfinite(bound) else None for bound in bounds)
    return Estimate(float(np.quantile(sample, p)), low, high, int(sample.size))
