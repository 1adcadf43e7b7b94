"""Brier score, bins and decomposition agree with a published verification, SciPy and the bare definitions."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from evalkit.stats.intervals import Estimate
from evalkit.stats.probabilities import brier, decompose, reliability_bins

forecast = st.one_of(st.integers(0, 10).map(lambda k: k / 10), st.floats(0, 1))
rows = st.lists(st.tuples(forecast, st.integers(0, 1)), min_size=1, max_size=40)
cuts = st.one_of(st.integers(1, 12), st.just([0.0, 0.05, 0.5, 1.0]))

# Probability of precipitation in Tampere, 24 hours ahead, Finnish Meteorological Institute, 2003: the example of the
# WMO's Joint Working Group on Forecast Verification Research (cawcr.gov.au/projects/verification/POP3/POP3.html).
# For 0, 0.1, ... 1: how often it was said, and how often more than 0.2 mm fell.
SAID = [46, 56, 59, 41, 19, 22, 22, 34, 24, 11, 13]
RAINED = [1, 1, 5, 5, 4, 8, 6, 16, 16, 8, 11]
TAMPERE = [
    (k / 10, int(i < rained)) for k, (said, rained) in enumerate(zip(SAID, RAINED, strict=True)) for i in range(said)
]

FUNCTIONS = [brier, reliability_bins, decompose]


def _sides(examples: list[tuple[float, int]]) -> tuple[list[float], list[float]]:
    return [p for p, _ in examples], [y for _, y in examples]


def test_tampere_has_its_published_brier_score() -> None:
    assert rounded(brier(*_sides(TAMPERE)).value, 3) == 0.144


def test_tampere_has_its_published_decomposition() -> None:
    # Eleven bins: one for each of the probabilities that were said.
    parts = decompose(*_sides(TAMPERE), bins=11)
    assert (round(parts.reliability, 3), round(parts.resolution, 3)) == (0.025, 0.060)
    assert round(parts.uncertainty, 3) == 0.179
    assert parts.n == 347


def test_tampere_has_its_reliability_diagram() -> None:
    bins = reliability_bins(*_sides(TAMPERE), bins=11)
    assert [b.n for b in bins] == SAID
    assert [b.predicted for b in bins] == pytest.approx([k / 10 for k in range(11)])
    assert [b.observed.value for b in bins] == [y / n for y, n in zip(RAINED, SAID, strict=True)]


@settings(max_examples=50, deadline=None)
@given(rows.filter(lambda rows: len({round(abs(p - y), 6) for p, y in rows}) > 1))
def test_the_brier_score_has_scipys_t_interval_of_the_squared_differences_inside_0_to_1(
    examples: list[tuple[float, int]],
) -> None:
    p, y = map(np.array, _sides(examples))
    estimate, theirs = brier(p, y), ttest_1samp((p - y) ** 2, 0).confidence_interval(0.95)
    assert estimate.value == pytest.approx(np.mean((p - y) ** 2))
    assert (estimate.low, estimate.high) == pytest.approx((max(0, theirs.low), min(1, theirs.high)), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(rows)
def test_naming_the_other_outcome_changes_no_score(examples: list[tuple[float, int]]) -> None:
    here, there = brier(*_sides(examples)), brier(*_sides([(1 - p, 1 - y) for p, y in examples]))
    assert there.value == pytest.approx(here.value, abs=1e-12)


def test_a_proper_score_is_best_for_saying_the_rate() -> None:
    outcomes = [1] * 3 + [0] * 7
    scores = {p: brier([p] * 10, outcomes).value for p in (0.0, 0.2, 0.3, 0.4, 1.0)}
    assert min(scores, key=lambda p: scores[p] or 0) == 0.3


def test_always_saying_one_half_scores_a_quarter_and_has_no_interval() -> None:
    assert brier([0.5, 0.5, 0.5], [0, 1, 1]) == Estimate(0.25, None, None, 3)


def test_without_examples_nothing_is_estimable() -> None:
    assert brier([], []) == Estimate(None, None, None, 0)
    assert decompose([], []) is None


@settings(max_examples=50, deadline=None)
@given(rows, cuts)
def test_every_example_is_in_the_one_bin_that_holds_its_probability(
    examples: list[tuple[float, int]], bins: list[float]
) -> None:
    found = reliability_bins(*_sides(examples), bins=bins)
    assert [b.low for b in found] == [0.0, *(b.high for b in found[:-1])]
    assert found[-1].high == 1.0
    for b in found:
        inside = [y for p, y in examples if b.low <= p < b.high or p == b.high == 1]
        assert (b.n, b.observed.n) == (len(inside), len(inside))
        if inside:
            assert b.observed.value == np.mean(inside)
            assert b.low - 1e-12 <= b.predicted <= b.high + 1e-12


def test_a_bins_rate_has_scipys_wilson_interval() -> None:
    only = reliability_bins([0.2] * 10, [1, 1, 1] + [0] * 7, bins=5, level=0.9)[1].observed
    theirs = binomtest(3, 10).proportion_ci(0.9, "wilson")
    assert (only.low, only.high) == pytest.approx((theirs.low, theirs.high))


def test_empty_bins_are_listed_with_nothing_in_them() -> None:
    bins = reliability_bins([0.05, 0.95], [0, 1])
    assert [b.n for b in bins] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (bins[4].predicted, bins[4].observed) == (None, Estimate(None, None, None, 0))


def test_ten_bins_are_listed_even_without_examples() -> None:
    assert [b.n for b in reliability_bins([], [])] == [0] * 10


def test_a_probability_at_an_edge_opens_its_bin_and_1_closes_the_last() -> None:
    tenths = [k / 10 for k in range(11)]
    assert [b.n for b in reliability_bins(tenths, [0] * 11)] == [1] * 9 + [2]


@settings(max_examples=80, deadline=None)
@given(rows, cuts)
def test_the_parts_add_up_to_the_brier_score_whatever_the_bins_hide(
    examples: list[tuple[float, int]], bins: list[float]
) -> None:
    parts = decompose(*_sides(examples), bins=bins)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(brier(*_sides(examples)).value, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(rows, cuts)
def test_the_parts_are_those_of_the_bins(examples: list[tuple[float, int]], bins: list[float]) -> None:
    parts, found = decompose(*_sides(examples), bins=bins), reliability_bins(*_sides(examples), bins=bins)
    rate = np.mean([y for _, y in examples])
    filled: list[tuple[Any, ...]] = [(b.n / len(examples), b.predicted, b.observed.value) for b in found if b.n]
    assert parts.reliability == pytest.approx(sum(w * (p - y) ** 2 for w, p, y in filled), abs=1e-12)
    assert parts.resolution == pytest.approx(sum(w * (y - rate) ** 2 for w, _, y in filled), abs=1e-12)


def test_what_one_bin_hides_is_seen_within_it() -> None:
    # Stephenson et al. (2008): in one bin the score is reliability + uncertainty + variance - 2 covariance.
    parts = decompose([0.0, 1.0], [0, 1], bins=1)
    assert (parts.reliability, parts.resolution, parts.uncertainty) == (0.0, 0.0, 0.25)
    assert parts.within_bins == 0.25 - 2 * 0.25


def test_saying_the_overall_rate_is_reliable_and_resolves_nothing() -> None:
    parts = decompose([0.25] * 4, [1, 0, 0, 0])
    assert (parts.reliability, parts.resolution, parts.uncertainty, parts.within_bins) == (0.0, 0.0, 0.1875, 0.0)


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=30, deadline=None)
@given(examples=rows, random=st.randoms())
def test_any_order_of_examples_gives_the_same_figures(
    function: Callable[..., Any], examples: list[tuple[float, int]], random: Random
) -> None:
    assert function(*_sides(random.sample(examples, len(examples)))) == function(*_sides(examples))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("bad", [-0.01, 1.01, 95.0])
def test_a_probability_outside_0_to_1_is_refused(function: Callable[..., Any], bad: float) -> None:
    with pytest.raises(ValueError, match=f"probabilities must be from 0 to 1, got {bad:g} at position 1"):
        function([0.5, bad], [1, 0])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_half_an_outcome_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"outcomes must be 0 or 1, got 0\.5 at position 1"):
        function([0.5, 0.5], [1, 0.5])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_probability_that_is_not_finite_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="probabilities must be finite, got nan at position 0"):
        function([float("nan")], [1])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sides_of_unequal_length_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="probabilities and outcomes must be of one length, got 1 and 2"):
        function([0.5], [1, 0])


@pytest.mark.parametrize("function", FUNCTIONS[1:])
@pytest.mark.parametrize("edges", [[0.0], [0.0, 0.5], [0.1, 1.0], [0.0, 0.5, 0.5, 1.0], [0.0, float("nan"), 1.0]])
def test_edges_that_do_not_cut_0_to_1_into_pieces_are_refused(function: Callable[..., Any], edges: list[float]) -> None:
    with pytest.raises(ValueError, match=r"the edges of the bins must rise from 0 to 1, got \["):
        function([0.5], [1], bins=edges)


@pytest.mark.parametrize("function", FUNCTIONS[1:])
def test_no_bins_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        function([0.5], [1], bins=0)


@pytest.mark.parametrize("function", FUNCTIONS[:2])
def test_a_level_that_is_no_confidence_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        function([0.5], [1], level=95)
