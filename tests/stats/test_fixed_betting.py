"""Betting on a fixed number of groups keeps its word for every distribution, and sees what there is to see."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from evalkit.stats.betting import smallest_margin_graded
from evalkit.stats.fixed_betting import Bets, intervals, one_sided_p
from evalkit.stats.permutation import sign_flip
from evalkit.stats.samples import Clusters, gather

ALPHA = 0.0125


def alone(differences: np.ndarray) -> Bets:
    return Bets.on(Clusters(differences, np.ones(differences.size)))


def collapsing(rng: np.random.Generator, n: int, noise: float) -> np.ndarray:
    """0.05 better on 95 % of the examples and 0.95 worse on 5 %, so that the mean is 0."""
    shown: np.ndarray = np.where(rng.random(n) < 0.05, -0.95, 0.05) + rng.normal(0, noise, n).clip(-0.05, 0.05)
    return shown


@pytest.mark.parametrize("noise", [0.02, 0.04])
@pytest.mark.parametrize("n", [20, 60, 130, 300])
def test_a_rare_collapse_reads_as_a_win_no_more_often_than_is_promised(n: int, noise: float) -> None:
    rng = np.random.default_rng(n)
    tried = [collapsing(rng, n, noise) for _ in range(200 if n < 300 else 60)]
    assert sum(one_sided_p(alone(one), alpha=ALPHA) <= ALPHA for one in tried) <= ALPHA * len(tried)


def test_bets_are_made_in_orders_that_know_nothing_of_what_they_hold() -> None:
    values = np.random.default_rng(1).normal(0, 0.2, 40).clip(-1, 1)
    orders, of_others = alone(values).sums[:, :, 0], alone(np.sort(values)).sums[:, :, 0]
    ranks = {value: place for place, value in enumerate(np.sort(values))}
    assert [values[place] for place in order_of(orders[:, 0], values)] == orders[:, 0].tolist()
    assert order_of(orders[:, 0], values) == [ranks[value] for value in of_others[:, 0]]


def order_of(held: np.ndarray, values: np.ndarray) -> list[int]:
    """At which places of ``values`` stand those that are ``held``."""
    return [int(np.flatnonzero(values == value)[0]) for value in held]


def test_a_test_of_signs_is_deceived_by_a_rare_collapse() -> None:
    rng, names = np.random.default_rng(20), [str(number) for number in range(20)]
    false = [sign_flip(collapsing(rng, 20, 0.03), names) <= ALPHA for _ in range(100)]
    assert np.mean(false) > 0.2


def test_fifty_nine_that_gain_a_little_and_one_that_loses_all_are_no_win() -> None:
    found = alone(np.array([0.05] * 59 + [-0.6]))
    assert one_sided_p(found) > 0.025
    assert intervals(found, [0.025])[0][0] < 0


@pytest.mark.parametrize(("gain", "loss", "size"), [(1, 1, 1), (1, 4, 4), (1, 9, 9)])
def test_groups_of_any_law_win_no_more_often_than_promised(gain: int, loss: int, size: int) -> None:
    rng = np.random.default_rng(size)
    sums = np.where(rng.random((150, 40)) < gain / (gain + loss), -loss, gain).astype(float)
    false = sum(one_sided_p(Bets.on(Clusters(row, np.full(40, float(size))))) <= 0.025 for row in sums)
    assert false <= binom.ppf(0.999, 150, 0.025)


def test_who_bets_on_what_is_not_so_expects_nothing() -> None:
    # Exactly: over all sequences of a fair game the goal is reached no more often than it is promised.
    odds = {0.5: 2 / 3, -1.0: 1 / 3}
    ps = {values: one_sided_p(alone(np.array(values))) for values in product(odds, repeat=9)}
    for level in (0.5, 0.2, 0.1, 0.025):
        reached = sum(np.prod([odds[value] for value in values]) for values, p in ps.items() if p <= level)
        assert reached <= level


@pytest.mark.parametrize(("mean", "spread", "n", "least"), [(0.1, 0.25, 130, 0.8), (0.05, 0.2, 300, 0.85)])
def test_what_is_there_is_seen(mean: float, spread: float, n: int, least: float) -> None:
    rng = np.random.default_rng(1)
    found = [one_sided_p(alone(rng.normal(mean, spread, n).clip(-1, 1)), alpha=ALPHA) <= ALPHA for _ in range(40)]
    assert np.mean(found) > least


def test_the_interval_holds_the_mean_as_often_as_promised() -> None:
    rng = np.random.default_rng(2)
    found = [intervals(alone(collapsing(rng, 60, 0.03)), [0.025])[0] for _ in range(150)]
    assert sum(low > 0 for low, _ in found) <= binom.ppf(0.999, 150, 0.025)
    assert sum(high < 0 for _, high in found) <= binom.ppf(0.999, 150, 0.025)


def test_swapping_the_models_mirrors_the_interval() -> None:
    differences = np.random.default_rng(3).normal(0.1, 0.3, 40).clip(-1, 1)
    (low, high), (swapped_low, swapped_high) = (intervals(alone(d), [0.025])[0] for d in (differences, -differences))
    assert (low, high) == pytest.approx((-swapped_high, -swapped_low), abs=1e-9)


def test_a_smaller_level_has_a_wider_interval_around_the_same_mean() -> None:
    differences = np.random.default_rng(3).normal(0.1, 0.3, 40).clip(-1, 1)
    (low, high), (lower, higher) = intervals(alone(differences), [0.025, 0.0025])
    assert lower < low < differences.mean() < high < higher


def test_other_names_of_the_groups_are_other_orders_and_move_the_bounds_a_little() -> None:
    # Names that sort alike change nothing. Others can't but: an order that no name decides is decided by the values.
    for seed in range(8):
        differences = np.random.default_rng(seed).normal(0.1, 0.3, 40).clip(-1, 1)
        bounds = [
            intervals(Bets.on(gather(differences, [name.format(place) for place in places])), [0.025])[0]
            for name, places in (
                ("{:02d}", [number // 2 for number in range(40)]),
                ("g-{:02d}", [number // 2 for number in range(40)]),
                ("{:02d}", [19 - number // 2 for number in range(40)]),
            )
        ]
        assert bounds[0] == bounds[1]
        assert bounds[0] == pytest.approx(bounds[2], abs=0.01)


def test_copies_inside_groups_add_no_evidence() -> None:
    sums = np.random.default_rng(5).normal(0.2, 0.3, 30).clip(-1, 1)
    once, twice = (Bets.on(Clusters(k * sums, np.full(30, float(k)))) for k in (1, 2))
    assert one_sided_p(once) == one_sided_p(twice)
    assert intervals(once, [0.025]) == intervals(twice, [0.025])


def test_the_smallest_margin_is_where_the_bound_of_no_difference_lies() -> None:
    for pieces in (20, 130):
        low, high = intervals(alone(np.zeros(pieces)), [ALPHA])[0]
        assert smallest_margin_graded(pieces, ALPHA) == -low == pytest.approx(high)
    assert smallest_margin_graded(0) is None
    with pytest.raises(ValueError, match="pieces must not be negative, got -1"):
        smallest_margin_graded(-1)
