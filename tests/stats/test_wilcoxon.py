"""The signed-rank test agrees with its author, SciPy and plain enumeration, and float noise does not decide it."""

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from scipy.stats import wilcoxon as scipy_wilcoxon

from evalkit.stats.wilcoxon import Wilcoxon, signed_ranks, wilcoxon

# Tenths, so that many differences tie and float noise could break the ties.
tenths = st.integers(-6, 6)
few = st.lists(tenths, min_size=1, max_size=8)

# F. Wilcoxon (1945), Biometrics Bull. 1, 80-83: Darwin's 15 pairs of maize, cross minus self fertilised.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def _untied(n: int, seed: int = 0) -> Any:
    """Whole numbers of n different sizes, most of them above 0."""
    rng = np.random.default_rng(seed)
    return rng.permutation(np.arange(1, n + 1)) * rng.choice([-1, 1, 1], size=n)


def test_darwins_maize_has_wilcoxons_rank_total_and_scipys_printed_p() -> None:
    # SciPy prints 0.041259765625 and half of it, in the documentation of scipy.stats.wilcoxon.
    assert wilcoxon(DARWIN) == Wilcoxon(96.0, 24.0, 15, 0, 0.0206298828125, 0.041259765625)


def test_nine_depressive_patients_have_the_printed_p() -> None:
    # M. Hollander and D. A. Wolfe (1973), Nonparametric Statistical Methods, 29f, the example of R's wilcox.test:
    # V = 40, p-value = 0.01953, greater.
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    result = wilcoxon(np.subtract(before, after))
    assert (result.plus, rounded(result.p_better, 5)) == (40.0, 0.01953)


def test_an_exact_p_with_ties_and_zeros_is_the_printed_one() -> None:
    # J. Bortz, G. A. Lienert and K. Boehnke, Verteilungsfreie Methoden in der Biostatistik, as run through R's
    # exactRankTests (S. Grosse, R-help, 25 August 2006): V = 13, p-value = 0.1367, two-sided.
    first = [9, 14, 8, 11, 14, 10, 8, 14, 12, 14, 13, 9, 15, 12, 9]
    second = [13, 15, 9, 12, 16, 10, 8, 13, 12, 16, 9, 10, 16, 12, 9]
    result = wilcoxon(np.subtract(first, second))
    assert (result.plus, result.zeros, rounded(result.p_two_sided, 4)) == (13.0, 5, 0.1367)


@settings(max_examples=60, deadline=None)
@given(few.filter(any))
def test_the_exact_p_is_the_share_of_sign_patterns_whose_rank_sum_is_as_large(differences: list[float]) -> None:
    left = np.array([d for d in differences if d])
    ranks = rankdata(np.abs(left))
    sums = [np.dot(ranks, pattern) for pattern in product((0, 1), repeat=left.size)]
    seen = ranks[left > 0].sum()
    better, worse = np.mean([s >= seen for s in sums]), np.mean([s <= seen for s in sums])
    result = wilcoxon(np.array(differences) / 10)
    assert (result.plus, result.p_better, result.p_two_sided) == (seen, better, min(1.0, 2 * min(better, worse)))


@pytest.mark.parametrize("n", [1, 2, 17, 50])
def test_without_ties_p_is_scipys_exact_one(n: int) -> None:
    differences = _untied(n)
    result = wilcoxon(differences)
    for ours, alternative in ((result.p_better, "greater"), (result.p_two_sided, "two-sided")):
        theirs = scipy_wilcoxon(differences, alternative=alternative, method="exact").pvalue
        assert ours == pytest.approx(theirs, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(tenths.filter(bool), min_size=51, max_size=90), st.integers(0, 9))
def test_above_50_differences_p_is_scipys_normal_approximation_corrected_for_ties(
    differences: list[float], zeros: int
) -> None:
    differences = differences + [0] * zeros
    result = wilcoxon(np.array(differences) / 10)
    for ours, alternative in ((result.p_better, "greater"), (result.p_two_sided, "two-sided")):
        theirs = scipy_wilcoxon(differences, alternative=alternative, method="asymptotic", correction=False).pvalue
        assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_normal_approximation_takes_over_without_a_jump(seed: int) -> None:
    differences = _untied(51, seed)
    exact = scipy_wilcoxon(differences, alternative="greater", method="exact").pvalue
    assert wilcoxon(differences).p_better == pytest.approx(exact, abs=0.003)


def test_a_hopeless_loss_of_the_other_keeps_its_digits() -> None:
    assert 0 < wilcoxon(np.arange(1.0, 501.0)).p_better < 1e-80


def test_float_noise_breaks_no_tie_and_gives_no_rank_to_0() -> None:
    noisy = [0.3 - 0.1, 0.2, -(0.7 - 0.5), 0.1 + 0.2 - 0.3]
    assert signed_ranks(noisy).tolist() == [4, 4, -4]
    assert wilcoxon(noisy) == wilcoxon([0.2, 0.2, -0.2, 0.0])


def test_numbers_too_large_to_round_are_ranked_all_the_same() -> None:
    assert signed_ranks([1e300, -1.0]).tolist() == [4, -2]


@settings(max_examples=60, deadline=None)
@given(st.lists(tenths, max_size=60), st.randoms())
def test_any_order_of_examples_gives_the_same_figures(differences: list[float], random: Random) -> None:
    shuffled = random.sample(differences, len(differences))
    assert wilcoxon(np.array(shuffled) / 10) == wilcoxon(np.array(differences) / 10)


@settings(max_examples=60, deadline=None)
@given(st.lists(tenths, min_size=1, max_size=60))
def test_swapping_the_models_swaps_the_rank_sums_and_keeps_the_two_sided_p(differences: list[float]) -> None:
    there, back = wilcoxon(differences), wilcoxon(np.negative(differences))
    assert (back.plus, back.minus, back.n, back.zeros) == (there.minus, there.plus, there.n, there.zeros)
    assert back.p_two_sided == there.p_two_sided


@settings(max_examples=60, deadline=None)
@given(few)
def test_the_two_directions_share_the_pattern_seen(differences: list[float]) -> None:
    assert 1 < wilcoxon(differences).p_better + wilcoxon(np.negative(differences)).p_better <= 2


def test_no_pairs_have_no_p() -> None:
    assert wilcoxon([]) == Wilcoxon(0.0, 0.0, 0, 0, None, None)


def test_models_that_never_differ_have_p_1() -> None:
    assert wilcoxon([0.0, 0.0, 0.0]) == Wilcoxon(0.0, 0.0, 3, 3, 1.0, 1.0)


def test_one_winning_example_has_p_one_half() -> None:
    assert wilcoxon([0.4]) == Wilcoxon(1.0, 0.0, 1, 0, 0.5, 1.0)


def test_a_difference_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="differences must be finite, got nan at position 1"):
        wilcoxon([0.1, float("nan")])
