"""The magnitude scorer goes by ratio, and wants noise left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import ConfigError
from evalkit.scorers.magnitude import make_scorer
from evalkit.scorers.score import Judgement


@pytest.mark.parametrize("got", [0.05, 0.1, 0.2])
def test_within_a_factor_of_two_is_right_and_the_ends_count(got: object) -> None:
    assert make_scorer({})(got, 0.1) == Judgement(1.0)


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (0.21, "2.1 times too high"),
        (1, "10 times too high"),
        (0.04, "2.5 times too low"),
        (0, "no size at all, expected about 0.1"),
    ],
)
def test_further_off_is_wrong_and_says_by_how_much(got: object, why: str) -> None:
    assert make_scorer({})(got, 0.1) == Judgement(0.0, why)


def test_rounding_in_the_last_place_does_not_decide() -> None:
    assert 0.1 * 3 > 0.3
    judge = make_scorer({"ratio": 3})
    assert judge(0.1 * 3, 0.1) == judge(0.3, 0.1 * 3 / 3) == Judgement(1.0)
    assert judge(0.1, 0.1 * 3) == Judgement(1.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(31, 1000), st.integers(31, 1000), st.sampled_from([1.5, 2.0, 3.0]))
def test_too_high_for_one_is_too_low_for_the_other(a: float, b: float, ratio: float) -> None:
    judge = make_scorer({"ratio": ratio})
    assert judge(a / 1000, b / 1000).value == judge(b / 1000, a / 1000).value


@pytest.mark.parametrize("expected", [0, 0.02, 0.03])
def test_noise_is_right_where_it_is_left_alone(expected: object) -> None:
    judge = make_scorer({})
    assert judge(0, expected) == judge(0.03, expected) == Judgement(1.0)
    assert judge(0.05, expected) == Judgement(0.0, "noise must be left alone: above 0.03")


def test_the_task_says_what_noise_is() -> None:
    judge = make_scorer({"quiet": 0.1})
    assert judge(0.1, 0.05) == Judgement(1.0)
    assert judge(0.11, 0.05) == Judgement(0.0, "noise must be left alone: above 0.1")


@pytest.mark.parametrize("expected", [0, 0.1])
def test_a_negative_size_is_wrong(expected: object) -> None:
    assert make_scorer({})(-0.1, expected) == Judgement(0.0, "negative, but a size has no sign")


@pytest.mark.parametrize("got", [None, True, False, "0.1", [0.1], {}, float("nan"), float("inf"), 10**400])
def test_what_is_no_finite_number_is_wrong_even_for_noise(got: object) -> None:
    for expected in (0.1, 0):
        judgement = make_scorer({})(got, expected)
        assert judgement.value == 0.0
        assert "number" in judgement.why


@pytest.mark.parametrize("value", [1, 0.5, -2, True, "2"])
def test_a_ratio_that_leaves_no_room_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'ratio' is .+, expected a number greater than 1"):
        make_scorer({"ratio": value})


@pytest.mark.parametrize("value", [-0.01, None, "0.03"])
def test_a_quiet_that_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'quiet' is .+, expected a number of at least 0"):
        make_scorer({"quiet": value})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'factor' is 2, .* allowed: 'quiet', 'ratio'"):
        make_scorer({"factor": 2})


def test_an_example_that_expects_a_negative_size_is_the_tasks_mistake() -> None:
    with pytest.raises(ConfigError, match=r"an example expects -0\.1, but this scorer is for sizes"):
        make_scorer({})(0.1, -0.1)
