"""The cluster-robust error is statsmodels' and a textbook's, and without groups it is the ordinary one to the bit."""

from math import sqrt
from random import Random
from typing import Any

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem, t
from statsmodels.api import OLS

from evalkit.stats.clustered import ClusteredMean, clustered_mean, within_examples
from evalkit.stats.intervals import Estimate, mean_t

value = st.one_of(st.sampled_from([0.0, 1.0, 1 / 3]), st.floats(-100, 100))
rows = st.lists(st.tuples(value, st.sampled_from("abcdefgh")), min_size=1, max_size=40)

# R. L. Scheaffer, W. Mendenhall and L. Ott, Elementary Survey Sampling, the example of cluster sampling: residents of
# 25 of a city's 415 blocks, and their total income in dollars. Mean 8801; s_r 25 189; variance of the mean 653 785.
RESIDENTS = [8, 12, 4, 5, 6, 6, 7, 5, 8, 3, 2, 6, 5, 10, 9, 3, 6, 5, 5, 4, 6, 8, 7, 3, 8]
THOUSANDS = [96, 121, 42, 65, 52, 40, 75, 65, 45, 50, 85, 43, 54, 49, 53, 50, 32, 22, 45, 37, 51, 30, 39, 47, 41]


def _mean(examples: list[tuple[float, str]], **options: Any) -> ClusteredMean:
    return clustered_mean([v for v, _ in examples], [g for _, g in examples], **options)


def _labels(count: int) -> list[str]:
    return [f"{i:04d}" for i in range(count)]


def test_the_incomes_of_a_city_have_their_published_variance() -> None:
    examples = [
        (1000 * total / residents, f"block {i}")
        for i, (residents, total) in enumerate(zip(RESIDENTS, THOUSANDS, strict=True))
        for _ in range(residents)
    ]
    result = _mean(examples)
    assert (rounded(result.mean.value), result.mean.n, result.groups) == (8801, 151, 25)
    # The book counts the blocks that were not drawn as certain: its variance has the factor 1 - 25/415.
    assert round(result.standard_error**2 * (1 - 25 / 415)) == 653_785


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_error_and_its_interval_are_those_of_statsmodels(level: float) -> None:
    rng = np.random.default_rng(11)
    sizes = rng.integers(1, 7, size=20)
    groups = np.repeat(np.arange(20), sizes)
    values = rng.normal(size=20)[groups] + rng.normal(size=groups.size)
    theirs = OLS(values, np.ones(groups.size)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    ours = clustered_mean(values, [f"g{g}" for g in groups], level=level)
    assert ours.standard_error == pytest.approx(theirs.bse[0], rel=1e-12)
    half = t.isf((1 - level) / 2, 19) * theirs.bse[0]
    assert (ours.mean.low, ours.mean.high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_the_squared_error_is_the_sum_over_groups_by_definition(examples: list[tuple[float, str]]) -> None:
    result = _mean(examples)
    values, labels = np.array([v for v, _ in examples]), np.array([g for _, g in examples])
    away = values - values.mean()
    sums = np.array([away[labels == g].sum() for g in np.unique(labels)])
    if result.standard_error is not None:
        squared = sums.size / (sums.size - 1) * (sums**2).sum() / values.size**2
        assert result.standard_error**2 == pytest.approx(squared, rel=1e-6, abs=1e-18)


@settings(max_examples=60, deadline=None)
@given(st.lists(value, min_size=1, max_size=30))
def test_examples_that_are_groups_of_their_own_have_the_ordinary_error_and_interval_exactly(
    values: list[float],
) -> None:
    result = clustered_mean(values, _labels(len(values)))
    assert result.mean == mean_t(values)
    assert result.standard_error == result.naive_error
    assert result.design_effect == (None if result.mean.low is None else 1.0)


def test_the_naive_error_is_scipys_whatever_the_groups() -> None:
    result = clustered_mean([0.0, 1.0, 1.0, 0.5], ["a", "a", "b", "b"])
    assert result.naive_error == pytest.approx(sem([0.0, 1.0, 1.0, 0.5]), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_doubling_every_example_inside_its_group_leaves_mean_and_error(examples: list[tuple[float, str]]) -> None:
    once, twice = _mean(examples), _mean(examples * 2)
    assert twice.standard_error == once.standard_error
    assert (twice.mean.value, twice.mean.low, twice.mean.high) == (once.mean.value, once.mean.low, once.mean.high)
    assert (twice.mean.n, twice.groups) == (2 * once.mean.n, once.groups)


def test_copies_inside_groups_have_a_design_effect_of_about_their_number() -> None:
    values = np.random.default_rng(2).normal(size=50)
    result = clustered_mean(np.tile(values, 3), _labels(50) * 3)
    # With n of 150 the naive variance has 149 where that of 50 has 49.
    assert result.design_effect == pytest.approx(149 / 49)
    assert result.standard_error == pytest.approx(sem(values))


def test_groups_whose_examples_differ_more_than_strangers_have_a_design_effect_below_1() -> None:
    assert clustered_mean([0, 1, 0, 1, 0.2, 1], ["a", "a", "b", "b", "c", "c"]).design_effect < 0.1


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms())
def test_any_order_of_examples_gives_the_same_figures(examples: list[tuple[float, str]], random: Random) -> None:
    assert _mean(random.sample(examples, len(examples))) == _mean(examples)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_the_names_of_the_groups_make_no_difference(examples: list[tuple[float, str]]) -> None:
    renamed, result = _mean([(v, chr(ord("z") - ord(g))) for v, g in examples]), _mean(examples)
    assert renamed.mean.value == pytest.approx(result.mean.value, abs=1e-12)
    assert (renamed.standard_error is None) == (result.standard_error is None)


def test_one_group_has_a_mean_and_a_naive_error_and_nothing_else() -> None:
    assert clustered_mean([0.0, 1.0], ["a", "a"]) == ClusteredMean(Estimate(0.5, None, None, 2), None, 0.5, 1)


def test_groups_with_one_mean_have_no_error_of_0() -> None:
    result = clustered_mean([1.0, 0.0, 0.0, 1.0], ["a", "a", "b", "b"])
    assert (result.mean, result.standard_error, result.design_effect) == (Estimate(0.5, None, None, 4), None, None)
    assert result.naive_error == pytest.approx(sqrt(1 / 12))


@pytest.mark.parametrize("values", [[0.3, 0.1 + 0.2, 0.3, 0.3], [1.0, 1.0, 1 + 1.7e-12, 1 + 1.7e-12]])
def test_values_that_are_all_equal_up_to_float_noise_have_no_error(values: list[float]) -> None:
    result = clustered_mean(values, ["a", "a", "b", "b"])
    assert (result.standard_error, result.naive_error, result.mean.low) == (None, None, None)


def test_no_examples_are_not_estimable() -> None:
    result = clustered_mean([], [])
    assert result == ClusteredMean(Estimate(None, None, None, 0), None, None, 0)
    assert result.design_effect is None


def test_an_empty_label_is_refused() -> None:
    with pytest.raises(ValueError, match="a group must be a label that is not empty, got ''"):
        clustered_mean([0.0, 1.0], ["a", ""])


def test_a_value_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="values must be finite, got nan at position 1"):
        clustered_mean([0.0, float("nan")], ["a", "b"])


def test_a_level_that_is_no_confidence_is_refused() -> None:
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        clustered_mean([0.0, 1.0], ["a", "b"], level=95)


def test_samples_are_averaged_inside_their_example_in_the_order_of_ids() -> None:
    assert within_examples([1, 0, 0, 1, 1], ["b", "a", "b", "c", "b"]).tolist() == [0.0, 2 / 3, 1.0]


@settings(max_examples=50, deadline=None)
@given(rows, st.randoms())
def test_any_order_of_samples_gives_the_same_means(examples: list[tuple[float, str]], random: Random) -> None:
    shuffled = random.sample(examples, len(examples))
    one, other = (within_examples([v for v, _ in r], [g for _, g in r]) for r in (examples, shuffled))
    assert np.array_equal(one, other)


def test_an_example_that_was_sampled_more_often_counts_no_more() -> None:
    means = within_examples([1] * 9 + [0], ["often"] * 9 + ["once"])
    assert mean_t(means).value == 0.5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_equally_often_sampled_examples_have_the_error_of_their_means(examples: list[tuple[float, str]]) -> None:
    # Samples grouped by their example, or averaged first: two ways to say the same, where all have as many.
    samples, ids = [v for example in examples for v in example], [i for i in _labels(len(examples)) for _ in range(2)]
    grouped, averaged = clustered_mean(samples, ids), mean_t(within_examples(samples, ids))
    assert (grouped.mean.low is None) == (averaged.low is None)
    if averaged.low is not None:
        assert grouped.mean.low == pytest.approx(averaged.low, rel=1e-9, abs=1e-9)


def test_no_samples_have_no_means() -> None:
    assert within_examples([], []).shape == (0,)


@pytest.mark.parametrize("bad", ["", None])
def test_a_sample_without_an_example_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"an example's id must be a text that is not empty, got .* at position 1"):
        within_examples([1.0, 0.0], ["a", bad])


def test_as_many_ids_as_samples_are_needed() -> None:
    with pytest.raises(ValueError, match="values and example_ids must be of one length, got 2 and 1"):
        within_examples([1.0, 0.0], ["a"])
