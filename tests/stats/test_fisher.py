"""Fisher's exact test is the hypergeometric distribution, counted."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from evalkit.stats.fisher import fisher


def counted(right: int, n: int, all_right: int, all_n: int) -> float:
    """The same by whole numbers: twice the smaller tail of all ways to choose the n."""
    ways = {k: comb(all_right, k) * comb(all_n - all_right, n - k) for k in range(n + 1)}
    below = sum(count for k, count in ways.items() if k <= right)
    above = sum(count for k, count in ways.items() if k >= right)
    return min(1.0, 2 * min(below, above) / comb(all_n, n))


def test_p_is_the_share_of_all_choices_that_are_as_far_out() -> None:
    tables = [
        (right, n, all_right, 14)
        for n in range(1, 14)
        for all_right in range(15)
        for right in range(max(0, n + all_right - 14), min(n, all_right) + 1)
    ]
    assert [fisher(*table) for table in tables] == pytest.approx([counted(*table) for table in tables], rel=1e-9)


def test_large_counts_do_not_overflow() -> None:
    assert fisher(700, 1_000, 5_000, 10_000) < 1e-30


def test_where_nothing_differs_p_is_one() -> None:
    assert [fisher(5, 10, 10, 20), fisher(0, 9, 0, 30), fisher(9, 9, 30, 30)] == [1.0, 1.0, 1.0]


def test_under_no_difference_it_errs_at_most_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    ours, theirs = rng.binomial(28, 0.45, 4_000), rng.binomial(102, 0.45, 4_000)
    ps = np.array([fisher(int(a), 28, int(a + b), 130) for a, b in zip(ours, theirs, strict=True)])
    assert 0.01 < (ps <= 0.05).mean() <= 0.05


@pytest.mark.parametrize("counts", [(4, 3, 5, 10), (3, 3, 2, 10), (0, 9, 5, 10), (-1, 3, 2, 10)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="impossible counts"):
        fisher(*counts)
