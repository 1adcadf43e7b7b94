"""What so many graded examples show by betting is about what is said, as simulated comparisons tell."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats.betting_power import detectable_by_betting, needed_by_betting
from evalkit.stats.fixed_betting import Bets, one_sided_p
from evalkit.stats.planning import minimum_detectable
from evalkit.stats.samples import Clusters


@pytest.mark.parametrize(
    ("spread", "n", "alpha"), [(0.1, 130, 0.025), (0.3, 60, 0.025), (0.3, 130, 0.025 / 3), (0.2, 200, 0.0125)]
)
def test_a_difference_of_the_size_told_is_shown_four_times_in_five(spread: float, n: int, alpha: float) -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(0, 1, n)
    least = detectable_by_betting((seen - seen.mean()) / seen.std(ddof=1) * spread, alpha)
    assert least is not None
    samples = (np.clip(rng.normal(least, spread, n), -1, 1) for _ in range(120))
    shown = [one_sided_p(Bets.on(Clusters(sample, np.ones(n))), alpha=alpha) <= alpha for sample in samples]
    assert 0.68 < np.mean(shown) < 0.93


def test_what_so_many_detect_needs_no_more_of_them_and_no_fewer() -> None:
    differences = np.random.default_rng(1).normal(0.05, 0.25, 130).clip(-1, 1)
    least = detectable_by_betting(differences)
    assert least is not None
    assert needed_by_betting(differences, least + 1e-9) == pytest.approx(130, abs=1)
    half = needed_by_betting(differences, least / 2)
    assert half is not None
    assert half > 2 * 130


def test_betting_needs_more_than_the_t_test() -> None:
    differences = np.random.default_rng(1).normal(0.05, 0.25, 130).clip(-1, 1)
    least, by_t = detectable_by_betting(differences), minimum_detectable(differences, 130)
    assert least is not None
    assert by_t is not None
    assert by_t < least < 2 * by_t


def test_copies_inside_groups_detect_no_smaller_difference() -> None:
    differences = np.random.default_rng(1).normal(0.05, 0.25, 40).clip(-1, 1)
    alone = detectable_by_betting(differences)
    copied = detectable_by_betting(np.repeat(differences, 3), groups=[str(number // 3) for number in range(120)])
    assert alone == pytest.approx(copied)


@pytest.mark.parametrize("differences", [[], [0.5], [0.5, 0.5, 0.5]])
def test_without_a_spread_nothing_can_be_planned(differences: list[float]) -> None:
    assert detectable_by_betting(differences) is None
    assert needed_by_betting(differences, 0.1) is None


def test_so_few_examples_detect_nothing() -> None:
    assert detectable_by_betting([0.9, -0.9, 0.5]) is None


def test_an_effect_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"effect must be above 0, got 0\.0"):
        needed_by_betting([0.1, 0.2], 0.0)
