"""The number scorer allows a tolerance."""

import pytest

from evalkit.errors import ConfigError
from evalkit.scorers.number import make_scorer
from evalkit.scorers.score import Judgement


@pytest.mark.parametrize(("got", "expected"), [(0.5, 0.3), (0.3, 0.5), (0.8, 1), (1, 0.8), (0.5, 0.5)])
def test_within_the_tolerance_is_right_and_the_end_counts_as_a_reader_reckons(got: object, expected: object) -> None:
    assert make_scorer({"tolerance": 0.2})(got, expected) == Judgement(1.0)


def test_further_off_is_wrong_and_says_by_how_much() -> None:
    assert make_scorer({"tolerance": 0.2})(0.501, 0.3) == Judgement(0.0, "off by 0.201, more than 0.2")


def test_without_tolerance_only_the_number_itself_is_right() -> None:
    judge = make_scorer({"tolerance": 0})
    assert judge(2.0, 2) == Judgement(1.0)
    assert judge(2.001, 2).value == 0.0


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (None, "null, not a number"),
        (True, "a boolean, not a number"),
        ("0.5", "a string, not a number"),
        ([0.5], "an array, not a number"),
        ({"value": 0.5}, "an object, not a number"),
        (float("nan"), "not a finite number"),
        (float("-inf"), "not a finite number"),
        (10**400, "not a finite number"),
    ],
)
def test_what_is_no_finite_number_is_wrong_and_says_what_it_is(got: object, why: str) -> None:
    assert make_scorer({"tolerance": 1})(got, 0.5) == Judgement(0.0, why)


def test_a_tolerance_must_be_chosen() -> None:
    with pytest.raises(ConfigError, match="option 'tolerance' is missing, expected a number of at least 0"):
        make_scorer({})


@pytest.mark.parametrize("value", [-0.1, True, "0.1", None, [0.1], float("inf")])
def test_a_tolerance_that_is_no_width_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'tolerance' is .+, expected a number of at least 0"):
        make_scorer({"tolerance": value})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'relative' is True, .* allowed: 'tolerance'"):
        make_scorer({"tolerance": 0.1, "relative": True})


def test_an_example_that_expects_no_number_is_the_tasks_mistake() -> None:
    with pytest.raises(ConfigError, match="an example expects 'x', but this scorer is for numbers: choose 'exact'"):
        make_scorer({"tolerance": 0.1})(0.5, "x")
