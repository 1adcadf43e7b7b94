"""Marked examples score otherwise than the rest where few other ways to mark put them as far out."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest

from evalkit.stats import relabelling
from evalkit.stats.fisher import fisher
from evalkit.stats.relabelling import relabelled


def alone(count: int) -> list[str]:
    return [f"e{number:04}" for number in range(count)]


def test_p_is_near_the_share_of_all_ways_to_mark() -> None:
    scores, marked = np.array([0.1, 0.4, 0.35, 0.9, 0.8, 0.75, 0.6, 1.0]), [0, 1, 2]
    seen = scores[marked].sum()
    sums = np.array([scores[list(some)].sum() for some in combinations(range(8), 3)])
    exact = 2 * min((sums <= seen + 1e-9).mean(), (sums >= seen - 1e-9).mean())
    marks = np.isin(np.arange(8), marked)[:, None]
    assert relabelled(scores[:, None], marks, alone(8))[0, 0] == pytest.approx(exact, abs=0.012)


def test_on_right_or_wrong_scores_it_says_what_fisher_says() -> None:
    scores = np.array([1.0] * 8 + [0.0] * 20 + [1.0] * 52 + [0.0] * 50)
    marks = (np.arange(130) < 28)[:, None]
    assert relabelled(scores[:, None], marks, alone(130))[0, 0] == pytest.approx(fisher(8, 28, 60, 130), abs=0.01)


def test_groups_of_one_size_change_places_and_examples_inside_a_group() -> None:
    groups = ["a", "a", "b", "b", "c", "c", "d", "e"]
    scores = np.array([0.9, 0.2, 0.5, 0.4, 0.1, 0.3, 0.8, 0.6])
    marked = np.array([True, False, True, True, False, False, True, False])
    pairs, singles = [[0, 1], [2, 3], [4, 5]], [6, 7]
    moves = []
    for order in permutations(range(3)):
        for turned in product((False, True), repeat=3):
            places = [
                pairs[number][::-1] if turn else pairs[number] for number, turn in zip(order, turned, strict=True)
            ]
            flat = [place for pair in places for place in pair]
            moves += [[*flat, *last] for last in (singles, singles[::-1])]
    sums = np.array([scores[move][marked].sum() for move in moves])
    seen = scores[marked].sum()
    exact = min(1.0, 2 * min((sums <= seen + 1e-9).mean(), (sums >= seen - 1e-9).mean()))
    assert relabelled(scores[:, None], marked[:, None], groups)[0, 0] == pytest.approx(exact, abs=0.03)


def test_p_of_a_score_does_not_depend_on_what_stands_beside_it() -> None:
    rng = np.random.default_rng(8)
    scores, marks = rng.random((60, 11)), rng.random((60, 5)) < 0.3
    whole = relabelled(scores, marks, alone(60))
    assert whole[3, 9] == relabelled(scores[:, [9]], marks[:, [3]], alone(60))[0, 0]


def test_a_rare_collapse_does_not_make_it_err_more_often_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relabelling, "DRAWS", 999)
    rng = np.random.default_rng(6)
    sizes = [1] * 60 + [2] * 15
    group = np.repeat(np.arange(len(sizes)), sizes)
    scores = np.where(rng.random((90, 400)) < 0.05, 0.0, 0.95 + rng.normal(0, 0.02, (90, 400)))
    marks = (rng.random(len(sizes)) < 0.15)[group][:, None]
    ps = relabelled(scores, marks, [f"g{number:02}" for number in group])
    assert 0.01 < (ps <= 0.05).mean() < 0.075


def test_where_nothing_can_move_p_is_one() -> None:
    scores, marks = np.array([[1.0], [0], [0]]), np.array([[True], [False], [False]])
    assert relabelled(scores, marks, ["a", "b", "b"])[0, 0] == 1.0
