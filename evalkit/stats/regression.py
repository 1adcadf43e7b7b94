"""Whether predicted numbers mean what they say: the line from predicted to observed, and the spread explained.

Observed is regressed on predicted, and not the other way round: the question is what to expect once the model
has said x. A model that says just that has slope 1 and intercept 0, however much of the truth nobody can predict;
regressing predicted on observed would charge it a slope below 1 for what it rightly leaves out.
Sources: J. Mincer and V. Zarnowitz (1969), in Economic Forecasts and Expectations, NBER, 3-46; G. Piñeiro et al.
(2008), Ecol. Modelling 216, 316-322.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, fsum, sqrt
from sys import float_info

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.intervals import LEVEL, Estimate, check_level
from evalkit.stats.samples import NOISE, Array, pairs

_FEWEST = 3
"""Pairs below which nothing is estimable here: a line goes through any two points."""


@dataclass(frozen=True, slots=True)
class Line:
    """expected = intercept + slope * got. Slope 1 and intercept 0 are perfect calibration.

    A slope below 1 tells of answers that are too extreme, one above 1 of answers too timid.
    """

    slope: Estimate
    intercept: Estimate


def calibration_line(got: ArrayLike, expected: ArrayLike, level: float = LEVEL) -> Line:
    """The least-squares line of ``expected`` (observed) on ``got`` (predicted), with Student's t intervals.

    The intervals have n - 2 degrees of freedom and rest on independent examples whose residuals have one spread:
    near-copies count one by one. Each holds its parameter alone, so that 1 and 0 inside them is no joint proof.
    Source: N. R. Draper and H. Smith (1998), Applied Regression Analysis, chapter 1; for the direction, above.

    Fewer than three pairs, answers that are all equal, and truths that are all equal: not estimable. Where the line
    goes through every point, float noise aside, there is no interval: width 0 would be false certainty.
    A figure beyond the largest float is that float.
    Raises ValueError where a number is not finite or the lengths differ.

    >>> line = calibration_line([0.0, 0.5, 1.0, 0.5], [0.2, 0.4, 0.6, 0.4])
    >>> round(line.slope.value, 6), round(line.intercept.value, 6), line.slope.n
    (0.4, 0.2, 4)
    """
    from scipy.special import stdtrit

    check_level(level)
    x, y = pairs(got, expected, ("got", "expected"))
    n, x_unit, y_unit = x.size, _unit(x), _unit(y)
    x, y = x / x_unit, y / y_unit
    if n < _FEWEST or _is_constant(x) or _is_constant(y):
        return Line(Estimate(None, None, None, n), Estimate(None, None, None, n))
    mean_x, mean_y = fsum(x) / n, fsum(y) / n
    # fsum rounds once: any order of the pairs gives the same figures.
    from_x, from_y = x - mean_x, y - mean_y
    sum_x = fsum(from_x * from_x)
    slope = fsum(from_x * from_y) / sum_x
    spread = sqrt(fsum((from_y - slope * from_x) ** 2) / (n - 2))
    exact = spread <= NOISE * max(float(np.abs(y).max()), abs(slope) * float(np.abs(x).max()))
    t = None if exact else -float(stdtrit(n - 2, (1 - level) / 2))

    def estimate(value: float, error: float, unit: float) -> Estimate:
        half = 0.0 if t is None else t * error
        at, low, high = (_within_floats(v * y_unit / unit) for v in (value, value - half, value + half))
        return Estimate(at, None if t is None else low, None if t is None else high, n)

    return Line(
        slope=estimate(slope, spread / sqrt(sum_x), x_unit),
        intercept=estimate(mean_y - slope * mean_x, spread * sqrt(1 / n + mean_x * mean_x / sum_x), 1.0),
    )


def r2(got: ArrayLike, expected: ArrayLike) -> Estimate:
    """1 - SSE / SST of the predictions themselves, at most 1: the share of the spread of ``expected`` explained.

    SSE is the sum of (expected - got)^2, SST that of (expected - mean expected)^2. It is 0 for always answering the
    mean of these truths and below 0 for anything worse. It is not the squared correlation, which forgives every
    bias and scale. There is no interval: those of the textbooks are for a line fitted to the same data.
    Sources: J. E. Nash and J. V. Sutcliffe (1970), J. Hydrol. 10, 282-290 (model efficiency); the first of the eight
    in T. O. Kvålseth (1985), Am. Stat. 39, 279-285, who recommends it.

    Fewer than three pairs and truths that are all equal: not estimable. Answers that are all equal are: a constant
    explains nothing, which is 0 or less. A figure beyond the largest float is that float.
    Raises ValueError where a number is not finite or the lengths differ.

    >>> r2([1, 2, 3, 5], [1, 2, 3, 4]).value
    0.8
    >>> r2([4, 3, 2, 1], [1, 2, 3, 4]).value
    -3.0
    """
    x, y = pairs(got, expected, ("got", "expected"))
    share = _unexplained(x, y)
    return Estimate(None if share is None else _within_floats(1 - share), None, None, x.size)


def adjusted_r2(got: ArrayLike, expected: ArrayLike, *, predictors: int) -> Estimate:
    """``r2`` less what so many ``predictors`` explain by chance: 1 - (SSE / SST) (n - 1) / (n - predictors - 1).

    ``predictors`` counts what was fitted, besides an intercept, to these same examples. Answers to examples
    that the model never saw have 0, and the adjusted figure is then ``r2`` itself.
    Source: M. Ezekiel (1930), Methods of Correlation Analysis.

    Not estimable where ``r2`` is not, and with fewer than ``predictors`` + 2 pairs.
    Raises ValueError where ``predictors`` is negative, a number is not finite or the lengths differ.

    >>> round(adjusted_r2([1, 2, 3, 5], [1, 2, 3, 4], predictors=1).value, 6)
    0.7
    """
    if predictors < 0:
        raise ValueError(f"predictors must not be negative, got {predictors!r}")
    x, y = pairs(got, expected, ("got", "expected"))
    n, share = x.size, _unexplained(x, y)
    if share is None or n < predictors + 2:
        return Estimate(None, None, None, n)
    return Estimate(_within_floats(1 - share * ((n - 1) / (n - predictors - 1))), None, None, n)


def _unexplained(x: Array, y: Array) -> float | None:
    """SSE / SST."""
    both, unit = _unit(np.concatenate([x, y])), _unit(y)
    error, y = x / both - y / both, y / unit
    if y.size < _FEWEST or _is_constant(y):
        return None
    from_mean = y - fsum(y) / y.size
    return fsum(error * error) / fsum(from_mean * from_mean) * (both / unit) * (both / unit)


def _unit(array: Array) -> float:
    """The power of 2 at or below the largest size: dividing by it is exact, and no square overflows after it."""
    largest = float(np.abs(array).max(initial=0.0))
    return 2.0 ** (frexp(largest)[1] - 1) if largest else 1.0


def _is_constant(array: Array) -> bool:
    return bool(np.ptp(array) <= NOISE * np.abs(array).max())


def _within_floats(value: float) -> float:
    return min(max(value, -float_info.max), float_info.max)
