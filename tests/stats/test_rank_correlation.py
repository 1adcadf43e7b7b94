"""Spearman's rank correlation and its permutation p."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import spearmanr

from evalkit.stats.rank_correlation import rank_correlation

LETTERS = [chr(ord("a") + number) for number in range(26)]


@pytest.mark.parametrize("seed", range(5))
def test_rho_is_scipys_with_ties_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, 26), rng.normal(size=26).round(1)
    assert rank_correlation(x, y, LETTERS, draws=1).rho == pytest.approx(spearmanr(x, y).statistic)


def test_p_is_exact_where_all_orders_can_be_tried() -> None:
    x, y = [3, 1, 4, 1, 5], [9.0, 2.0, 6.0, 5.0, 3.0]
    rho = [abs(spearmanr(order, y).statistic) for order in permutations(x)]
    seen = abs(spearmanr(x, y).statistic)
    found = rank_correlation(x, y, LETTERS[:5])
    assert found.p == sum(one >= seen - 1e-9 for one in rho) / len(rho)


def test_examples_of_one_group_are_one_piece_of_evidence() -> None:
    x, y = [1, 2, 3, 4], [1, 2, 3, 4]
    apart, copied = rank_correlation(x, y, LETTERS[:4]), rank_correlation(x * 9, y * 9, LETTERS[:4] * 9)
    assert copied == apart


def test_the_order_of_the_examples_makes_no_difference() -> None:
    rng = np.random.default_rng(0)
    x, y, order = rng.normal(size=26), rng.normal(size=26), rng.permutation(26)
    assert rank_correlation(x, y, LETTERS) == rank_correlation(x[order], y[order], [LETTERS[n] for n in order])


@pytest.mark.parametrize(("x", "y"), [([], []), ([1], [2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [0, 0, 0])])
def test_what_does_not_vary_has_no_correlation(x: list[float], y: list[float]) -> None:
    found = rank_correlation(x, y, LETTERS[: len(x)])
    assert (found.rho, found.p, found.n) == (None, None, len(x))


def test_of_unrelated_figures_no_more_are_found_than_the_level_says() -> None:
    rng = np.random.default_rng(1)
    found = [
        rank_correlation(rng.integers(0, 9, 20), rng.integers(0, 2, 20), LETTERS[:20], draws=399).p for _ in range(400)
    ]
    false = sum(p is not None and p <= 0.05 for p in found)
    assert false <= 33  # of 400 at 5 %: more come once in a hundred
