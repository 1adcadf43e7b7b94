"""The interval of right-or-wrong differences in groups holds the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.grouped_tango import tango_in_groups
from evalkit.stats.paired import paired
from evalkit.stats.samples import Clusters, gather
from evalkit.stats.tango import smallest_margin, tango


def flips(rng: np.random.Generator, sizes: list[int], gained: float, lost: float, together: float) -> np.ndarray:
    """Differences of each example; a group flips whole with the chance ``together``."""
    odds, ids = [gained, lost, 1 - gained - lost], np.repeat(np.arange(len(sizes)), sizes)
    alone = rng.choice([1.0, -1.0, 0.0], p=odds, size=ids.size)
    whole, which = rng.choice([1.0, -1.0, 0.0], p=odds, size=len(sizes)), rng.random(len(sizes)) < together
    found: np.ndarray = np.where(which[ids], whole[ids], alone)
    return found


def interval(differences: np.ndarray, sizes: list[int], alpha: float = 0.025) -> tuple[float, float]:
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    clusters = Clusters(np.add.reduceat(differences, starts), np.array(sizes, float))
    found = tango_in_groups(clusters, int((differences > 0).sum()), int((differences < 0).sum()), alpha)
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_groups_of_one_have_tangos_own_answer() -> None:
    differences = np.array([1.0] * 9 + [-1.0] * 4 + [0.0] * 117)
    alone = tango(0, 9, 4, 117)
    assert interval(differences, [1] * 130) == (alone.low, alone.high)


def test_pairs_that_flip_whole_are_so_many_examples() -> None:
    differences = np.repeat(np.array([1.0] * 9 + [-1.0] * 4 + [0.0] * 52), 2)
    alone = tango(0, 9, 4, 52)
    assert interval(differences, [2] * 65) == (alone.low, alone.high)


def test_one_pair_among_130_changes_the_interval_a_little() -> None:
    differences = np.array([-1.0] * 9 + [1.0] * 15 + [0.0] * 106)
    assert interval(differences, [1] * 128 + [2]) == pytest.approx(interval(differences, [1] * 130), abs=0.002)


def test_three_lost_and_none_gained_of_130_are_no_loss_where_two_others_belong_together() -> None:
    # The bootstrap over groups says -6.2 to -0.8; the exact one-sided p of three coins is 0.125.
    theirs, ours = [1.0] * 130, [0.0] * 3 + [1.0] * 127
    groups = [str(min(number, 128)) for number in range(130)]
    found, boot = paired(ours, theirs, groups), cluster_bootstrap([a - 1 for a in ours], groups, bounds=(-1, 1))
    assert boot.high < 0
    assert found.p_worse == pytest.approx(0.125)
    assert -0.09 < found.difference.low < 0 <= found.difference.high
    assert not found.extended


def test_with_no_flip_at_all_groups_show_the_smallest_margin_of_as_many_examples() -> None:
    sizes = [2] * 12 + [3] * 2 + [1] * 100
    low, high = interval(np.zeros(130), sizes, 0.0125)
    assert -low == pytest.approx(high) == pytest.approx(smallest_margin(114, 0.975))


def test_swapping_the_models_mirrors_the_interval() -> None:
    rng, sizes = np.random.default_rng(0), [1] * 40 + [2] * 10 + [4] * 5
    differences = flips(rng, sizes, 0.1, 0.05, 0.5)
    low, high = interval(differences, sizes)
    assert interval(-differences, sizes) == (-high, -low)


@pytest.mark.parametrize("together", [0, 0.5, 1])
@pytest.mark.parametrize("sizes", [[2] * 32 + [1] * 66, [4] * 32 + [2], [7, 3, 2, 2, *[1] * 6] * 6])
def test_19_in_20_intervals_hold_the_truth(sizes: list[int], together: float) -> None:
    """A small one of the simulation in benchmarks/coverage.py."""
    rng, tries = np.random.default_rng(5), 400
    found = [interval(flips(rng, sizes, 0.05, 0.05, together), sizes) for _ in range(tries)]
    below, above = np.mean([high < 0 for _, high in found]), np.mean([low > 0 for low, _ in found])
    assert max(below, above) <= 0.031 + 2.6 * np.sqrt(0.031 / tries)
    assert below + above <= 0.06 + 2.6 * np.sqrt(0.06 / tries)


def test_the_bootstrap_over_groups_leaves_the_truth_out_too_often() -> None:
    rng, sizes = np.random.default_rng(5), [1] * 128 + [2]
    names = [str(number) for number, size in enumerate(sizes) for _ in range(size)]
    found = [cluster_bootstrap(flips(rng, sizes, 0.02, 0.02, 1), names, draws=500, bounds=(-1, 1)) for _ in range(200)]
    assert np.mean([one.low > 0 or one.high < 0 for one in found]) > 0.06


def test_one_group_has_a_value_alone() -> None:
    found = tango_in_groups(gather([1.0, 0.0], ["a", "a"]), 1, 0)
    assert (found.value, found.low, found.high, found.n) == (0.5, None, None, 2)
