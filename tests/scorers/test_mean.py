"""mean: one figure for an answer out of several scores, all of one weight."""

from __future__ import annotations

import pytest

from evalkit.errors import ConfigError
from evalkit.scorers.mean import make_composite
from evalkit.scorers.score import Judgement, Score


def test_all_scores_weigh_alike() -> None:
    judge = make_composite({}, ["a", "b", "c"])
    parts = [Score("a", 1.0, None, None), Score("b", 0.5, None, None), Score("c", 0.0, None, None)]
    assert judge(parts) == Judgement(0.5, "a 1, b 0.5, c 0")


def test_it_is_right_only_where_each_is_exactly_right() -> None:
    judge = make_composite({}, ["a", "b", "c"])
    assert judge([Score(name, 1.0, None, None) for name in "abc"]) == Judgement(1.0)


@pytest.mark.parametrize("of", [(), ("a",)])
def test_a_mean_of_fewer_than_two_is_refused(of: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="'of' must name the scores that the mean is of, two or more"):
        make_composite({}, of)


def test_weights_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'weights' is \[1, 2\], but there is no such option"):
        make_composite({"weights": [1, 2]}, ["a", "b"])
