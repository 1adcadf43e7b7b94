"""The exact scorer compares JSON values, not Python's."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import ConfigError
from evalkit.scorers.exact import make_scorer
from evalkit.scorers.score import Judgement

json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(json_value)
def test_every_json_value_equals_itself_read_again(value: object) -> None:
    assert make_scorer({})(json.loads(json.dumps(value)), value) == Judgement(1.0)


@pytest.mark.parametrize(
    ("got", "expected"),
    [(1, 1.0), (1.0, 1), ([1, [2.0]], [1.0, [2]]), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), (None, None)],
)
def test_what_json_calls_equal_is_right(got: object, expected: object) -> None:
    assert make_scorer({})(got, expected) == Judgement(1.0)


@pytest.mark.parametrize(
    ("got", "expected", "why"),
    [
        (True, 1, "a boolean, expected a number"),
        (0, False, "a number, expected a boolean"),
        ("1", 1, "a string, expected a number"),
        (None, "null", "null, expected a string"),
        (["new"], "new", "an array, expected a string"),
        ({}, [], "an object, expected an array"),
        ("old", "new", "another value"),
        ("new ", "new", "another value"),
        ("New", "new", "differs in case only"),
        ([1, 2], [2, 1], "another value"),
        ([1], [1, 1], "another value"),
        ([True], [1], "another value"),
        ({"a": None}, {}, "another value"),
        ({"a": 1}, {"b": 1}, "another value"),
    ],
)
def test_anything_else_is_wrong_and_says_how(got: object, expected: object, why: str) -> None:
    assert make_scorer({})(got, expected) == Judgement(0.0, why)


@pytest.mark.parametrize(
    ("got", "expected"), [("NEW", "new"), (["Straße"], ["STRASSE"]), ({"k": {"l": "A"}}, {"k": {"l": "a"}})]
)
def test_case_may_be_ignored_in_strings_however_deep(got: object, expected: object) -> None:
    assert make_scorer({"ignore_case": True})(got, expected) == Judgement(1.0)


def test_keys_keep_their_case() -> None:
    assert make_scorer({"ignore_case": True})({"A": 1}, {"a": 1}) == Judgement(0.0, "another value")


@pytest.mark.parametrize("value", [1, "true", None])
def test_ignore_case_is_yes_or_no(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'ignore_case' is .+, expected true or false"):
        make_scorer({"ignore_case": value})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'case' is False, .* allowed: 'ignore_case'"):
        make_scorer({"case": False})
