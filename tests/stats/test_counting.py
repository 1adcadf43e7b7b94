"""The exact p by counting is that of SciPy's binomial test, and of every sign pattern written out."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from evalkit.stats.counting import binomial_tail, counted_p


def test_every_cell_of_gained_and_lost_has_scipys_p() -> None:
    gained, lost = np.meshgrid(np.arange(0, 151, 3), np.arange(0, 151, 3))
    ours = [binomial_tail(g, k) for g, k in zip(gained.ravel().tolist(), lost.ravel().tolist(), strict=True)]
    assert ours == pytest.approx(binom.sf(gained - 1, gained + lost, 0.5).ravel(), rel=1e-9)


@pytest.mark.parametrize(("gained", "lost"), [(47, 27), (61, 37), (18, 6), (0, 9), (300, 250)])
def test_single_cells_have_the_p_of_scipys_test(gained: int, lost: int) -> None:
    theirs = binomtest(gained, gained + lost, alternative="greater").pvalue
    assert counted_p([1] * gained + [-1] * lost + [0] * 20) == pytest.approx(theirs, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4), max_size=10))
def test_sums_of_groups_have_the_share_of_all_patterns(sums: list[int]) -> None:
    sizes = [abs(one) for one in sums]
    totals = [sum(sign * size for sign, size in zip(signs, sizes, strict=True))
              for signs in product((1, -1), repeat=len(sums))]  # fmt: skip
    assert counted_p(sums) == pytest.approx(np.mean([total >= sum(sums) for total in totals]), rel=1e-9)


def test_sums_that_are_all_of_one_size_are_coins() -> None:
    assert counted_p([4, 4, 4, 4, -4]) == counted_p([1, 1, 1, 1, -1]) == 6 / 32


def test_what_never_differs_has_p_1() -> None:
    assert counted_p([0, 0]) == counted_p([]) == binomial_tail(0, 0) == 1.0


def test_counts_below_0_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must not be negative, got -1 and 3"):
        binomial_tail(-1, 3)


def test_fifty_thousand_examples_in_groups_take_no_time() -> None:
    sums = np.random.default_rng(0).integers(-6, 7, size=15_000).tolist()
    began = time.process_time()
    counted_p(sums)
    assert time.process_time() - began < 0.5
