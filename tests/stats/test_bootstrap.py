"""The cluster bootstrap is SciPy's BCa at the expanded level, and knows what it can't know."""

from math import sqrt
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import bootstrap, norm, t

from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.intervals import Estimate

rows = st.lists(
    st.tuples(st.sampled_from([-1.0, -0.5, 0.0, 1 / 3, 1.0]), st.sampled_from("abcdefgh")), min_size=1, max_size=40
)


def _estimate(examples: list[tuple[float, str]], **options: Any) -> Estimate:
    return cluster_bootstrap([v for v, _ in examples], [g for _, g in examples], draws=300, **options)


def _expanded(level: float, groups: int) -> float:
    """The level at which a plain BCa is as wide as the one expanded for so many groups (Hesterberg 2015)."""
    return float(2 * norm.cdf(t.isf((1 - level) / 2, groups - 1) * sqrt(groups / (groups - 1))) - 1)


def _labels(count: int) -> list[str]:
    return [f"{i:04d}" for i in range(count)]


def test_ungrouped_examples_have_scipys_bca_interval_from_the_same_draws() -> None:
    values = np.random.default_rng(7).exponential(size=200)
    ours = cluster_bootstrap(values, _labels(200), seed=3)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=10_000, confidence_level=_expanded(0.95, 200), rng=np.random.default_rng(3)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_groups_have_scipys_bca_interval_of_the_ratio_of_sums_to_sizes() -> None:
    rng = np.random.default_rng(11)
    sizes = rng.integers(1, 6, size=25)
    labels = np.repeat(_labels(25), sizes).tolist()
    values = rng.normal(np.repeat(rng.normal(size=25), sizes))
    sums = np.array([values[np.array(labels) == label].sum() for label in _labels(25)])

    def ratio(s: NDArray[np.float64], m: NDArray[np.float64], axis: int) -> Any:
        return s.sum(axis=axis) / m.sum(axis=axis)

    theirs = bootstrap(
        (sums, sizes),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=2_000,
        confidence_level=_expanded(0.9, 25),
        rng=np.random.default_rng(5),
    ).confidence_interval
    ours = cluster_bootstrap(values, labels, level=0.9, draws=2_000, seed=5)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_copies_inside_a_group_bring_no_confidence_but_copies_as_strangers_do() -> None:
    values = [0.0, 1.0] * 20
    alone = cluster_bootstrap(values, _labels(40))
    copied = cluster_bootstrap(values * 3, _labels(40) * 3)
    strangers = cluster_bootstrap(values * 3, _labels(120))
    assert (copied.low, copied.high) == (alone.low, alone.high)
    assert strangers.high - strangers.low < 0.7 * (alone.high - alone.low)


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms())
def test_any_order_of_examples_gives_the_same_figures(examples: list[tuple[float, str]], random: Random) -> None:
    assert _estimate(random.sample(examples, len(examples))) == _estimate(examples)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_doubling_every_example_inside_its_group_leaves_the_interval(examples: list[tuple[float, str]]) -> None:
    once, twice = _estimate(examples), _estimate(examples * 2)
    assert (twice.value, twice.low, twice.high, twice.n) == (once.value, once.low, once.high, 2 * once.n)


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from([None, (-1.0, 1.0)]))
def test_swapping_the_models_mirrors_the_interval(
    examples: list[tuple[float, str]], bounds: tuple[float, float] | None
) -> None:
    ours = _estimate(examples, bounds=bounds)
    theirs = _estimate([(-v, g) for v, g in examples], bounds=bounds)
    if ours.low is None:
        assert (theirs.low, theirs.high, ours.high) == (None, None, None)
    else:
        assert (theirs.low, theirs.high) == pytest.approx((-ours.high, -ours.low), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_the_interval_stays_among_the_values_seen_and_has_the_mean_inside(examples: list[tuple[float, str]]) -> None:
    estimate, seen = _estimate(examples), [v for v, _ in examples]
    if estimate.low is not None:
        slack = 1e-12
        assert min(seen) - slack <= estimate.low <= estimate.high <= max(seen) + slack


def test_another_seed_gives_another_interval_and_the_same_seed_the_same() -> None:
    values = np.random.default_rng(1).normal(size=30)
    first, again, other = (cluster_bootstrap(values, _labels(30), seed=s) for s in (0, 0, 1))
    assert first == again
    assert first.low != other.low


def test_no_examples_are_not_estimable() -> None:
    assert cluster_bootstrap([], []) == Estimate(None, None, None, 0)


def test_one_group_has_a_value_and_no_interval_however_many_examples_it_has() -> None:
    assert cluster_bootstrap([0.0, 1.0], ["a", "a"], bounds=(0, 1)) == Estimate(0.5, None, None, 2)


def test_groups_that_are_all_alike_have_no_interval_of_width_0() -> None:
    assert cluster_bootstrap([0.1, 0.2, 0.1, 0.2], ["a", "a", "b", "b"]).low is None


def test_groups_that_are_all_alike_up_to_float_noise_have_no_interval() -> None:
    assert cluster_bootstrap([0.3, 0.1 + 0.2], ["a", "b"]).low is None


def test_all_right_is_bounded_as_by_clopper_pearson_when_the_scale_is_known() -> None:
    estimate = cluster_bootstrap([1.0] * 30, _labels(30), bounds=(0.0, 1.0))
    # G. J. Hahn and W. Q. Meeker (1991), Statistical Intervals: all of n conform, lower bound (alpha/2)^(1/n).
    assert (estimate.low, estimate.high) == (pytest.approx(0.025 ** (1 / 30)), 1.0)


def test_models_that_never_differ_may_still_differ_a_little_either_way() -> None:
    estimate = cluster_bootstrap([0.0] * 120, _labels(120), bounds=(-1.0, 1.0))
    assert (estimate.low, estimate.high) == (pytest.approx(-0.0303, abs=1e-4), pytest.approx(0.0303, abs=1e-4))


def test_a_value_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="values must be from 0 to 1, got 0 to 2"):
        cluster_bootstrap([0.0, 2.0], ["a", "b"], bounds=(0.0, 1.0))


def test_a_value_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="values must be finite, got nan at position 1"):
        cluster_bootstrap([0.0, float("nan")], ["a", "b"])


def test_a_bootstrap_without_draws_is_refused() -> None:
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        cluster_bootstrap([0.0, 1.0], ["a", "b"], draws=0)
