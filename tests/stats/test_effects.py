"""Effect sizes reproduce published figures and agree with SciPy and statsmodels, and say when there is none."""

from collections.abc import Callable
from math import comb
from random import Random

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, rankdata, ttest_1samp, ttest_rel
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import CompareMeans

from evalkit.stats.effects import (
    cohen_d_pooled,
    cohen_d_z,
    discordant_odds_ratio,
    effects,
    mcnemar_p,
    paired_t_p,
    rank_biserial,
)
from evalkit.stats.intervals import Estimate

quarters = st.integers(-8, 8).map(lambda x: x / 4)
rows = st.lists(st.tuples(quarters, quarters), min_size=1, max_size=40)
counts = st.tuples(st.integers(0, 40), st.integers(0, 40))

# D. Lakens (2013), Front. Psychol. 4:863, Table 1: ten people's ratings of two movies.
MOVIE_1 = [9, 7, 8, 9, 8, 9, 9, 10, 9, 9]
MOVIE_2 = [9, 6, 7, 8, 7, 9, 8, 8, 8, 7]

NOTHING = Estimate(None, None, None, 0)


def _sides(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [a for a, _ in pairs], [b for _, b in pairs]


def _d_z(pairs: list[tuple[float, float]]) -> Estimate:
    return cohen_d_z(np.subtract(*_sides(pairs)))


def _d_pooled(pairs: list[tuple[float, float]]) -> Estimate:
    return cohen_d_pooled(*_sides(pairs))


def _rank_biserial(pairs: list[tuple[float, float]]) -> Estimate:
    return rank_biserial(np.subtract(*_sides(pairs)))


EFFECTS = [_d_z, _d_pooled, _rank_biserial]


def test_lakens_movies_have_his_d_z() -> None:
    assert rounded(cohen_d_z(np.subtract(MOVIE_1, MOVIE_2)).value, 2) == 1.50


def test_lakens_movies_have_his_d_of_two_groups() -> None:
    assert rounded(cohen_d_pooled(MOVIE_1, MOVIE_2).value, 2) == 1.13


def test_darwins_maize_has_the_rank_correlation_of_its_rank_sums() -> None:
    # Rank sums 96 and 24 (F. Wilcoxon 1945): Kerby's simple difference is 80 % - 20 %.
    darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert rank_biserial(darwin) == Estimate(0.6, None, None, 15)


def test_the_rank_correlation_leaves_out_pairs_that_do_not_differ_and_does_not_count_them() -> None:
    # Wikipedia, "Wilcoxon signed-rank test": the ten pairs of the example, one without a difference; W = 9 of a
    # rank total of 45, r = .20.
    assert rank_biserial([15, -7, 5, 20, 0, -9, 17, -12, 5, -10]) == Estimate(0.2, None, None, 9)


@settings(max_examples=60, deadline=None)
@given(rows.filter(lambda r: len({a - b for a, b in r}) > 1))
def test_d_z_is_scipys_t_over_the_root_of_n(pairs: list[tuple[float, float]]) -> None:
    differences = np.subtract(*_sides(pairs))
    expected = ttest_1samp(differences, 0).statistic / np.sqrt(len(pairs))
    assert _d_z(pairs).value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows.filter(lambda r: len(r) > 1 and any(len(set(side)) > 1 for side in _sides(r))))
def test_d_pooled_is_the_difference_in_statsmodels_pooled_deviations(pairs: list[tuple[float, float]]) -> None:
    groups = CompareMeans.from_data(*map(np.array, _sides(pairs)))
    # Its standard error of the difference is the pooled deviation times the root of 2 / n.
    deviation = groups.std_meandiff_pooledvar / np.sqrt(2 / len(pairs))
    assert _d_pooled(pairs).value == pytest.approx((groups.d1.mean - groups.d2.mean) / deviation, rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows.filter(lambda r: sum(a != b for a, b in r) > 1))
def test_the_rank_correlation_is_the_share_of_rank_sums_above_0_less_that_below(
    pairs: list[tuple[float, float]],
) -> None:
    differences = np.subtract(*_sides(pairs))
    ranks = rankdata(np.abs(differences[differences != 0]))
    above = ranks[differences[differences != 0] > 0].sum() / ranks.sum()
    assert _rank_biserial(pairs).value == pytest.approx(above - (1 - above), abs=1e-12)


@pytest.mark.parametrize("effect", EFFECTS)
@settings(max_examples=40, deadline=None)
@given(pairs=rows)
def test_swapping_the_models_turns_the_effect_around(
    effect: Callable[..., Estimate], pairs: list[tuple[float, float]]
) -> None:
    there, back = effect(pairs), effect([(b, a) for a, b in pairs])
    assert back == (there if there.value is None else Estimate(-there.value, None, None, there.n))


@pytest.mark.parametrize("effect", EFFECTS)
@settings(max_examples=40, deadline=None)
@given(pairs=rows, random=st.randoms())
def test_any_order_of_examples_gives_the_same_figure(
    effect: Callable[..., Estimate], pairs: list[tuple[float, float]], random: Random
) -> None:
    assert effect(random.sample(pairs, len(pairs))) == effect(pairs)


@pytest.mark.parametrize("effect", EFFECTS)
def test_without_pairs_there_is_no_effect(effect: Callable[..., Estimate]) -> None:
    assert effect([]) == NOTHING


@pytest.mark.parametrize("effect", EFFECTS)
def test_one_pair_has_no_effect_size(effect: Callable[..., Estimate]) -> None:
    assert effect([(1.0, 0.5)]) == Estimate(None, None, None, 1)


def test_differences_that_are_all_equal_up_to_float_noise_have_no_d_z() -> None:
    assert cohen_d_z([0.2, 0.3 - 0.1, 0.2]) == Estimate(None, None, None, 3)


def test_scores_that_do_not_vary_have_no_d_pooled() -> None:
    assert cohen_d_pooled([1.0, 1.0], [0.5, 0.5]) == Estimate(None, None, None, 2)


def test_a_candidate_that_wins_by_the_same_everywhere_has_a_rank_correlation_of_1() -> None:
    assert rank_biserial([0.25, 0.25, 0.25]) == Estimate(1.0, None, None, 3)


def test_models_that_never_differ_have_no_rank_correlation() -> None:
    assert rank_biserial([0.0, 0.1 + 0.2 - 0.3]) == NOTHING


def test_float_noise_breaks_no_tie_of_the_rank_correlation() -> None:
    assert rank_biserial([0.3 - 0.1, -0.2]).value == 0.0


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_score_that_is_not_finite_is_refused(effect: Callable[..., Estimate]) -> None:
    with pytest.raises(ValueError, match="must be finite, got nan at position 1"):
        effect([(0.5, 0.5), (float("nan"), 0.5)])


def test_the_odds_ratio_reproduces_the_floppy_eyelids() -> None:
    # M. W. Fagerland, S. Lydersen and P. Laake (2014), Statist. Med. 33, 2850-2875; their R package contingencytables
    # 3.0.0 prints for ezra_2010 (discordant pairs 25 and 2): 12.5000 (95% CI 3.1169 to 108.8892).
    estimate = discordant_odds_ratio(25, 2)
    assert (estimate.value, rounded(estimate.low, 4), rounded(estimate.high, 4)) == (12.5, 3.1169, 108.8892)


@settings(max_examples=60, deadline=None)
@given(counts.filter(lambda c: c[1] > 0), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_odds_ratio_has_scipys_exact_interval_as_odds(pair: tuple[int, int], level: float) -> None:
    gained, lost = pair
    share = binomtest(gained, gained + lost).proportion_ci(level, "exact")
    estimate = discordant_odds_ratio(gained, lost, level)
    bounds = (share.low / (1 - share.low), share.high / (1 - share.high))
    assert (estimate.low, estimate.high) == pytest.approx(bounds, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(counts.filter(all))
def test_swapping_the_models_inverts_the_odds_ratio(pair: tuple[int, int]) -> None:
    there, back = discordant_odds_ratio(*pair), discordant_odds_ratio(*reversed(pair))
    assert (1 / there.value, 1 / there.high, 1 / there.low) == pytest.approx((back.value, back.low, back.high))


@settings(max_examples=60, deadline=None)
@given(counts.filter(all))
def test_the_interval_excludes_1_where_mcnemars_exact_test_is_significant(pair: tuple[int, int]) -> None:
    gained, lost = pair
    estimate = discordant_odds_ratio(gained, lost)
    p = mcnemar_p(gained, lost)
    assert (not estimate.low <= 1 <= estimate.high) == (p < 0.05)


def test_without_a_loss_only_the_lower_bound_is_finite() -> None:
    estimate = discordant_odds_ratio(5, 0)
    share = 0.025 ** (1 / 5)
    assert estimate.low == pytest.approx(share / (1 - share))
    assert estimate == Estimate(None, estimate.low, None, 5)


def test_without_a_gain_the_odds_ratio_is_0_and_has_an_upper_bound() -> None:
    estimate = discordant_odds_ratio(0, 5)
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, pytest.approx(0.025 ** (-1 / 5) - 1))


def test_without_a_discordant_pair_there_is_no_odds_ratio() -> None:
    assert discordant_odds_ratio(0, 0) == NOTHING


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must not be negative, got 3 and -1"):
        discordant_odds_ratio(3, -1)


# -- tests that readers know from elsewhere ---------------------------------------------------------

outcomes = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=200)
varied = st.lists(st.tuples(quarters, quarters), min_size=2, max_size=40).filter(
    lambda rows: len({a - b for a, b in rows}) > 1
)

# Student (1908), Biometrika 6, 1-25: hours of sleep that ten patients gained by two drugs, R's data set sleep.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_mcnemars_p_of_the_published_example_is_as_printed() -> None:
    # M. W. Fagerland, S. Lydersen and P. Laake (2013), BMC Med. Res. Methodol. 13:91, Table 1: airway
    # hyper-responsiveness of 21 children before and after a transplantation; discordant pairs 1 and 7.
    before = [1] * 1 + [1] * 1 + [0] * 7 + [0] * 12
    after = [1] * 1 + [0] * 1 + [1] * 7 + [0] * 12
    assert effects(after, before).mcnemar_p == pytest.approx(18 / 256, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(outcomes)
def test_mcnemars_p_agrees_with_statsmodels(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    table = np.array([[sum(p == (a, b) for p in pairs) for b in (0, 1)] for a in (0, 1)])
    assert effects(ours, theirs).mcnemar_p == pytest.approx(mcnemar(table, exact=True).pvalue, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.tuples(st.integers(0, 400), st.integers(0, 400)))
def test_mcnemars_p_is_twice_the_smaller_tail_counted_in_whole_numbers(pair: tuple[int, int]) -> None:
    tail = sum(comb(sum(pair), k) for k in range(min(pair) + 1))
    assert mcnemar_p(*pair) == pytest.approx(min(1.0, 2 * tail / 2 ** sum(pair)), rel=1e-11)


@settings(max_examples=60, deadline=None)
@given(outcomes)
def test_swapping_the_models_swaps_the_counts_and_keeps_mcnemars_p(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    there, back = effects(ours, theirs), effects(theirs, ours)
    assert there.odds_ratio is not None
    assert back.odds_ratio is not None
    assert back.mcnemar_p == there.mcnemar_p
    assert back.odds_ratio.n == there.odds_ratio.n


def test_thousands_of_discordant_pairs_are_no_problem_to_mcnemar() -> None:
    assert mcnemar_p(2000, 2000) == 1.0


def test_no_pairs_have_no_p_of_mcnemar() -> None:
    assert effects([], []).mcnemar_p is None


def test_models_that_never_differ_have_p_1_of_mcnemar() -> None:
    assert effects([1, 0], [1, 0]).mcnemar_p == 1.0


def test_half_right_has_no_p_of_mcnemar() -> None:
    found = effects([1, 1], [1, 0.5])
    assert (found.mcnemar_p, found.odds_ratio) == (None, None)


def test_models_that_answered_unequal_numbers_of_examples_have_no_effects() -> None:
    with pytest.raises(ValueError, match="candidate and against must be of one length, got 1 and 2"):
        effects([1], [1, 0])


def test_a_negative_count_has_no_p_of_mcnemar() -> None:
    with pytest.raises(ValueError, match="counts must not be negative, got -1 and 2"):
        mcnemar_p(-1, 2)


def test_students_sleepers_have_the_p_that_r_prints() -> None:
    # t.test(extra ~ group, data = sleep, paired = TRUE): t = -4.0621, df = 9, p-value = 0.002833.
    differences = np.subtract(FIRST, SECOND)
    assert rounded(cohen_d_z(differences).value * 10**0.5, 4) == -4.0621
    assert rounded(paired_t_p(differences), 6) == 0.002833


@settings(max_examples=60, deadline=None)
@given(varied)
def test_the_p_of_the_paired_t_is_scipys(rows: list[tuple[float, float]]) -> None:
    ours, theirs = _sides(rows)
    test = ttest_rel(ours, theirs)
    d_z = cohen_d_z(np.subtract(ours, theirs)).value
    assert d_z is not None
    assert d_z * len(rows) ** 0.5 == pytest.approx(test.statistic, rel=1e-9, abs=1e-9)
    assert paired_t_p(np.subtract(ours, theirs)) == pytest.approx(test.pvalue, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(varied)
def test_swapping_the_models_keeps_the_p_of_the_paired_t(rows: list[tuple[float, float]]) -> None:
    ours, theirs = _sides(rows)
    assert paired_t_p(np.subtract(ours, theirs)) == paired_t_p(np.subtract(theirs, ours))


@settings(max_examples=60, deadline=None)
@given(varied, st.randoms())
def test_any_order_of_examples_gives_the_same_p_of_the_paired_t(
    rows: list[tuple[float, float]], random: Random
) -> None:
    shuffled = random.sample(rows, len(rows))
    assert paired_t_p(np.subtract(*_sides(shuffled))) == paired_t_p(np.subtract(*_sides(rows)))


@pytest.mark.parametrize("differences", [[], [0.5], [0.5, 0.5, 0.5], [0.2, 0.3 - 0.1], [0.0, 0.0]])
def test_without_a_spread_there_is_no_p_of_the_paired_t(differences: list[float]) -> None:
    assert paired_t_p(differences) is None


def test_a_difference_that_is_not_finite_has_no_p_of_the_paired_t() -> None:
    with pytest.raises(ValueError, match="differences must be finite, got inf at position 0"):
        paired_t_p([float("inf"), 0.1])
