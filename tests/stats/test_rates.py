"""Rates rest on what they say they rest on."""

import pytest

from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.intervals import Estimate, wilson
from evalkit.stats.rates import rate


def test_right_or_wrong_examples_that_stand_alone_have_wilsons_interval() -> None:
    assert rate([1, 1, 0, 1], ["a", "b", "c", "d"]) == wilson(3, 4)


def test_groups_widen_the_interval_to_that_of_the_cluster_bootstrap() -> None:
    values, groups = [1, 1, 1, 0, 0, 0, 1, 1, 0, 0], list("aaabbbccdd")
    assert rate(values, groups) == cluster_bootstrap(values, groups, bounds=(0, 1))
    assert rate(values, groups).low < wilson(5, 10).low


def test_groups_with_one_right_example_each_are_not_taken_for_single_examples() -> None:
    values, groups = [1, 0, 1, 0, 0, 0], list("aabbcc")
    assert rate(values, groups) == cluster_bootstrap(values, groups, bounds=(0, 1))


def test_scores_between_0_and_1_have_the_bootstraps_interval() -> None:
    values = [0.5, 1.0, 0.0, 0.25]
    assert rate(values, list("abcd")) == cluster_bootstrap(values, list("abcd"), bounds=(0, 1))


def test_all_right_in_groups_is_not_certain() -> None:
    estimate = rate([1] * 40, [f"{i // 2:02d}" for i in range(40)])
    assert (estimate.value, estimate.low, estimate.high) == (1.0, pytest.approx(0.025 ** (1 / 20)), 1.0)


def test_a_rate_of_no_examples_is_not_estimable() -> None:
    assert rate([], []) == Estimate(None, None, None, 0)


@pytest.mark.parametrize("values", [[0, 2], [-1, 1], [0.5, 1.5]])
def test_a_score_outside_0_to_1_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="values must be from 0 to 1, got"):
        rate(values, ["a", "b"])


def test_a_missing_score_is_refused_and_not_taken_for_0() -> None:
    with pytest.raises(ValueError, match="values must be numbers"):
        rate([1, None], ["a", "b"])  # type: ignore[list-item]
