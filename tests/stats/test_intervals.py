"""Intervals of rates and means agree with SciPy and with Newcombe's printed table."""

from collections.abc import Callable

import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from evalkit.stats.intervals import Estimate, clopper_pearson, mean_t, wilson

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))

# R. G. Newcombe (1998), "Two-sided confidence intervals for the single proportion: comparison of seven methods",
# Statist. Med. 17, 857-872, Table I: methods 3 (score) and 5 (exact).
NEWCOMBE = {
    (81, 263): ((0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148): ((0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20): ((0.0000, 0.1611), (0.0000, 0.1684)),
    (1, 29): ((0.0061, 0.1718), (0.0009, 0.1776)),
}


@pytest.mark.parametrize("count", NEWCOMBE)
def test_wilson_reproduces_newcombes_table(count: tuple[int, int]) -> None:
    estimate = wilson(*count)
    assert (rounded(estimate.low, 4), rounded(estimate.high, 4)) == NEWCOMBE[count][0]


@pytest.mark.parametrize("count", NEWCOMBE)
def test_clopper_pearson_reproduces_newcombes_table(count: tuple[int, int]) -> None:
    estimate = clopper_pearson(*count)
    assert (rounded(estimate.low, 4), rounded(estimate.high, 4)) == NEWCOMBE[count][1]


@settings(max_examples=60, deadline=None)
@given(counts, st.sampled_from([0.8, 0.95, 0.999]))
def test_both_intervals_of_a_rate_agree_with_scipy(count: tuple[int, int], level: float) -> None:
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        estimate, theirs = ours(*count, level), binomtest(*count).proportion_ci(level, method)
        assert (estimate.low, estimate.high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_a_rate_lies_in_its_interval_and_the_interval_in_0_to_1(count: tuple[int, int]) -> None:
    for interval in (wilson, clopper_pearson):
        estimate = interval(*count)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert estimate.low < estimate.high


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_a_rate_of_no_examples_is_not_estimable(interval: Callable[..., Estimate]) -> None:
    assert interval(0, 0) == Estimate(None, None, None, 0)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize("count", [(-1, 5), (6, 5)])
def test_impossible_counts_are_refused(interval: Callable[..., Estimate], count: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"successes must be from 0 to n, got {count[0]} of 5"):
        interval(*count)


def test_a_level_given_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        wilson(1, 2, level=95)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=30).filter(lambda v: len(set(v)) > 1)
)
def test_the_interval_of_a_mean_agrees_with_scipy(values: list[float]) -> None:
    estimate, theirs = mean_t(values), ttest_1samp(values, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-9)


def test_one_value_has_a_mean_and_no_interval() -> None:
    assert mean_t([0.3]) == Estimate(0.3, None, None, 1)


def test_equal_values_have_no_interval_even_when_their_mean_is_rounded() -> None:
    estimate = mean_t([0.1] * 3)
    assert (estimate.low, estimate.high, estimate.n) == (None, None, 3)


def test_the_mean_of_no_values_is_not_estimable() -> None:
    assert mean_t([]) == Estimate(None, None, None, 0)
