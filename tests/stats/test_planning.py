"""Sample sizes agree with statsmodels and G*Power, and respect groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from evalkit.stats.planning import examples_needed, minimum_detectable

# Thirty differences with mean 0 and standard deviation 1: an effect of d is d standard deviations.
_RAW = np.random.default_rng(0).normal(size=30)
UNIT = (_RAW - _RAW.mean()) / _RAW.std(ddof=1)


@pytest.mark.parametrize("d", [0.05, 0.2, 0.5, 0.8, 2.0])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_examples_needed_are_those_of_statsmodels(d: float, power: float) -> None:
    theirs = TTestPower()
    needed = examples_needed(UNIT, d, power=power)
    assert theirs.power(d, needed, 0.025, alternative="larger") >= power
    assert theirs.power(d, needed - 1, 0.025, alternative="larger") < power


@pytest.mark.parametrize("n", [5, 60, 120, 2000])
def test_the_detectable_difference_is_that_of_statsmodels(n: int) -> None:
    theirs = TTestPower().solve_power(None, n, 0.025, 0.8, alternative="larger")
    assert minimum_detectable(UNIT, n) == pytest.approx(theirs, rel=1e-6)


def test_gpowers_example_of_matched_pairs_comes_out_backwards() -> None:
    # G*Power 3 user guide, t tests, difference between two dependent means (after Cohen 1969, p. 48):
    # d_z = 0.421637, 50 pairs, two-sided 0.05: power 0.832114. The far tail of the two-sided test is negligible.
    assert minimum_detectable(UNIT, 50, power=0.832114) == pytest.approx(0.421637, abs=2e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.02, 3))
def test_what_so_many_examples_detect_needs_no_more_of_them(effect: float) -> None:
    needed = examples_needed(UNIT, effect)
    assert needed is not None
    assert minimum_detectable(UNIT, needed) <= effect * (1 + 1e-9)


def test_halving_the_effect_takes_about_four_times_the_examples() -> None:
    assert examples_needed(UNIT, 0.1) == pytest.approx(4 * examples_needed(UNIT, 0.2), rel=0.02)


def test_copies_inside_groups_are_needed_too_and_tell_nothing() -> None:
    labels = [f"{i}" for i in range(30)]
    alone = examples_needed(UNIT, 0.5, groups=labels)
    copied = examples_needed(np.tile(UNIT, 3), 0.5, groups=labels * 3)
    assert alone == examples_needed(UNIT, 0.5)
    assert copied == 3 * alone


def test_copies_inside_groups_do_not_make_a_smaller_difference_detectable() -> None:
    labels = [f"{i}" for i in range(30)]
    alone = minimum_detectable(UNIT, 30, groups=labels)
    assert minimum_detectable(np.tile(UNIT, 3), 90, groups=labels * 3) == pytest.approx(alone, rel=1e-9)


def test_the_normal_approximation_takes_over_without_a_jump() -> None:
    assert examples_needed(UNIT, 0.0028) == pytest.approx(2.8015852**2 / 0.0028**2, rel=1e-5)
    assert examples_needed(UNIT, 0.0029) == pytest.approx(2.8015852**2 / 0.0029**2, rel=1e-5)


@pytest.mark.parametrize("differences", [[], [0.5], [0.5, 0.5, 0.5]])
def test_without_a_spread_nothing_can_be_planned(differences: list[float]) -> None:
    assert examples_needed(differences, 0.1) is None
    assert minimum_detectable(differences, 100) is None


def test_one_example_detects_nothing() -> None:
    assert minimum_detectable(UNIT, 1) is None


def test_an_effect_that_is_lost_in_the_spread_needs_more_than_anyone_has() -> None:
    assert examples_needed(UNIT, 1e-300) is None


def test_a_huge_effect_needs_two_examples() -> None:
    assert examples_needed(UNIT, 1e300) == 2


@pytest.mark.parametrize("effect", [0.0, -0.1, float("nan")])
def test_only_a_gain_can_be_shown(effect: float) -> None:
    with pytest.raises(ValueError, match="effect must be above 0, got"):
        examples_needed(UNIT, effect)


def test_a_power_below_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be 0 < alpha < power < 1, got 0\.9 and 0\.8"):
        examples_needed(UNIT, 0.1, alpha=0.9)


def test_a_negative_number_of_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="n must not be negative, got -1"):
        minimum_detectable(UNIT, -1)


def test_a_difference_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="differences must be finite, got nan at position 1"):
        examples_needed([0.1, float("nan")], 0.1)
