"""The bool scorer wants the very boolean, and says which way an answer errs."""

import pytest

from evalkit.errors import ConfigError
from evalkit.scorers.bool import make_scorer
from evalkit.scorers.score import Judgement


@pytest.mark.parametrize("value", [True, False])
def test_the_boolean_expected_is_right(value: object) -> None:
    assert make_scorer({})(value, value) == Judgement(1.0)


def test_the_other_one_is_wrong_and_says_which_way() -> None:
    assert make_scorer({})(True, False) == Judgement(0.0, "says true, expected false")
    assert make_scorer({})(False, True) == Judgement(0.0, "says false, expected true")


@pytest.mark.parametrize("expected", [True, False])
@pytest.mark.parametrize(
    ("got", "why"),
    [
        ("true", "a string, not a boolean"),
        ("false", "a string, not a boolean"),
        ("", "a string, not a boolean"),
        (1, "a number, not a boolean"),
        (0, "a number, not a boolean"),
        (None, "null, not a boolean"),
        ([True], "an array, not a boolean"),
        ({}, "an object, not a boolean"),
    ],
)
def test_what_only_looks_like_a_boolean_is_wrong_and_says_what_it_is(got: object, expected: object, why: str) -> None:
    assert make_scorer({})(got, expected) == Judgement(0.0, why)


@pytest.mark.parametrize("expected", [1, 0, "true", None, []])
def test_an_example_that_expects_no_boolean_is_the_tasks_mistake(expected: object) -> None:
    with pytest.raises(ConfigError, match=r"an example expects .+, but this scorer is for true and false"):
        make_scorer({})(True, expected)


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="option 'strict' is True, but there is no such option; allowed: none"):
        make_scorer({"strict": True})
