"""Measurements rest on the readable answers, and on those that they are about."""

import numpy as np
import pytest
from scipy.stats import linregress, variation

from evalkit._internal.registry import find, names
from evalkit.errors import ConfigError
from evalkit.scorers.measurements.readings import Readings
from evalkit.stats.intervals import Estimate, mean_t, wilson


def measure(name: str, rows: Readings, options: dict[str, object]) -> Estimate:
    """What the measurement called ``name`` makes of ``rows``."""
    estimate: Estimate = find("measurements", name).make_measurement(options).estimate(rows)
    return estimate


def test_the_bias_factor_rests_on_answers_to_what_is_not_noise() -> None:
    got, expected = [0.4, 0.2, 0.0, 0.9, 0.9], [0.2, 0.1, 0.4, 0.03, 0.0]
    estimate = measure("bias_factor", Readings.of(got, expected), {})
    assert (estimate.value, estimate.n) == (pytest.approx(2.0), 2)


def test_the_task_says_what_noise_is_for_the_bias_factor() -> None:
    assert measure("bias_factor", Readings.of([0.4, 0.1], [0.2, 0.1]), {"quiet": 0.1}).n == 1


def test_the_mean_absolute_error_rests_on_every_readable_answer() -> None:
    estimate = measure("mae", Readings.of([0.5, 0.0, 0.25], [0.25, 0.0, 0.5]), {})
    assert (estimate.value, estimate.n) == (pytest.approx(1 / 6), 3)


def test_noise_left_alone_is_the_share_of_noise_and_of_nothing_else() -> None:
    got, expected = [0.0, 0.03, -0.02, 0.2, -0.2, 0.0], [0.0, 0.02, 0.03, 0.0, 0.0, 0.4]
    assert measure("left_quiet", Readings.of(got, expected), {}) == wilson(3, 5)


def test_the_task_says_what_noise_is_for_its_share() -> None:
    assert measure("left_quiet", Readings.of([0.1], [0.1]), {"quiet": 0.1}) == wilson(1, 1)


@pytest.mark.parametrize(("name", "got", "expected", "value"), [
    ("bias_factor", [0.2, 0.8, 0.1], 0.1, 2.0),  # 2 and 8 times are 4 times, as ratios go
    ("mae", [0.5, 0.1, 0.1], 0.3, 0.2),  # though the mean of the first two is right
    ("left_quiet", [0.0, 0.5, 0.0], 0.0, 0.75),
])  # fmt: skip
def test_samples_are_averaged_inside_their_example_in_the_measures_own_unit(
    name: str, got: list[float], expected: list[float], value: float
) -> None:
    estimate = measure(name, Readings.of(got, [expected] * 3, ["a", "a", "b"]), {})
    assert (estimate.value, estimate.n) == (pytest.approx(value), 2)


@pytest.mark.parametrize("name", sorted(names("measurements")))
def test_a_measurement_without_readable_answers_is_not_estimable(name: str) -> None:
    assert measure(name, Readings.of([], []), {}) == Estimate(None, None, None, 0)


@pytest.mark.parametrize("name", sorted(names("measurements")))
def test_a_measurement_refuses_an_option_it_does_not_have(name: str) -> None:
    with pytest.raises(ConfigError, match="option 'loud' is 1, but there is no such option"):
        measure(name, Readings.of([], []), {"loud": 1})


@pytest.mark.parametrize("name", ["bias_factor", "left_quiet"])
def test_a_measurement_refuses_a_quiet_that_is_no_size(name: str) -> None:
    with pytest.raises(ConfigError, match="option 'quiet' is -1, expected a number of at least 0"):
        measure(name, Readings.of([], []), {"quiet": -1})


def test_rows_refuse_a_number_that_is_not_finite() -> None:
    with pytest.raises(ValueError, match="got must be finite, got nan at position 0"):
        Readings.of([float("nan")], [0.5])


# SciPy's linregress, scikit-learn's r2_score and brier_score_loss by their definitions, on answers that are too small.
GOT, EXPECTED = np.array([0.0, 0.1, 0.1, 0.3, 0.2]), np.array([0.0, 0.1, 0.2, 0.4, 0.6])


def test_slope_and_intercept_are_those_of_scipys_line() -> None:
    line = linregress(GOT, EXPECTED)
    assert measure("slope", Readings.of(GOT, EXPECTED), {}).value == pytest.approx(line.slope)
    assert measure("intercept", Readings.of(GOT, EXPECTED), {}).value == pytest.approx(line.intercept)


def test_r2_is_of_the_answers_and_not_of_a_line_through_them() -> None:
    unexplained = np.sum((GOT - EXPECTED) ** 2) / np.sum((EXPECTED - EXPECTED.mean()) ** 2)
    assert measure("r2", Readings.of(GOT, EXPECTED), {}).value == pytest.approx(1 - unexplained)
    assert measure("adjusted_r2", Readings.of(GOT, EXPECTED), {}).value == pytest.approx(1 - unexplained * 4 / 3)


def test_adjusted_r2_is_told_how_much_was_fitted() -> None:
    figures = [measure("adjusted_r2", Readings.of(GOT, EXPECTED), {"predictors": p}).value for p in (0, 1, 2)]
    assert figures[0] == pytest.approx(measure("r2", Readings.of(GOT, EXPECTED), {}).value)
    assert figures[0] > figures[1] > figures[2]


def test_concordance_is_one_only_on_the_line_itself() -> None:
    assert measure("concordance", Readings.of(EXPECTED, EXPECTED), {}).value == pytest.approx(1)
    assert measure("concordance", Readings.of(EXPECTED / 2, EXPECTED), {}).value < 0.9


def test_the_brier_score_is_the_mean_square_of_what_was_said_less_what_happened() -> None:
    rows = Readings.of([0.9, 0.8, 0.3, 0.5], [1, 1, 0, 1])
    assert measure("brier", rows, {}).value == pytest.approx((0.01 + 0.04 + 0.09 + 0.25) / 4)


def test_reliability_is_nothing_where_things_happen_as_often_as_was_said() -> None:
    rows = Readings.of([0.25] * 4 + [0.75] * 4, [1, 0, 0, 0, 1, 1, 1, 0])
    assert measure("reliability", rows, {"bins": 4}) == Estimate(0.0, None, None, 8)


def test_what_is_no_probability_is_left_out_of_a_measure_of_probabilities() -> None:
    rows = Readings.of([0.5, 1.5, -0.5], [1, 1, 0])
    assert measure("brier", rows, {}).n == 1
    assert measure("reliability", rows, {}).n == 1


@pytest.mark.parametrize("name", ["brier", "reliability"])
def test_a_measure_of_probabilities_refuses_an_outcome_between(name: str) -> None:
    with pytest.raises(ConfigError, match=r"0\.3 is expected, and a probability is judged by 0 or 1"):
        measure(name, Readings.of([0.5], [0.3]), {})


@pytest.mark.parametrize(("name", "option", "value"), [("adjusted_r2", "predictors", 1.5), ("reliability", "bins", 0)])
def test_a_count_must_be_a_whole_number(name: str, option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"option '{option}' is {value}, expected a whole number"):
        measure(name, Readings.of([], []), {option: value})


@pytest.mark.parametrize("name", ["slope", "intercept", "r2", "concordance", "brier"])
def test_samples_are_one_example_to_every_measure(name: str) -> None:
    rows = Readings.of([0.0, 1.0, 0.25, 0.75, 1.0], [0, 0, 1, 1, 1], ["a", "a", "b", "b", "c"])
    assert measure(name, rows, {}) == measure(name, Readings.of([0.5, 0.5, 1.0], [0, 1, 1]), {})


@pytest.mark.parametrize(
    ("unit", "value", "length"),
    [
        ("characters", "Rates rise", 10),
        ("words", " Rates\n rise ", 2),
        ("items", "Rates rise", None),
        ("characters", ["IBM", "AMD"], 6),
        ("words", ["Big Blue", "AMD"], 3),
        ("items", ["IBM", "AMD"], 2),
        ("items", [1, None], 2),
        ("words", [1, None], None),
        ("characters", "", 0),
        ("items", [], 0),
        ("characters", None, None),
        ("characters", 3, None),
    ],
)
@pytest.mark.parametrize("name", ["length", "variation"])
def test_a_length_is_of_texts_and_lists(name: str, unit: str, value: object, length: float | None) -> None:
    assert find("measurements", name).make_measurement({"unit": unit}).reads(value) == length


def test_the_length_of_an_example_is_the_mean_of_its_samples() -> None:
    rows = Readings.of([2, 4, 9], [0, 0, 0], ["a", "a", "b"])
    assert (measure("length", rows, {}).value, measure("length", rows, {}).n) == (6, 2)
    assert measure("length", rows, {}) == mean_t([3, 9])


def test_the_coefficient_of_variation_is_the_deviation_over_the_mean() -> None:
    lengths = [12.0, 15.0, 9.0, 20.0]
    value = measure("variation", Readings.of(lengths, lengths), {}).value
    assert value == pytest.approx(variation(lengths, ddof=1))
    assert measure("variation", Readings.of([7, 7, 7], [1, 2, 3]), {}).value == 0


@pytest.mark.parametrize("lengths", [[5.0], [0.0, 0.0]])
def test_one_length_and_no_length_have_no_variation(lengths: list[float]) -> None:
    assert measure("variation", Readings.of(lengths, lengths), {}) == Estimate(None, None, None, len(lengths))


@pytest.mark.parametrize(("option", "value"), [("unit", "tokens"), ("of", "prompt")])
def test_a_length_in_another_unit_is_refused(option: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"option {option!r} is {value!r}, expected one of"):
        measure("length", Readings.of([], []), {option: value})
