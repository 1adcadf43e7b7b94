"""Inference by betting: what it promises, by simulation and by exact reckoning; and what one look too many costs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom

from evalkit.stats.betting import Turns, anytime_p, capital, confidence_sequence, in_groups
from evalkit.stats.paired import paired, paired_in_turn
from evalkit.stats.permutation import sign_flip

ALPHA = 0.025
SIMULATED = 1000
MOST = binom.ppf(0.999, SIMULATED, ALPHA) / SIMULATED
"""So many false alarms come of a test that keeps its level, but for one time in a thousand."""


def draws(rise: float, fall: float, n: int = 150, seed: int = 1) -> np.ndarray:
    """Paired differences of right-or-wrong answers: +1, -1, and mostly 0."""
    return np.random.default_rng(seed).choice([1.0, -1.0, 0.0], p=[rise, fall, 1 - rise - fall], size=(SIMULATED, n))


@pytest.mark.parametrize("bound", [-0.05, 0.0, 0.3])
def test_who_bets_on_what_is_not_so_expects_nothing(bound: float) -> None:
    # Exactly: the mean stake over all sequences of a fair game stays 1 at every step.
    odds = {1.0: (1 + bound) / 2, -1.0: (1 - bound) / 2}
    stakes = np.zeros(6)
    for values in product(odds, repeat=6):
        stakes += np.prod([odds[value] for value in values]) * capital(values, bound)
    assert stakes == pytest.approx(np.ones(6))


@pytest.mark.parametrize(("rise", "fall"), [(0.1, 0.1), (0.4, 0.4), (0.02, 0.05)])
def test_looking_after_every_example_raises_no_more_false_alarms_than_promised(rise: float, fall: float) -> None:
    false = sum(anytime_p(values) <= ALPHA for values in draws(rise, fall))  # its p is of the best moment
    assert false / SIMULATED <= MOST


def test_a_test_for_one_look_raises_many_more_when_looked_at_often() -> None:
    looks, names = range(16, 151, 16), [str(number) for number in range(150)]
    sample = draws(0.2, 0.2)[:120]
    false = sum(any(sign_flip(values[:n], names[:n]) <= ALPHA for n in looks) for values in sample)
    assert false / len(sample) > 2 * ALPHA


@pytest.mark.parametrize(("rise", "fall"), [(0.3, 0.1), (0.05, 0.05), (0.5, 0.0)])
def test_the_interval_covers_the_mean_at_every_moment_at_once(rise: float, fall: float) -> None:
    # Its last state is the meeting of all before: a mean that is in it was never left out.
    found = [confidence_sequence(values) for values in draws(rise, fall, n=80)[:400]]
    above = sum(one.low > rise - fall for one in found)
    below = sum(one.high < rise - fall for one in found)
    assert max(above, below) <= binom.ppf(0.999, 400, ALPHA)


def test_a_clear_difference_is_settled_by_a_part_of_the_examples() -> None:
    needed = []
    for values in draws(0.5, 0.05, seed=2)[:200]:
        stakes = np.maximum.accumulate(capital(values, 0.0))
        needed.append(int(np.argmax(stakes >= 1 / ALPHA)) if stakes[-1] >= 1 / ALPHA else values.size)
    assert np.median(needed) < 40


def test_the_interval_and_the_p_say_the_same_of_nothing() -> None:
    for values in draws(0.3, 0.1, n=60)[:100]:
        assert (confidence_sequence(values).low >= 0) == (anytime_p(values) <= ALPHA)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([], None, None), ([0.0], -1.0, 1.0), ([1.0] * 400, 0.9, 1.0), ([-1.0] * 400, -1.0, -0.9)],
)
def test_the_ends_of_the_range_are_the_ends(values: Sequence[float], low: float | None, high: float | None) -> None:
    found = confidence_sequence(values)
    if low is None:
        assert (found.value, found.low, found.high, anytime_p(values)) == (None, None, None, None)
    else:
        assert found.low >= low
        assert found.high <= high


def test_examples_of_a_group_are_one_bet() -> None:
    turns = in_groups([1, 0, 0, 1], ["a", "b", "a", "c"])
    assert (turns.sums.tolist(), turns.sizes.tolist(), turns.largest) == ([1.0, 0.0, 1.0], [2.0, 1.0, 1.0], 2.0)
    assert in_groups([1, 0], ["a", "b"], largest=3).largest == 3.0


def test_stopping_early_estimates_what_a_whole_run_estimates() -> None:
    # One group of 100 lost and 99 singles gained: -0.5 points at once, and +98.0 if groups counted alike.
    ours, theirs = [1.0] * 99 + [0.0] * 100, [0.0] * 99 + [1.0] * 100
    groups = [str(min(number, 99)) for number in range(199)]
    whole, in_turn = (compare(ours, theirs, groups).difference for compare in (paired, paired_in_turn))
    assert in_turn.value == whole.value == pytest.approx(-1 / 199)
    assert in_turn.low <= in_turn.value <= in_turn.high
    assert in_turn.n == 199


def test_groups_that_lose_whole_do_not_win_because_there_are_many_others() -> None:
    """Six groups of five lose whole and ninety singles gain a third of theirs, in any order: the mean is 0."""
    rng, tries, false = np.random.default_rng(4), 300, 0
    sizes = np.repeat([5.0, 1.0], [6, 90])
    for _ in range(tries):
        sums, order = np.concatenate([np.full(6, -5.0), rng.random(90) < 1 / 3]), rng.permutation(96)
        false += anytime_p(Turns(sums[order], sizes[order], 5.0)) <= ALPHA
    assert false / tries <= MOST


@pytest.mark.parametrize(("values", "bound"), [([1.5], 0), ([float("nan")], 0), ([0], 1.0), ([0], -1)])
def test_what_can_go_broke_is_refused(values: Sequence[float], bound: float) -> None:
    with pytest.raises(ValueError, match=r"must be|not a number|finite"):
        capital(values, bound)
