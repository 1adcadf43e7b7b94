"""The sign scorer looks at the sign alone."""

import pytest

from evalkit.errors import ConfigError
from evalkit.scorers.score import Judgement
from evalkit.scorers.sign import make_scorer


@pytest.mark.parametrize(("got", "expected"), [(1, 1), (0.01, 1), (250, 1), (-1, -1), (-0.3, -1), (0, 0), (-0.0, 0)])
def test_the_same_sign_is_right_whatever_the_size(got: object, expected: object) -> None:
    assert make_scorer({})(got, expected) == Judgement(1.0)


@pytest.mark.parametrize(
    ("got", "expected", "why"),
    [
        (-1, 1, "sign is -, expected +"),
        (1, -1, "sign is +, expected -"),
        (0, 1, "sign is 0, expected +"),
        (0.01, 0, "sign is +, expected 0"),
    ],
)
def test_another_sign_is_wrong_and_says_which(got: object, expected: object, why: str) -> None:
    assert make_scorer({})(got, expected) == Judgement(0.0, why)


def test_the_dead_zone_makes_small_numbers_0_and_ends_inside() -> None:
    judge = make_scorer({"dead_zone": 0.25})
    assert judge(-0.25, 0) == Judgement(1.0)
    assert judge(0.25, 1) == Judgement(0.0, "sign is 0, expected +")
    assert judge(0.26, 1) == Judgement(1.0)


def test_the_dead_zone_is_for_the_expected_value_too() -> None:
    assert make_scorer({"dead_zone": 0.25})(0, 0.2) == Judgement(1.0)


@pytest.mark.parametrize("got", [None, True, False, "1", "-1", [1], {"sign": 1}, float("nan"), float("inf"), 10**400])
def test_what_is_no_finite_number_is_wrong_even_for_0(got: object) -> None:
    for expected in (1, 0):
        judgement = make_scorer({"dead_zone": 1})(got, expected)
        assert judgement.value == 0.0
        assert "number" in judgement.why


@pytest.mark.parametrize("value", [-0.1, True, "0.1", None, float("nan")])
def test_a_dead_zone_that_is_no_width_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'dead_zone' is .+, expected a number of at least 0"):
        make_scorer({"dead_zone": value})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'deadzone' is 0\.1, .* allowed: 'dead_zone'"):
        make_scorer({"deadzone": 0.1})


def test_an_example_that_expects_no_number_is_the_tasks_mistake() -> None:
    with pytest.raises(ConfigError, match="an example expects 'up', but this scorer is for numbers"):
        make_scorer({})(1, "up")
