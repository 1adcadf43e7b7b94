"""The paired t test agrees with SciPy and with Student's own data."""

from random import Random

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from evalkit.stats.paired_t import PairedT, paired_t

# Student (1908), Biometrika 6, 1-25: hours of sleep that ten patients gained by two drugs, R's data set sleep.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

quarters = st.integers(-8, 8).map(lambda x: x / 4)
varied = st.lists(st.tuples(quarters, quarters), min_size=2, max_size=40).filter(
    lambda rows: len({a - b for a, b in rows}) > 1
)


def _differences(rows: list[tuple[float, float]]) -> list[float]:
    return [a - b for a, b in rows]


def test_students_sleepers_have_the_t_and_p_that_r_prints() -> None:
    # t.test(extra ~ group, data = sleep, paired = TRUE): t = -4.0621, df = 9, p-value = 0.002833.
    result = paired_t(np.subtract(FIRST, SECOND))
    assert (rounded(result.t, 4), result.n, rounded(result.p_two_sided, 6)) == (-4.0621, 10, 0.002833)


@settings(max_examples=60, deadline=None)
@given(varied)
def test_t_and_both_p_are_scipys(rows: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*rows, strict=True)
    result = paired_t(_differences(rows))
    greater, both = ttest_rel(ours, theirs, alternative="greater"), ttest_rel(ours, theirs)
    assert result.t == pytest.approx(both.statistic, rel=1e-9, abs=1e-9)
    assert (result.p_better, result.p_two_sided) == pytest.approx((greater.pvalue, both.pvalue), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(varied)
def test_swapping_the_models_turns_t_around_and_keeps_the_two_sided_p(rows: list[tuple[float, float]]) -> None:
    there, back = paired_t(_differences(rows)), paired_t([-d for d in _differences(rows)])
    assert (back.t, back.p_two_sided) == (-there.t, there.p_two_sided)
    assert back.p_better == pytest.approx(1 - there.p_better, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(varied, st.randoms())
def test_any_order_of_examples_gives_the_same_figures(rows: list[tuple[float, float]], random: Random) -> None:
    assert paired_t(_differences(random.sample(rows, len(rows)))) == paired_t(_differences(rows))


@pytest.mark.parametrize("differences", [[], [0.5], [0.5, 0.5, 0.5], [0.2, 0.3 - 0.1], [0.0, 0.0]])
def test_without_a_spread_there_is_no_t(differences: list[float]) -> None:
    assert paired_t(differences) == PairedT(None, len(differences), None, None)


def test_a_difference_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="differences must be finite, got inf at position 0"):
        paired_t([float("inf"), 0.1])
