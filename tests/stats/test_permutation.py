"""The sign-flip test reproduces Fisher, agrees with SciPy, and float noise does not decide it."""

import time
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from evalkit.stats.permutation import sign_flip

difference = st.sampled_from([-1.0, -0.5, -0.1, 0.0, 0.1, 0.2, 0.3, 1.0])
rows = st.lists(st.tuples(difference, st.sampled_from("abcdefghijkl")), min_size=1, max_size=30)

# R. A. Fisher (1935), The Design of Experiments, section 21: Darwin's 15 pairs of maize, cross minus self
# fertilised, in eighths of an inch. Of the 32768 sign patterns 863 have a sum of 314 or more.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def _labels(count: int) -> list[str]:
    return [f"{i:04d}" for i in range(count)]


def _p(examples: list[tuple[float, str]], **options: Any) -> Any:
    return sign_flip([v for v, _ in examples], [g for _, g in examples], **options)


def test_darwins_maize_has_fishers_863_patterns_of_32768() -> None:
    assert sign_flip(DARWIN, _labels(15), draws=2**15) == 863 / 32768


def test_drawn_patterns_come_near_fishers_exact_count() -> None:
    assert sign_flip(DARWIN, _labels(15), draws=2**15 - 1) == pytest.approx(863 / 32768, abs=0.003)


@settings(max_examples=40, deadline=None)
@given(st.lists(difference, min_size=2, max_size=9))
def test_ungrouped_differences_have_scipys_exact_p(differences: list[float]) -> None:
    # SciPy is given whole numbers: it takes 0.1 + 0.1 - 0.2 and the like for less or more than 0.
    theirs = permutation_test(
        (np.rint(10 * np.array(differences)),),
        np.mean,
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
    ).pvalue
    assert sign_flip(differences, _labels(len(differences))) == pytest.approx(theirs, abs=1e-12)


def test_one_sign_is_turned_for_a_whole_group() -> None:
    # Six right answers that were lost by the other: 1/2^6 as strangers, 1/2^2 as two groups of three.
    assert sign_flip([1] * 6, _labels(6)) == 1 / 64
    assert sign_flip([1] * 6, ["a", "a", "a", "b", "b", "b"]) == 1 / 4


def test_above_the_draws_p_counts_the_pattern_seen_once() -> None:
    # No pattern of a thousand but the one seen reaches the sum: b is 0, and p is not.
    assert sign_flip([1.0] * 1000, _labels(1000), draws=999) == 1 / 1000


def test_float_noise_does_not_decide_a_tie() -> None:
    clean = sign_flip([3, 3, -3, 6, 3], _labels(5))
    noisy = sign_flip([0.3, 0.1 + 0.2, -0.3, 0.6, 0.7 - 0.4], _labels(5))
    assert noisy == clean


def test_groups_without_a_difference_leave_p_exact() -> None:
    assert sign_flip([1, 1, 1] + [0] * 500, _labels(503)) == 1 / 8


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms(), st.sampled_from([200, 10_000]))
def test_any_order_of_examples_gives_the_same_p(examples: list[tuple[float, str]], random: Random, draws: int) -> None:
    assert _p(random.sample(examples, len(examples)), draws=draws) == _p(examples, draws=draws)


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from([200, 10_000]))
def test_doubling_every_example_inside_its_group_leaves_p(examples: list[tuple[float, str]], draws: int) -> None:
    assert _p(examples * 2, draws=draws) == _p(examples, draws=draws)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_the_two_directions_share_the_pattern_seen(examples: list[tuple[float, str]]) -> None:
    # Patterns at least as high and at least as low: all of them, and those equal to the one seen twice.
    there, back = _p(examples), _p([(-v, g) for v, g in examples])
    assert 1 < there + back <= 2


def test_the_same_seed_gives_the_same_p_and_another_another() -> None:
    differences = np.random.default_rng(0).normal(0.1, 1, size=50)
    first, again, other = (sign_flip(differences, _labels(50), draws=500, seed=s) for s in (4, 4, 5))
    assert first == again
    assert first != other


def test_models_that_never_differ_have_p_1() -> None:
    assert sign_flip([0.0, 0.0], ["a", "b"]) == 1.0


def test_no_examples_have_no_p() -> None:
    assert sign_flip([], []) is None


def test_one_winning_example_has_p_one_half() -> None:
    assert sign_flip([0.4], ["a"]) == 0.5


def test_a_difference_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="values must be finite, got nan at position 0"):
        sign_flip([float("nan")], ["a"])


def test_a_test_without_draws_is_refused() -> None:
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        sign_flip([1.0], ["a"], draws=0)


def test_ten_scores_of_a_thousand_examples_are_done_in_about_a_second() -> None:
    differences = np.random.default_rng(2).normal(size=(10, 1000))
    began = time.process_time()
    for score in differences:
        sign_flip(score, _labels(1000))
    assert time.process_time() - began < 2
