"""Bias, error and concordance agree with SciPy and published figures."""

from collections.abc import Callable
from math import log
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gmean, ttest_1samp

from evalkit.stats.calibration import bias_factor, concordance, mean_absolute_error
from evalkit.stats.intervals import Estimate

size = st.floats(0.01, 1).map(lambda x: round(x, 3))
size_pairs = st.lists(st.tuples(size, size), min_size=2, max_size=30)

# J. M. Bland and D. G. Altman (1986), Lancet 327, 307-310, Table 1: peak expiratory flow (l/min) of 17 subjects,
# first reading by the Wright and by the mini Wright meter.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

MEASURES = [bias_factor, mean_absolute_error]


def _sides(rows: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [a for a, _ in rows], [b for _, b in rows]


@settings(max_examples=50, deadline=None)
@given(size_pairs.filter(lambda rows: len({round(log(a / b), 9) for a, b in rows}) > 1))
def test_the_bias_factor_is_scipys_geometric_mean_with_a_t_interval_on_the_logs(
    rows: list[tuple[float, float]],
) -> None:
    got, expected = map(np.array, _sides(rows))
    estimate = bias_factor(got, expected)
    theirs = ttest_1samp(np.log(got / expected), 0).confidence_interval(0.95)
    assert estimate.value == pytest.approx(gmean(got / expected), rel=1e-9)
    assert (log(estimate.low or 0), log(estimate.high or 0)) == pytest.approx((theirs.low, theirs.high), abs=1e-8)


@settings(max_examples=50, deadline=None)
@given(size_pairs)
def test_swapping_the_sides_inverts_the_bias_factor(rows: list[tuple[float, float]]) -> None:
    got, expected = _sides(rows)
    there, back = bias_factor(got, expected), bias_factor(expected, got)
    assert there.value * back.value == pytest.approx(1, rel=1e-9)


def test_the_bias_factor_leaves_out_what_has_no_ratio_and_counts_the_rest() -> None:
    estimate = bias_factor([0.2, 0.0, -0.1, 0.4, 0.3], [0.1, 0.1, 0.1, 0.1, 0.0])
    assert estimate.n == 2
    assert estimate.value == pytest.approx(8**0.5)


def test_a_model_that_is_right_throughout_has_no_bias_and_no_interval() -> None:
    assert bias_factor([0.1 + 0.2, 0.1], [0.3, 0.1]) == Estimate(1.0, None, None, 2)


def test_an_absurd_ratio_gives_the_largest_float_and_no_crash() -> None:
    estimate = bias_factor([1e300, 1e-300], [1e-300, 1e-300])
    assert estimate.high == pytest.approx(1.797e308, rel=1e-3)
    assert estimate.value == pytest.approx(1e300, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(size_pairs.filter(lambda rows: len({round(abs(a - b), 9) for a, b in rows}) > 1))
def test_the_mean_absolute_error_has_scipys_t_interval_cut_off_at_0(rows: list[tuple[float, float]]) -> None:
    got, expected = map(np.array, _sides(rows))
    estimate, theirs = mean_absolute_error(got, expected), ttest_1samp(abs(got - expected), 0).confidence_interval(0.95)
    assert estimate.value == pytest.approx(np.mean(abs(got - expected)))
    assert (estimate.low, estimate.high) == pytest.approx((max(0, theirs.low), theirs.high), abs=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_without_pairs_nothing_is_estimable(measure: Callable[..., Estimate]) -> None:
    assert measure([], []) == Estimate(None, None, None, 0)


@pytest.mark.parametrize("measure", MEASURES)
def test_one_pair_has_a_value_and_no_interval(measure: Callable[..., Estimate]) -> None:
    estimate = measure([0.5], [0.25])
    assert (estimate.low, estimate.high, estimate.n) == (None, None, 1)


@pytest.mark.parametrize("measure", [*MEASURES, concordance])
def test_numbers_that_are_not_finite_are_refused(measure: Callable[..., Estimate]) -> None:
    with pytest.raises(ValueError, match="must be finite, got nan at position 1"):
        measure([0.1, float("nan")], [0.1, 0.2])


@pytest.mark.parametrize("measure", [*MEASURES, concordance])
@settings(max_examples=30, deadline=None)
@given(rows=size_pairs, random=st.randoms())
def test_any_order_of_pairs_gives_the_same_figure(
    measure: Callable[..., Estimate], rows: list[tuple[float, float]], random: Random
) -> None:
    assert measure(*_sides(random.sample(rows, len(rows)))) == measure(*_sides(rows))


def test_concordance_is_one_less_the_disagreement_over_that_of_strangers() -> None:
    # Lin (1989), equation 1: E(X - Y)^2 over what it would be were X and Y independent, by brute force.
    x, y = np.array(WRIGHT, float), np.array(MINI, float)
    strangers = ((x[:, None] - y[None, :]) ** 2).mean()
    assert concordance(x, y) == pytest.approx(1 - ((x - y) ** 2).mean() / strangers, rel=1e-12)


def test_concordance_sees_a_shift_that_correlation_does_not() -> None:
    x = np.arange(10.0)
    assert concordance(x, x) == 1.0
    assert concordance(x, -x + 9) == pytest.approx(-1.0)
    assert concordance(x, x + 3) == pytest.approx(2 * 8.25 / (2 * 8.25 + 9))


@pytest.mark.parametrize("sides", [([], []), ([1.0], [1.0]), ([0.1] * 3, [0.1] * 3)])
def test_concordance_without_a_spread_is_not_estimable(sides: tuple[list[float], list[float]]) -> None:
    assert concordance(*sides) is None


def test_a_constant_answer_agrees_with_a_varying_truth_no_better_than_a_stranger() -> None:
    assert concordance([0.5, 0.5, 0.5], [0.1, 0.5, 0.9]) == pytest.approx(0.0, abs=1e-12)
