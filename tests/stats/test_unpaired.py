"""The rates of a tag and of the rest, and how far apart they are, with intervals that hold what they promise."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from evalkit.stats.clustered import clustered_mean
from evalkit.stats.intervals import Estimate, wilson
from evalkit.stats.samples import Array
from evalkit.stats.unpaired import Marks, gaps, part_rates


def alone(count: int) -> list[str]:
    """A group for each example."""
    return [f"e{number:04}" for number in range(count)]


def two(first: tuple[int, int], second: tuple[int, int]) -> tuple[Array, Marks]:
    """One column of scores: so many right of so many inside, and outside."""
    scores = [
        1.0 if number < right else 0.0 for right, n in (first, second) for number in range(n)
    ]  # fmt: skip
    return np.array(scores)[:, None], np.arange(len(scores)) < first[1]


def bounds(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


# The table of Newcombe (1998), Statist. Med. 17, 873-890, method 10.
NEWCOMBE = [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0000),
    ((10, 10), (0, 10), 0.6075, 1.0000),
]


@pytest.mark.parametrize(("first", "second", "low", "high"), NEWCOMBE)
def test_right_or_wrong_without_groups_it_is_newcombes_interval(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    scores, inside = two(first, second)
    [apart] = gaps(scores, inside, alone(len(scores)))
    assert bounds(apart) == pytest.approx((low, high), abs=5e-5)


def test_right_or_wrong_without_groups_a_rate_has_wilsons_interval() -> None:
    [found], expected = part_rates(two((13, 28), (0, 0))[0], alone(28)), wilson(13, 28)
    assert (found.value, *bounds(found)) == pytest.approx((13 / 28, *bounds(expected)))


def test_in_groups_a_rate_rests_on_as_many_examples_as_its_variance_is_worth() -> None:
    rng = np.random.default_rng(5)
    groups = [f"g{number // 3:02}" for number in range(60)]
    values = np.repeat(rng.integers(0, 2, 20), 3).astype(float)  # all three alike
    [found], spread = part_rates(values[:, None], groups), clustered_mean(values, groups)
    assert spread.standard_error is not None
    t, z, rate = 2.093024054408263, 1.959963984540054, values.mean()
    size = rate * (1 - rate) / spread.standard_error**2 * (z / t) ** 2
    centre, half = (rate + z * z / 2 / size), z * sqrt(rate * (1 - rate) / size + z * z / 4 / size / size)
    assert bounds(found) == pytest.approx(((centre - half) / (1 + z * z / size), (centre + half) / (1 + z * z / size)))


def test_where_all_groups_are_alike_each_of_them_counts_as_one_example() -> None:
    groups = [f"g{number // 2}" for number in range(16)]
    [found], expected = part_rates(np.ones((16, 1)), groups), wilson(8, 8)
    assert bounds(found) == pytest.approx(bounds(expected))


def test_one_group_has_a_rate_and_no_interval() -> None:
    assert part_rates(np.array([[1.0], [0.0]]), ["a", "a"]) == [Estimate(0.5, None, None, 2)]


def test_without_a_rest_nothing_is_estimable() -> None:
    assert gaps(np.ones((9, 1)), np.ones(9, dtype=bool), alone(9)) == [Estimate(None, None, None, 9)]


def test_groups_with_examples_on_both_sides_make_the_difference_surer() -> None:
    rng = np.random.default_rng(2)
    common = rng.random(40)
    scores = np.clip(np.repeat(common, 2) + rng.normal(0, 0.05, 80), 0, 1)[:, None]
    inside = np.arange(80) % 2 == 0
    [paired] = gaps(scores, inside, [f"g{number // 2:02}" for number in range(80)])
    [apart] = gaps(scores, inside, alone(80))
    assert bounds(paired)[1] - bounds(paired)[0] < 0.5 * (bounds(apart)[1] - bounds(apart)[0])


def test_each_column_is_what_it_is_alone() -> None:
    rng = np.random.default_rng(4)
    scores = np.column_stack([rng.integers(0, 2, 50), rng.random(50)]).astype(float)
    inside, groups = np.arange(50) < 15, [f"g{number // 2:02}" for number in range(50)]
    alone_ = [gaps(scores[:, [column]], inside, groups)[0] for column in (0, 1)]
    together = gaps(scores, inside, groups)
    assert [bounds(one) for one in together] == [pytest.approx(bounds(one)) for one in alone_]


@pytest.mark.parametrize("sizes", [[1] * 130, [1] * 60 + [2] * 20 + [3] * 10], ids=["alone", "groups"])
@pytest.mark.parametrize("kind", ["right or wrong", "graded"])
@pytest.mark.parametrize("mixed", [False, True], ids=["whole groups", "mixed groups"])
def test_95_percent_intervals_hold_the_true_difference_95_times_in_100(
    sizes: list[int], kind: str, mixed: bool
) -> None:
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(len(sizes)), sizes)
    groups, true, hits, trials = [f"g{number:03}" for number in group], (0.35, 0.6), 0, 400
    for _ in range(trials):
        inside = (rng.random(group.size) < 0.25) if mixed else (rng.random(len(sizes)) < 0.25)[group]
        chance = np.where(inside, *true)
        # Of each group some examples go by one common draw: they are alike, but not wholly.
        drawn = np.where(rng.random(group.size) < 0.6, rng.random(len(sizes))[group], rng.random(group.size))
        right = (drawn < chance).astype(float)
        scores = right if kind == "right or wrong" else np.where(right > 0, rng.uniform(0.6, 1.0, right.size), 0.0)
        expected = (true[0] - true[1]) * (1.0 if kind == "right or wrong" else 0.8)
        low, high = bounds(gaps(scores[:, None], inside, groups)[0])
        hits += low <= expected <= high
    assert 0.92 <= hits / trials <= 0.985
