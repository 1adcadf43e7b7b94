"""A threshold that is reached exactly is reached, and one inside the interval is on the line."""

import pytest
from scipy.stats import binom, norm

from evalkit.stats.intervals import Estimate, wilson
from evalkit.stats.rates import rate
from evalkit.stats.thresholds import chance_to_pass, reaches, standing


def test_three_threes_and_three_fives_of_five_reach_four_fifths() -> None:
    # As floats their mean is 0.7999999999999999.
    values = [3 / 5, 3 / 5, 3 / 5, 5 / 5, 5 / 5, 5 / 5]
    assert sum(values) / 6 < 0.8
    assert standing(rate(values, list("abcdef")), 0.8) == "met on the line"


@pytest.mark.parametrize(
    ("right", "bound", "found"),
    [(130, 0.8, "met"), (106, 0.8, "met on the line"), (104, 0.8, "met on the line"), (103, 0.8, "missed on the line"),
     (60, 0.8, "missed")],
)  # fmt: skip
def test_a_rate_is_met_missed_or_on_the_line(right: int, bound: float, found: str) -> None:
    assert standing(wilson(right, 130), bound) == found


def test_without_an_interval_a_rate_is_on_the_line() -> None:
    assert standing(Estimate(1.0, None, None, 1), 0.8) == "met on the line"


def test_without_a_value_nothing_stands_anywhere() -> None:
    assert standing(Estimate(None, None, None, 0), 0.8) is None


@pytest.mark.parametrize(("n", "told"), [(130, 0.110), (60, 0.232), (16, 0.405)])
def test_a_model_five_points_below_four_fifths_passes_so_often(n: int, told: float) -> None:
    assert chance_to_pass(n, 0.8, 0.75) == pytest.approx(told, abs=0.005)


@pytest.mark.parametrize(("n", "bound", "truth"), [(130, 0.8, 0.75), (20, 0.6, 0.6), (7, 0.5, 0.9), (10, 0.7, 0.7)])
def test_the_chance_of_right_or_wrong_is_binomial(n: int, bound: float, truth: float) -> None:
    least = min(count for count in range(n + 1) if reaches(count / n, bound))
    assert chance_to_pass(n, bound, truth) == pytest.approx(binom.sf(least - 1, n, truth))


@pytest.mark.parametrize(("bound", "truth", "chance"), [(0, 0, 1), (1, 1, 1), (1.01, 1, 0), (0.05, -0.2, 0)])
def test_at_the_ends_a_chance_is_sure(bound: float, truth: float, chance: float) -> None:
    assert chance_to_pass(20, bound, truth) == chance


def test_graded_scores_pass_by_the_spread_that_was_seen() -> None:
    assert chance_to_pass(100, 0.8, 0.75, spread=0.4) == pytest.approx(norm.sf(0.05 / 0.04))
    assert chance_to_pass(100, 0.8, 0.8, spread=0.0) == 1.0


def test_a_chance_on_no_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="n must be above 0 and spread at least 0, got 0 and None"):
        chance_to_pass(0, 0.8, 0.8)
