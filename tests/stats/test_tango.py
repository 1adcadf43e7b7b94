"""Tango's interval reproduces published figures, and his score equation solved another way."""

from collections.abc import Callable
from functools import partial
from math import sqrt
from statistics import NormalDist

import pytest
from figures import rounded
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from evalkit.stats.intervals import Estimate
from evalkit.stats.tango import examples_for_margin, smallest_margin, tango

cells = st.tuples(*[st.integers(0, 40)] * 4).filter(any)
levels = st.sampled_from([0.8, 0.95, 0.99])

# Both, gained, lost, neither -> difference and 95 % bounds as printed, and the digits printed.
PRINTED = {
    # M. W. Fagerland, S. Lydersen and P. Laake (2014), Statist. Med. 33, 2850-2875: airway hyper-responsiveness of
    # 21 children before and after a transplantation.
    (1, 1, 7, 12): ((-0.286, -0.517, -0.026), 3),
    # Their R package contingencytables 3.0.0, data cavo_2012: complete response before and after a therapy.
    (59, 6, 16, 80): ((-0.0621, -0.1240, -0.0054), 4),
    # R's PropCIs 0.3-0, scoreci.mp(0, 7, 14): an empty cell.
    (3, 7, 0, 4): ((0.5, 0.177034, 0.732008), 6),
}


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _score(difference: float, gained: int, lost: int, n: int) -> float:
    """The statistic as Tango writes it, by his estimate of the share of ``lost``."""
    b = (2 * n - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    share = (sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return (gained - lost - n * difference) / sqrt(n * (2 * share + difference * (1 - difference)))


@pytest.mark.parametrize("counts", PRINTED)
def test_published_intervals_come_out_to_the_last_digit(counts: tuple[int, int, int, int]) -> None:
    estimate, (row, digits) = tango(*counts), PRINTED[counts]
    assert tuple(rounded(x, digits) for x in (estimate.value, estimate.low, estimate.high)) == row


def test_tangos_own_cross_over_trial_has_his_bound() -> None:
    # T. Tango (1998), section 6.1: two disinfections of soft contact lenses, 44 pairs, one discordant; the 90 %
    # interval from -0.096 on, just inside the margin of 0.1.
    assert rounded(tango(43, 0, 1, 0, level=0.9).low, 3) == -0.096


def test_tangos_own_matched_pairs_have_his_interval() -> None:
    # Section 6.2: sleeping difficulties of 32 pairs of marijuana users and controls, discordant pairs 9 and 3.
    estimate = tango(4, 9, 3, 16)
    assert (rounded(estimate.low, 3), rounded(estimate.high, 3)) == (-0.027, 0.390)


@settings(max_examples=80, deadline=None)
@given(cells, levels)
def test_the_bounds_are_the_roots_of_tangos_score_equation(counts: tuple[int, int, int, int], level: float) -> None:
    _, gained, lost, _ = counts
    n, seen = sum(counts), (gained - lost) / sum(counts)
    # There the statistic is 0 / 0 at the difference seen; those bounds have a closed form, tested below.
    assume(gained + lost > 0 and max(gained, lost) < n)
    estimate, near = tango(*counts, level), 1e-9
    low = brentq(lambda d: _score(d, gained, lost, n) - _z(level), -1 + near, seen, xtol=1e-14)
    high = brentq(lambda d: _score(d, gained, lost, n) + _z(level), seen, 1 - near, xtol=1e-14)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("n", [1, 5, 73, 100_000])
def test_models_that_never_differ_may_still_differ_by_the_smallest_margin_either_way(n: int) -> None:
    estimate = tango(n // 2, 0, 0, n - n // 2)
    assert (estimate.value, estimate.high) == (0.0, pytest.approx(smallest_margin(n), rel=1e-9))
    assert estimate.low == -estimate.high


@pytest.mark.parametrize("n", [1, 5, 73])
def test_a_candidate_that_alone_is_right_throughout_is_bounded_on_one_side_only(n: int) -> None:
    square = _z(0.95) ** 2
    estimate = tango(0, n, 0, 0)
    assert estimate.low == pytest.approx((n - square) / (n + square), abs=1e-12)
    assert estimate == Estimate(1.0, estimate.low, 1.0, n)


@settings(max_examples=80, deadline=None)
@given(cells, levels)
def test_the_interval_excludes_0_where_mcnemars_score_test_is_significant(
    counts: tuple[int, int, int, int], level: float
) -> None:
    _, gained, lost, _ = counts
    assume(gained + lost)
    statistic, estimate = abs(gained - lost) / sqrt(gained + lost), tango(*counts, level)
    assume(abs(statistic - _z(level)) > 1e-6)
    assert (not estimate.low <= 0 <= estimate.high) == (statistic > _z(level))


@settings(max_examples=80, deadline=None)
@given(cells, levels)
def test_swapping_the_models_mirrors_the_interval_to_the_last_bit(
    counts: tuple[int, int, int, int], level: float
) -> None:
    both, gained, lost, neither = counts
    there, back = tango(*counts, level), tango(both, lost, gained, neither, level)
    assert (back.value, back.low, back.high) == (-there.value, -there.high, -there.low)


@settings(max_examples=80, deadline=None)
@given(cells, levels)
def test_the_difference_lies_in_its_interval_and_the_interval_in_minus_1_to_1(
    counts: tuple[int, int, int, int], level: float
) -> None:
    estimate = tango(*counts, level)
    assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low < estimate.high


@settings(max_examples=40, deadline=None)
@given(cells)
def test_more_confidence_takes_a_wider_interval(counts: tuple[int, int, int, int]) -> None:
    wide, narrow = tango(*counts, 0.99), tango(*counts, 0.9)
    assert wide.low <= narrow.low
    assert wide.high >= narrow.high


def test_no_pairs_are_not_estimable() -> None:
    assert tango(0, 0, 0, 0) == Estimate(None, None, None, 0)
    assert smallest_margin(0) is None


def test_a_margin_of_5_points_takes_73_examples_and_one_of_3_points_125() -> None:
    assert [examples_for_margin(margin) for margin in (0.05, 0.03)] == [73, 125]


@settings(max_examples=80, deadline=None)
@given(st.floats(1e-6, 0.999), levels)
def test_so_many_examples_show_the_margin_and_one_fewer_do_not(margin: float, level: float) -> None:
    needed = examples_for_margin(margin, level)
    assert smallest_margin(needed, level) < margin
    assert needed == 1 or smallest_margin(needed - 1, level) >= margin


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10**6), levels)
def test_the_examples_for_what_n_examples_just_show_are_n(n: int, level: float) -> None:
    assert examples_for_margin(smallest_margin(n, level) * (1 + 1e-9), level) == n


def test_a_single_lost_example_rules_out_less() -> None:
    assert tango(72, 0, 1, 0).low < -0.05 < tango(73, 0, 0, 0).low


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must not be negative, got 3, -1, 2 and 1"):
        tango(3, -1, 2, 1)


def test_a_negative_number_of_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="n must not be negative, got -1"):
        smallest_margin(-1)


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.05, float("nan")])
def test_a_margin_that_is_no_share_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin must be between 0 and 1, got"):
        examples_for_margin(margin)


@pytest.mark.parametrize(
    "call", [partial(tango, 1, 1, 1, 1), partial(smallest_margin, 5), partial(examples_for_margin, 0.1)]
)
def test_a_confidence_of_95_is_refused(call: Callable[[float], object]) -> None:
    with pytest.raises(ValueError, match=r"level must be between 0 and 1, got 95\.0"):
        call(95.0)
