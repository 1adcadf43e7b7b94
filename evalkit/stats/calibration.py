"""How far numbers are off, and how well they agree with what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import LEVEL, Estimate, mean_t
from evalkit.stats.samples import NOISE, Array, pairs


def bias_factor(
    got: ArrayLike, expected: ArrayLike, level: float = LEVEL, examples: Sequence[str] | None = None
) -> Estimate:
    """How many times too high ``got`` is: the geometric mean of got / expected, 1 for no bias, 0.5 for half.

    Rests on the pairs where both are above 0 (a ratio has no meaning elsewhere); ``n`` counts them. The
    interval is Student's t on the logarithms, back on the scale of ratios. Where ``examples`` has an example's id for
    each pair, the logarithms are averaged inside the example first, and ``n`` counts examples.
    Source: J. M. Bland and D. G. Altman (1996), BMJ 312, 1079 (transforming data and back).

    Without such a pair nothing is estimable; one pair, or one ratio throughout, has no interval. A figure
    beyond the largest float is that float.
    Raises ValueError where a number is not finite or the lengths differ.

    >>> e = bias_factor([0.2, 0.4, 0.1, 0.0], [0.1, 0.1, 0.1, 0.1])
    >>> round(e.value, 6), e.n
    (2.0, 3)
    """
    x, y = pairs(got, expected, ("got", "expected"))
    positive = (x > 0) & (y > 0)
    x, y = x[positive], y[positive]
    ids = None if examples is None else [name for name, kept in zip(examples, positive, strict=True) if kept]
    logs = mean_t(_inside(np.where(_same(x, y), 0.0, np.log(x) - np.log(y)), ids), level)
    most = log(float_info.max)
    value, low, high = (None if x is None else exp(min(x, most)) for x in (logs.value, logs.low, logs.high))
    return Estimate(value, low, high, logs.n)


def mean_absolute_error(
    got: ArrayLike, expected: ArrayLike, level: float = LEVEL, examples: Sequence[str] | None = None
) -> Estimate:
    """The mean of |got - expected| over all pairs, in their unit, with Student's t interval cut off at 0.

    Where ``examples`` has an example's id for each pair, errors are averaged inside the example first, and ``n``
    counts examples.
    Without pairs nothing is estimable; one pair, or one error throughout, has no interval.
    Raises ValueError where a number is not finite or the lengths differ.

    >>> mean_absolute_error([0.5, 0.25], [0.25, 0.25]).value
    0.125
    """
    x, y = pairs(got, expected, ("got", "expected"))
    error = mean_t(_inside(np.where(_same(x, y), 0.0, np.abs(x - y)), examples), level)
    return Estimate(error.value, None if error.low is None else max(0.0, error.low), error.high, error.n)


def concordance(x: ArrayLike, y: ArrayLike) -> float | None:
    """Lin's concordance correlation, in [-1, 1]: 1 where all pairs lie on the line x = y.

    2 s_xy / (s_x^2 + s_y^2 + (mean x - mean y)^2), with variances and covariance divided by n.
    Source: L. I.-K. Lin (1989), Biometrics 45, 255-268.

    None with fewer than two pairs, and where all numbers of both sides are one number.
    Raises ValueError where a number is not finite or the lengths differ.

    >>> round(concordance([1, 2, 3, 4], [2, 3, 4, 5]), 4)
    0.7143
    """
    a, b = pairs(x, y, ("x", "y"))
    n = a.size
    if n < 2 or (np.concatenate([a, b]) == a[0]).all():
        return None
    mean_a, mean_b = fsum(a) / n, fsum(b) / n
    a, b, shift = a - mean_a, b - mean_b, mean_a - mean_b
    # fsum rounds once: any order of the pairs gives the same figure.
    return 2 * fsum(a * b) / (fsum(a * a) + fsum(b * b) + n * shift * shift)


def _inside(values: Array, examples: Sequence[str] | None) -> Array:
    return values if examples is None else within_examples(values, examples)


def _same(x: Array, y: Array) -> Any:
    # Without this the float noise of equal numbers would be a spread, and have an interval.
    return np.abs(x - y) <= NOISE * np.maximum(np.abs(x), np.abs(y))
