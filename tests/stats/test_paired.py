"""Paired comparisons rest on what they say they rest on."""

import time
from random import Random

import numpy as np
import pytest
from figures import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalkit.stats.effects import effects
from evalkit.stats.fixed_betting import Bets, intervals, one_sided_p
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import Paired, difference, paired
from evalkit.stats.planning import examples_needed, minimum_detectable
from evalkit.stats.samples import DIGITS, gather
from evalkit.stats.tango import tango

score = st.sampled_from([0.0, 1 / 3, 0.5, 1.0])
rows = st.lists(st.tuples(score, score, st.sampled_from("abcdef")), min_size=1, max_size=20)


def _labels(count: int) -> list[str]:
    return [f"{i:04d}" for i in range(count)]


def _paired(examples: list[tuple[float, float, str]]) -> Paired:
    return paired([ours for ours, _, _ in examples], [theirs for _, theirs, _ in examples], [g for *_, g in examples])


def test_wins_losses_and_ties_count_examples() -> None:
    result = paired([1, 0.5, 0, 1], [0, 0.5, 1, 0], list("abcd"))
    assert (result.wins, result.losses, result.ties) == (2, 1, 1)


def test_a_clear_win_is_shown_and_says_that_fewer_examples_would_do() -> None:
    result = paired([1] * 50 + [0] * 10, [0] * 20 + [1] * 30 + [0] * 10, _labels(60))
    assert result.difference.value == pytest.approx(1 / 3)
    assert result.difference.low > 0.2
    assert result.p < 0.001
    assert result.needed < 60


def test_two_points_of_sixty_are_no_win_and_say_how_many_would_be() -> None:
    candidate = [1] * 31 + [0] * 29
    against = [1] * 25 + [0] * 6 + [1] * 5 + [0] * 24
    result = paired(candidate, against, _labels(60))
    assert result.difference.value == pytest.approx(1 / 60)
    assert result.difference.low < 0
    assert result.p > 0.3
    # Spread 0.43: about (2.8 * 0.43 / 0.0167)^2.
    assert result.needed == pytest.approx(5200, rel=0.05)


def test_grouped_wins_count_for_less_than_strangers() -> None:
    candidate, against = [1] * 48 + [0] * 48, [0] * 96
    grouped = paired(candidate, against, [f"{i // 4:02d}" for i in range(96)])
    strangers = paired(candidate, against, _labels(96))
    assert grouped.p > strangers.p
    assert grouped.difference.low < strangers.difference.low
    assert grouped.needed > strangers.needed


def test_models_that_score_alike_everywhere_are_near_but_not_proven_equal() -> None:
    result = paired([1, 0, 1, 1] * 30, [1, 0, 1, 1] * 30, _labels(120))
    assert (result.difference.value, result.p, result.ties, result.needed) == (0.0, 1.0, 120, None)
    assert -0.032 < result.difference.low < 0 < result.difference.high < 0.032


def test_scores_that_differ_by_float_noise_only_are_ties() -> None:
    result = paired([0.1 + 0.2, 0.7], [0.3, 0.7], ["a", "b"])
    assert (result.wins, result.ties, result.p) == (0, 2, 1.0)


def test_a_loss_needs_no_number_of_examples_to_be_shown_as_a_win() -> None:
    assert paired([0, 0, 1], [1, 1, 1], list("abc")).needed is None


def test_one_example_says_which_was_better_and_nothing_more() -> None:
    found = paired([1], [0], ["a"])
    assert (found.difference, found.p) == (Estimate(1.0, None, None, 1), 0.5)
    assert (found.wins, found.losses, found.ties) == (1, 0, 0)
    assert (found.needed, found.detectable, found.for_half) == (None, None, None)


def test_no_examples_say_nothing() -> None:
    found = paired([], [], [])
    assert (found.difference, found.p) == (Estimate(None, None, None, 0), None)
    assert (found.wins, found.losses, found.ties) == (0, 0, 0)
    assert (found.needed, found.detectable, found.for_half) == (None, None, None)


def test_right_or_wrong_examples_that_stand_alone_have_tangos_interval() -> None:
    # The worked example of stats/tango.py: 59 both right, 6 gained, 16 lost, 80 both wrong.
    ours = [1] * 59 + [1] * 6 + [0] * 16 + [0] * 80
    theirs = [1] * 59 + [0] * 6 + [1] * 16 + [0] * 80
    found = difference(ours, theirs, _labels(161), alpha=0.03)
    alone = tango(59, 6, 16, 80, level=0.94)
    assert (found.low, found.high, found.n) == (alone.low, alone.high, 161)


def test_p_decides_and_an_interval_that_it_does_not_bear_out_reaches_0() -> None:
    # Tango's own interval is -12.4 to -0.5 points; the exact p of a loss is 0.0262.
    ours = [1] * 59 + [1] * 6 + [0] * 16 + [0] * 80
    theirs = [1] * 59 + [0] * 6 + [1] * 16 + [0] * 80
    found = paired(ours, theirs, _labels(161))
    assert found.p_worse == pytest.approx(binomtest(6, 22, alternative="less").pvalue)
    assert found.p_worse > 0.025
    assert (rounded(found.difference.low, 4), found.difference.high, found.extended) == (-0.124, 0.0, True)
    assert difference(ours, theirs, _labels(161)) == found.difference


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (7, 1), (0, 5), (1, 7)])
@pytest.mark.parametrize("alpha", [0.025, 0.025 / 3])
def test_five_to_nothing_of_130_excludes_0_only_where_p_shows_it(gained: int, lost: int, alpha: float) -> None:
    ours = [1] * gained + [0] * lost + [1] * (130 - gained - lost)
    theirs = [0] * gained + [1] * lost + [1] * (130 - gained - lost)
    found = paired(ours, theirs, _labels(130), alpha=alpha)
    assert (found.decisive.low > 0) == (found.p <= alpha)
    assert (found.decisive.high < 0) == (found.p_worse <= alpha)
    assert found.extended
    assert found.difference.low <= 0 <= found.difference.high


@pytest.mark.parametrize(("gained", "lost", "p"), [(47, 27, 0.01326), (61, 37, 0.00985), (18, 6, 0.01133)])
def test_right_or_wrong_scores_have_the_exact_p(gained: int, lost: int, p: float) -> None:
    # A seeded draw of sign patterns had each of these on the wrong side of 0.0125.
    ours, theirs = [1] * gained + [0] * lost, [0] * gained + [1] * lost
    found = paired(ours, theirs, _labels(gained + lost))
    assert found.right_or_wrong
    assert found.p == pytest.approx(p, abs=5e-6)
    assert found.p == pytest.approx(binomtest(gained, gained + lost, alternative="greater").pvalue, rel=1e-9)
    assert found.p_worse == pytest.approx(binomtest(gained, gained + lost, alternative="less").pvalue, rel=1e-9)


@pytest.mark.parametrize(("gained", "lost"), [(1, 0), (1, 1), (3, 3), (8, 0)])
def test_under_nine_flips_nothing_is_planned_from_them(gained: int, lost: int) -> None:
    # 1 gained of 130 promised "a win of 2.4 points with power 0.8", whose true power was 0.04.
    ours = [1] * gained + [0] * lost + [1] * (130 - gained - lost)
    theirs = [0] * gained + [1] * lost + [1] * (130 - gained - lost)
    found = paired(ours, theirs, _labels(130))
    assert (found.needed, found.detectable, found.for_half) == (None, None, None)


def test_scores_between_0_and_1_have_the_interval_and_the_p_of_betting() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.beta(4, 2, 60), rng.beta(2, 2, 60)
    bets = Bets.on(gather(np.round(ours - theirs, DIGITS), _labels(60)))
    found = paired(ours.tolist(), theirs.tolist(), _labels(60))
    assert (found.difference.low, found.difference.high) == intervals(bets, [0.025])[0]
    assert (found.p, found.p_worse) == (one_sided_p(bets), 1.0)
    assert not found.right_or_wrong


def test_a_constant_gain_on_twenty_examples_is_not_shown_by_p_nor_by_its_interval() -> None:
    # A test of signs gave p = 0.0001 beside an interval from -8.5 to +25.2 points.
    found = paired([0.6] * 20, [0.5] * 20, _labels(20))
    assert found.p > 0.025
    assert found.difference.low < 0


def test_many_pairs_take_no_time() -> None:
    rng = np.random.default_rng(0)
    graded, right = rng.random((2, 50_000)), rng.integers(0, 2, (2, 50_000)).astype(float)
    groups = [str(number // 2) for number in range(50_000)]
    began = time.process_time()
    for ours, theirs in (graded.tolist(), right.tolist()):
        paired(ours, theirs, groups)
    assert time.process_time() - began < 2


def test_what_the_split_can_show_is_by_the_spread_that_was_seen() -> None:
    found = paired([1] * 40 + [0] * 20, [1] * 30 + [0] * 10 + [1] * 10 + [0] * 10, _labels(60))
    differences = [0] * 30 + [1] * 10 + [-1] * 10 + [0] * 10
    assert found.detectable == minimum_detectable(differences, 60)
    assert found.for_half == examples_needed(differences, found.detectable / 2)
    assert found.for_half > 4 * 60 - 10


def test_the_reference_figures_are_those_of_the_two_models() -> None:
    found = paired([1, 1, 1, 0, 1, 1], [0, 1, 0, 1, 0, 1], _labels(6)).effects
    assert (found.odds_ratio.value, found.mcnemar_p) == (3.0, 0.625)
    assert found.rank_biserial.value == 0.5
    assert effects([0.5, 1], [0.25, 1]).mcnemar_p is None


@settings(max_examples=30, deadline=None)
@given(rows)
def test_swapping_the_models_flips_the_sign_of_the_difference(examples: list[tuple[float, float, str]]) -> None:
    there, back = _paired(examples), _paired([(b, a, g) for a, b, g in examples])
    assert back.difference.value == -there.difference.value
    assert (back.wins, back.losses, back.ties) == (there.losses, there.wins, there.ties)


@settings(max_examples=30, deadline=None)
@given(rows, st.randoms())
def test_any_order_of_examples_gives_the_same_comparison(
    examples: list[tuple[float, float, str]], random: Random
) -> None:
    assert _paired(random.sample(examples, len(examples))) == _paired(examples)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(score, score), min_size=2, max_size=20))
def test_copies_of_every_example_in_a_group_of_its_own_add_no_evidence(examples: list[tuple[float, float]]) -> None:
    alone = [(*scores, f"{number:02d}") for number, scores in enumerate(examples)]
    once, twice = _paired(alone), _paired(alone * 2)
    assert (twice.difference.low, twice.difference.high, twice.p) == (once.difference.low, once.difference.high, once.p)
    assert twice.needed == (None if once.needed is None else pytest.approx(2 * once.needed, abs=1))


@settings(max_examples=30, deadline=None)
@given(rows)
def test_doubling_every_example_inside_its_group_adds_no_evidence_for_a_win(
    examples: list[tuple[float, float, str]],
) -> None:
    assert _paired(examples * 2).p == pytest.approx(_paired(examples).p)


def test_a_score_of_a_model_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="against must be scores from 0 to 1, got 0 to 5"):
        paired([1, 1], [0, 5], ["a", "b"])


def test_models_must_have_answered_the_same_examples() -> None:
    with pytest.raises(ValueError, match="candidate and against must be of one length, got 2 and 1"):
        paired([1, 1], [1], ["a", "b"])
