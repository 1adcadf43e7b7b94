"""The exact p by counting is that of SciPy's binomial test, and no rare collapse of whole groups deceives it."""

import time
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from evalkit.stats.counting import binomial_tail, counted_p

group = st.integers(1, 4).flatmap(lambda size: st.tuples(st.integers(-size, size), st.just(size)))


def test_every_cell_of_gained_and_lost_has_scipys_p() -> None:
    gained, lost = np.meshgrid(np.arange(0, 151, 3), np.arange(0, 151, 3))
    ours = [binomial_tail(g, k) for g, k in zip(gained.ravel().tolist(), lost.ravel().tolist(), strict=True)]
    assert ours == pytest.approx(binom.sf(gained - 1, gained + lost, 0.5).ravel(), rel=1e-9)


@pytest.mark.parametrize(("gained", "lost"), [(47, 27), (61, 37), (18, 6), (0, 9), (300, 250)])
def test_single_cells_have_the_p_of_scipys_test(gained: int, lost: int) -> None:
    theirs = binomtest(gained, gained + lost, alternative="greater").pvalue
    sums = [1] * gained + [-1] * lost + [0] * 20
    assert counted_p(sums, [1] * len(sums)) == pytest.approx(theirs, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(group, max_size=9))
def test_groups_have_the_chance_that_every_outcome_written_out_has(groups: list[tuple[int, int]]) -> None:
    laws = [
        [(total, size / (size + total)), (-size, total / (size + total))]
        if total > 0
        else [(total, 0.5), (-total, 0.5)]
        for total, size in groups
        if total
    ]
    seen = sum(total for total, _ in groups)
    written_out = sum(
        prod(chance for _, chance in outcome)
        for outcome in product(*laws)
        if sum(value for value, _ in outcome) >= seen
    )
    assert counted_p(*zip(*groups, strict=True) if groups else ([], [])) == pytest.approx(written_out, rel=1e-9)


def test_groups_that_are_won_and_lost_whole_are_coins() -> None:
    assert counted_p([4, 4, 4, 4, -4], [4] * 5) == counted_p([1, 1, 1, 1, -1], [1] * 5) == pytest.approx(6 / 32)


def test_seven_groups_of_four_that_gained_one_each_show_nothing() -> None:
    # Where whole groups are lost one time in five and one of four is gained else, this comes in 21 % of cases.
    assert counted_p([1] * 7, [4] * 7) == pytest.approx(0.8**7)


@pytest.mark.parametrize(("size", "gain", "loss"), [(2, 1, 2), (4, 1, 4), (4, 1, 2), (4, 2, 3)])
@pytest.mark.parametrize("count", [7, 10, 32])
def test_groups_that_collapse_at_times_win_no_more_often_than_promised(
    size: int, gain: int, loss: int, count: int
) -> None:
    # The mean is 0. One sign for each group, of one size, is "shown" in up to 21 % of these at 1.25 %.
    rng, tries = np.random.default_rng(3), 400
    sums = np.where(rng.random((tries, count)) < gain / (gain + loss), -loss, gain)
    false = sum(counted_p(row, [size] * count) <= 0.0125 for row in sums.tolist())
    assert false <= binom.ppf(0.999, tries, 0.0125)


def test_what_never_differs_has_p_1() -> None:
    assert counted_p([0, 0], [1, 2]) == counted_p([], []) == binomial_tail(0, 0) == 1.0


def test_counts_below_0_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must not be negative, got -1 and 3"):
        binomial_tail(-1, 3)


def test_a_group_that_gains_more_than_it_has_is_refused() -> None:
    with pytest.raises(ValueError, match="a group of 2 can't gain or lose 3"):
        counted_p([3], [2])


def test_fifty_thousand_examples_in_groups_take_no_time() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 7, size=15_000)
    sums = rng.integers(-sizes, sizes + 1)
    began = time.process_time()
    counted_p(sums.tolist(), sizes.tolist())
    assert time.process_time() - began < 0.5
