"""The set scorer counts what two lists of strings have in common."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import ConfigError
from evalkit.scorers.score import Judgement
from evalkit.scorers.set import METRICS, make_scorer

names = st.lists(st.sampled_from(["Ann", "ann", "Bo", "Cy", "Cy "]), max_size=5)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("metric", "value"), [("f1", 2 * 2 / (3 + 4)), ("precision", 2 / 3), ("recall", 2 / 4), ("jaccard", 2 / 5)]
)
def test_each_metric_is_what_one_counts_by_hand(metric: str, value: object) -> None:
    judge = make_scorer({"metric": metric, "both_empty": 1})
    assert judge(["a", "b", "x"], ["a", "b", "c", "d"]).value == pytest.approx(value)


def test_f1_is_what_counts_where_nothing_is_said() -> None:
    assert make_scorer({"both_empty": 1})(["a"], ["a", "b"]).value == pytest.approx(2 / 3)


def test_neither_order_nor_duplicates_count() -> None:
    assert make_scorer({"both_empty": 1})(["b", "a", "b", "b"], ["a", "b"]) == Judgement(1.0)


def test_case_and_white_space_do_not_count_unless_the_task_wants_them() -> None:
    got, expected = [" international  BUSINESS machines"], ["International Business Machines"]
    assert make_scorer({"both_empty": 1})(got, expected) == Judgement(1.0)
    assert make_scorer({"both_empty": 1, "ignore_case": False})(got, expected).value == 0.0


def test_what_is_missing_and_what_is_too_much_is_named_as_it_was_spelled() -> None:
    why = "missing 'AMD'; too much 'Intel', 'Arm'"
    assert make_scorer({"both_empty": 1})(["IBM", "Intel", "Arm"], ["ibm", "AMD"]).why == why


def test_a_flood_of_names_is_cut_short() -> None:
    why = make_scorer({"both_empty": 1})([str(number) for number in range(300)], ["a"]).why
    assert why == "missing 'a'; too much '0', '1', '2', '3', '4' and 295 more"


@pytest.mark.parametrize("metric", METRICS)
def test_the_emptiest_answer_scores_nothing_where_anything_is_expected(metric: str) -> None:
    judge = make_scorer({"metric": metric, "both_empty": 1})
    assert judge([], ["a", "b"]) == Judgement(0.0, "missing 'a', 'b'")
    assert judge(["a"], []) == Judgement(0.0, "too much 'a'")


@pytest.mark.parametrize("metric", METRICS)
def test_two_empty_lists_score_what_the_task_says(metric: str) -> None:
    judge = make_scorer({"metric": metric, "both_empty": 0.25})
    assert judge([], []) == Judgement(0.25, "both are empty, which scores 0.25 here")
    assert make_scorer({"metric": metric, "both_empty": 1})([], []) == Judgement(1.0)


def test_what_two_empty_lists_score_must_be_said() -> None:
    with pytest.raises(ConfigError, match=r"option 'both_empty' is missing, expected a number from 0 to 1: what an e"):
        make_scorer({})


@pytest.mark.parametrize("value", [-0.1, 1.1, True, "1", None, float("nan")])
def test_a_both_empty_that_is_no_score_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'both_empty' is .+, expected a number from 0 to 1"):
        make_scorer({"both_empty": value})


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (None, "null, not an array of strings"),
        ("a", "a string, not an array of strings"),
        (1, "a number, not an array of strings"),
        ({"a": "b"}, "an object, not an array of strings"),
        (["a", 1], "an array with a number in it, not of strings alone"),
        ([["a"]], "an array with an array in it, not of strings alone"),
        ([None], "an array with null in it, not of strings alone"),
    ],
)
def test_what_is_no_list_of_strings_is_wrong_even_where_none_is_expected(got: object, why: str) -> None:
    judge = make_scorer({"both_empty": 1})
    assert judge(got, ["a"]) == judge(got, []) == Judgement(0.0, why)


@pytest.mark.parametrize("expected", ["a", None, [1], {}])
def test_an_example_that_expects_no_list_of_strings_is_the_tasks_mistake(expected: object) -> None:
    with pytest.raises(ConfigError, match=r"an example expects .+, but this scorer is for lists of strings"):
        make_scorer({"both_empty": 1})([], expected)


@settings(max_examples=100, deadline=None)
@given(json_value | names, names, st.sampled_from(METRICS), st.booleans())
def test_a_score_is_from_0_to_1_whatever_a_model_writes(
    got: object, expected: object, metric: str, ignore_case: bool
) -> None:
    judge = make_scorer({"metric": metric, "both_empty": 0.5, "ignore_case": ignore_case})
    judgement = judge(got, expected)
    assert 0 <= judgement.value <= 1
    assert bool(judgement.why) == (judgement.value < 1)


@settings(max_examples=100, deadline=None)
@given(names, names)
def test_f1_and_jaccard_are_the_same_both_ways_and_recall_is_precision_turned_round(
    one: list[str], other: list[str]
) -> None:
    value = {name: make_scorer({"metric": name, "both_empty": 1}) for name in METRICS}
    assert value["f1"](one, other).value == value["f1"](other, one).value
    assert value["jaccard"](one, other).value == value["jaccard"](other, one).value
    assert value["precision"](one, other).value == value["recall"](other, one).value


@settings(max_examples=100, deadline=None)
@given(names, names)
def test_f1_lies_between_precision_and_recall_and_jaccard_below(one: list[str], other: list[str]) -> None:
    value = {name: make_scorer({"metric": name, "both_empty": 1})(one, other).value for name in METRICS}
    low, high = sorted((value["precision"], value["recall"]))
    assert low - 1e-12 <= value["f1"] <= high + 1e-12
    assert value["jaccard"] <= value["f1"]


def test_a_metric_it_does_not_have_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"option 'metric' is 'f2', expected one of 'f1', 'jaccard', 'precision', 're"
    ):
        make_scorer({"metric": "f2", "both_empty": 1})


@pytest.mark.parametrize("value", [1, "true", None])
def test_ignore_case_is_yes_or_no(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'ignore_case' is .+, expected true or false"):
        make_scorer({"ignore_case": value, "both_empty": 1})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'order' is True, .* allowed: 'both_empty', 'ignore_case', 'metric'"):
        make_scorer({"order": True, "both_empty": 1})
