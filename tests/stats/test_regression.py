"""The calibration line is SciPy's and NIST's, R2 is Kvålseth's, and neither claims what the data don't say."""

import math
from collections.abc import Callable
from random import Random
from sys import float_info

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress, t
from statsmodels.api import OLS, add_constant

from evalkit.stats.intervals import Estimate
from evalkit.stats.regression import adjusted_r2, calibration_line, r2

number = st.floats(-10, 10).map(lambda x: round(x, 2))
pairs = st.lists(st.tuples(number, number), min_size=3, max_size=25).filter(
    lambda rows: len({a for a, _ in rows}) > 1 and len({b for _, b in rows}) > 1
)

# NIST StRD, linear regression, data set Norris: a customer's ozone monitor (observed) against the standard's value,
# here the prediction.
OBSERVED = [
    *[0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3],
    *[0.1, 778.1, 668.8, 339.3, 448.9, 10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3],
    *[0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2, 0.2],
]
STANDARD = [
    *[0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4],
    *[0.6, 775.5, 666.9, 338.0, 447.5, 11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3],
    *[0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1, 448.9, 0.5],
]

# T. O. Kvålseth (1985), Am. Stat. 39, 279-285: six points, what three models say of them, and the first of his R2.
POINTS = np.array([1.0, 2, 3, 4, 5, 6])
KVALSETH = [15, 37, 52, 59, 83, 92]
MODELS = {
    "line": (3.3333 + 15.1429 * POINTS, 0.9808),
    "line through 0": (15.9121 * POINTS, 0.9777),
    "power, fitted to logarithms": (16.3757 * POINTS**0.9900, 0.9777),
}

MEASURES = [lambda x, y: calibration_line(x, y).slope, lambda x, y: calibration_line(x, y).intercept, r2]


def _sides(rows: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [a for a, _ in rows], [b for _, b in rows]


def _half(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2


def test_the_line_is_nists_to_its_certified_digits() -> None:
    line = calibration_line(STANDARD, OBSERVED)
    assert line.slope.value == pytest.approx(1.00211681802045, rel=1e-13)
    assert line.intercept.value == pytest.approx(-0.262323073774029, rel=1e-11)


def test_the_intervals_are_students_on_nists_certified_standard_errors() -> None:
    line, factor = calibration_line(STANDARD, OBSERVED, level=0.9), t.isf(0.05, 34)
    assert _half(line.slope) == pytest.approx(factor * 0.429796848199937e-3, rel=1e-11)
    assert _half(line.intercept) == pytest.approx(factor * 0.232818234301152, rel=1e-11)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_the_line_is_scipys_regression_of_expected_on_got(rows: list[tuple[float, float]]) -> None:
    got, expected = _sides(rows)
    line, theirs = calibration_line(got, expected), linregress(got, expected)
    assert line.slope.value == pytest.approx(theirs.slope, abs=1e-9, rel=1e-9)
    assert line.intercept.value == pytest.approx(theirs.intercept, abs=1e-8, rel=1e-9)
    if line.slope.low is not None:
        factor = t.isf(0.025, len(rows) - 2)
        # SciPy takes the error from 1 - r^2, which loses half the digits where r is near 1.
        assert _half(line.slope) == pytest.approx(factor * theirs.stderr, rel=1e-5, abs=1e-5)
        assert _half(line.intercept) == pytest.approx(factor * theirs.intercept_stderr, rel=1e-5, abs=1e-5)


def test_answers_that_are_twice_too_extreme_have_slope_one_half() -> None:
    line = calibration_line([-4.0, -2.0, 2.0, 4.0], [-2.1, -0.9, 0.9, 2.1])
    assert line.slope.value == pytest.approx(0.51)
    assert line.intercept.value == pytest.approx(0.0, abs=1e-12)


def test_a_model_that_predicts_all_but_noise_is_calibrated_this_way_round_only() -> None:
    rng = np.random.default_rng(3)
    got = rng.normal(size=4000)
    expected = got + rng.normal(size=4000)
    assert calibration_line(got, expected).slope.value == pytest.approx(1.0, abs=0.05)
    assert calibration_line(expected, got).slope.value == pytest.approx(0.5, abs=0.05)


@settings(max_examples=40, deadline=None)
@given(pairs, st.floats(0.1, 10), st.floats(-10, 10))
def test_calibrating_by_the_line_leaves_a_line_of_slope_1_and_intercept_0(
    rows: list[tuple[float, float]], scale: float, shift: float
) -> None:
    got, expected = map(np.array, _sides(rows))
    off = got / scale - shift
    line = calibration_line(off, expected)
    again = calibration_line(line.intercept.value + line.slope.value * off, expected)
    if again.slope.value is not None and abs(line.slope.value or 0.0) > 1e-3:
        assert again.slope.value == pytest.approx(1, abs=1e-6)
        assert again.intercept.value == pytest.approx(0, abs=1e-5)


def test_a_perfect_model_has_slope_1_and_intercept_0_and_no_interval() -> None:
    line = calibration_line([0.1, 0.7, 0.3], [0.1, 0.7, 0.3])
    assert line.slope == Estimate(1.0, None, None, 3)
    assert line.intercept == Estimate(0.0, None, None, 3)


def test_a_line_through_all_points_up_to_float_noise_has_no_interval() -> None:
    got = np.array([0.1, 0.2, 0.3, 0.7]) + 1_000_000
    assert calibration_line(got, 3 * got - 1).slope.low is None
    # The answers are rounded to 1e-10 here, which the slope of 10 brings to the truths.
    assert calibration_line(got, [1.0, 2.0, 3.0, 7.0]).slope.low is None


@pytest.mark.parametrize("name", MODELS)
def test_r2_reproduces_kvalseths_table(name: str) -> None:
    predicted, printed = MODELS[name]
    assert rounded(r2(predicted, KVALSETH).value, 4) == printed


def test_r2_of_a_fitted_line_is_nists() -> None:
    predicted = -0.262323073774029 + 1.00211681802045 * np.array(STANDARD)
    assert r2(predicted, OBSERVED).value == pytest.approx(0.999993745883712, rel=1e-13)


@settings(max_examples=40, deadline=None)
@given(pairs)
def test_r2_is_at_most_the_squared_correlation(rows: list[tuple[float, float]]) -> None:
    got, expected = _sides(rows)
    assert r2(got, expected).value <= linregress(got, expected).rvalue ** 2 + 1e-9


def test_r2_forgives_no_bias_and_no_scale() -> None:
    truth = [1.0, 2.0, 3.0, 4.0]
    assert r2(truth, truth) == Estimate(1.0, None, None, 4)
    assert r2([x + 2 for x in truth], truth).value == pytest.approx(1 - 4 * 4 / 5)
    assert r2([10 * x for x in truth], truth).value < -400


def test_a_constant_answer_explains_nothing_or_less() -> None:
    assert r2([2.5] * 4, [1, 2, 3, 4]).value == 0.0
    assert r2([0.0] * 4, [1, 2, 3, 4]).value == -5.0


@pytest.mark.parametrize("predictors", [1, 2, 4])
def test_adjusted_r2_is_that_of_statsmodels(predictors: int) -> None:
    rng = np.random.default_rng(5)
    causes = rng.normal(size=(12, predictors))
    observed = causes.sum(axis=1) + rng.normal(size=12)
    fit = OLS(observed, add_constant(causes)).fit()
    ours = adjusted_r2(fit.fittedvalues, observed, predictors=predictors)
    assert ours.value == pytest.approx(fit.rsquared_adj, rel=1e-12)


def test_without_fitted_predictors_the_adjusted_r2_is_r2() -> None:
    got, expected = [1, 2, 3, 5], [1, 2, 3, 4]
    assert adjusted_r2(got, expected, predictors=0) == r2(got, expected)


def test_as_many_predictors_as_pairs_leave_nothing_to_adjust() -> None:
    got, expected = [1, 2, 3, 5], [1, 2, 3, 4]
    assert adjusted_r2(got, expected, predictors=2).value == pytest.approx(0.4)
    assert adjusted_r2(got, expected, predictors=3) == Estimate(None, None, None, 4)


def test_a_negative_number_of_predictors_is_refused() -> None:
    with pytest.raises(ValueError, match="predictors must not be negative, got -1"):
        adjusted_r2([1, 2, 3], [1, 2, 4], predictors=-1)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("sides", [([], []), ([1.0, 2.0], [1.0, 3.0]), ([1.0, 2.0, 3.0], [0.3, 0.3, 0.1 + 0.2])])
def test_too_few_pairs_and_truths_that_are_all_equal_are_not_estimable(
    measure: Callable[..., Estimate], sides: tuple[list[float], list[float]]
) -> None:
    assert measure(*sides) == Estimate(None, None, None, len(sides[0]))


@pytest.mark.parametrize("measure", MEASURES[:2])
@pytest.mark.parametrize("got", [[0.0] * 3, [0.3, 0.3, 0.1 + 0.2]])
def test_answers_that_are_all_equal_have_no_line(measure: Callable[..., Estimate], got: list[float]) -> None:
    assert measure(got, [1.0, 2.0, 3.0]) == Estimate(None, None, None, 3)


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=30, deadline=None)
@given(rows=pairs, random=st.randoms())
def test_any_order_of_pairs_gives_the_same_figures(
    measure: Callable[..., Estimate], rows: list[tuple[float, float]], random: Random
) -> None:
    assert measure(*_sides(random.sample(rows, len(rows)))) == measure(*_sides(rows))


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=30, deadline=None)
@given(rows=pairs, power=st.integers(-900, 900))
def test_the_unit_of_both_sides_changes_no_slope_and_no_r2(
    measure: Callable[..., Estimate], rows: list[tuple[float, float]], power: float
) -> None:
    here, there = (measure(*_sides([(a * unit, b * unit) for a, b in rows])) for unit in (1.0, 2.0**power))
    unit = 2.0**power if measure is MEASURES[1] else 1.0
    assert (there.value, there.n) == (here.value * unit, here.n)
    assert (there.low is None) == (here.low is None)


@pytest.mark.parametrize("measure", MEASURES)
def test_an_absurd_answer_gives_a_figure_and_no_crash(measure: Callable[..., Estimate]) -> None:
    largest = float_info.max
    estimate = measure([largest, -largest, 0.1, 0.2], [0.1, 0.3, 0.2, 0.1])
    assert estimate.value is not None
    assert math.isfinite(estimate.value)
    assert r2([largest, 0.1, 0.2], [0.1, 0.3, 0.2]).value == -largest


@pytest.mark.parametrize("measure", MEASURES)
def test_numbers_that_are_not_finite_are_refused(measure: Callable[..., Estimate]) -> None:
    with pytest.raises(ValueError, match="got must be finite, got nan at position 1"):
        measure([0.1, float("nan"), 0.2], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("measure", MEASURES)
def test_sides_of_unequal_length_are_refused(measure: Callable[..., Estimate]) -> None:
    with pytest.raises(ValueError, match="got and expected must be of one length, got 2 and 3"):
        measure([0.1, 0.2], [0.1, 0.2, 0.3])


def test_a_level_that_is_no_confidence_is_refused() -> None:
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        calibration_line([1, 2, 3], [1, 2, 4], level=95)
