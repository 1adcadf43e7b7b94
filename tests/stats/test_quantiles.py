"""Quantiles, against the binomial distribution itself and against what order statistics promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from evalkit.stats.quantiles import quantile


def test_the_interval_of_the_median_is_that_of_the_tables() -> None:
    # Order statistics 10 and 21 of 30 are the classic 95 % interval of a median: coverage 1 - 2 P(B <= 9).
    found = quantile(range(1, 31), 0.5)
    assert (found.low, found.high) == (10, 21)
    assert 1 - 2 * binom.cdf(9, 30, 0.5) >= 0.95 > 1 - 2 * binom.cdf(10, 30, 0.5)


@pytest.mark.parametrize("p", [0.5, 0.95])
@pytest.mark.parametrize("n", [20, 73, 150])
def test_each_bound_covers_the_true_quantile_as_often_as_it_says(p: float, n: int) -> None:
    dice, true = np.random.default_rng(7), -np.log(1 - p)
    found = [quantile(dice.exponential(size=n), p) for _ in range(400)]
    # Each bound alone is a one-sided 97.5 % bound; one that is not there is never wrong.
    above = sum(one.low is not None and one.low > true for one in found)
    below = sum(one.high is not None and one.high < true for one in found)
    assert max(above, below) <= binom.ppf(0.999, 400, 0.025)


def test_a_bound_that_the_sample_is_too_small_for_is_not_there() -> None:
    assert quantile(range(71), 0.95).high is None
    assert quantile(range(72), 0.95).high is not None
    assert quantile([1.5], 0.5) == quantile([1.5], 0.5).__class__(1.5, None, None, 1)
    assert quantile([], 0.5).value is None


@pytest.mark.parametrize(("values", "p"), [([1, 2], 0.0), ([1, 2], 1.0), ([1, float("nan")], 0.5)])
def test_what_has_no_quantile_is_refused(values: list[float], p: float) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1|finite|not a number"):
        quantile(values, p)
