"""The text scorer is ROUGE as one works it out by hand."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import ConfigError, MissingModel
from evalkit.scorers.score import Judgement, Scorer
from evalkit.scorers.text import METRICS, make_scorer

GOT = "the cat sat on the red mat"
REFERENCE = "the cat on the mat slept"

json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["the bank", "rates rise"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def make() -> Any:
    """Makes a scorer that finds an empty text right where none is expected, unless the options say otherwise."""
    pytest.importorskip("rouge_score", reason="needs the extra [text]")
    return lambda **options: make_scorer({"both_empty": 1, **options})


@pytest.mark.parametrize(
    ("metric", "hits", "of_got", "of_reference"),
    [
        # Longest common subsequence: the cat on the mat.
        ("rougeL", 5, 7, 6),
        # Words of both: the, the, cat, on, mat.
        ("rouge1", 5, 7, 6),
        # Neighbours of both: the cat, on the. Seven words have six pairs of them, six have five.
        ("rouge2", 2, 6, 5),
    ],
)
def test_each_metric_is_what_one_counts_by_hand(
    make: Callable[..., Scorer], metric: str, hits: int, of_got: int, of_reference: int
) -> None:
    precision, recall = hits / of_got, hits / of_reference
    judgement = make(metric=metric)(GOT, REFERENCE)
    assert judgement.value == pytest.approx(2 * precision * recall / (precision + recall))
    assert judgement.why == f"{metric}: precision {precision:.2f}, recall {recall:.2f}"


def test_order_counts_for_the_subsequence_and_not_for_the_words(make: Callable[..., Scorer]) -> None:
    got, reference = "c b a", "a b c"  # any one word is a longest common subsequence
    assert make(metric="rouge1")(got, reference) == Judgement(1.0)
    assert make(metric="rougeL")(got, reference).value == pytest.approx(1 / 3)
    assert make(metric="rouge2")(got, reference).value == 0.0


def test_the_subsequence_is_what_counts_where_nothing_is_said(make: Callable[..., Scorer]) -> None:
    assert make()(GOT, REFERENCE) == make(metric="rougeL")(GOT, REFERENCE)


def test_a_word_counts_no_more_often_than_the_reference_has_it(make: Callable[..., Scorer]) -> None:
    # Of five one counts: P = 1/5, R = 1/2.
    assert make(metric="rouge1")("bank bank bank bank bank", "the bank").value == pytest.approx(2 / 7)


def test_english_endings_do_not_count_unless_the_task_wants_them(make: Callable[..., Scorer]) -> None:
    assert make()("banks raised rates", "bank raises rate") == Judgement(1.0)
    assert make(stem=False)("banks raised rates", "bank raises rate").value == 0.0


def test_neither_case_nor_punctuation_counts(make: Callable[..., Scorer]) -> None:
    assert make()("The bank, at last: RAISES!", "the bank at last raises") == Judgement(1.0)


@pytest.mark.parametrize("value", [["the bank raises", "rates fall"], "the bank raises\nrates fall"])
def test_a_list_of_strings_is_its_lines(make: Callable[..., Scorer], value: object) -> None:
    assert make()(value, ["the bank raises", "rates fall"]) == Judgement(1.0)
    assert make()(value, "the bank raises\nrates fall") == Judgement(1.0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("got", ["", "  \n", [], [""]])
def test_the_emptiest_answer_scores_nothing_where_a_text_is_expected(
    make: Callable[..., Scorer], metric: str, got: object
) -> None:
    assert make(metric=metric)(got, REFERENCE) == Judgement(0.0, "empty where text is expected")


@pytest.mark.parametrize("expected", ["", [], " "])
def test_where_none_is_expected_any_text_is_wrong_and_an_empty_one_scores_what_the_task_says(
    make: Callable[..., Scorer], expected: object
) -> None:
    assert make()("the bank", expected) == Judgement(0.0, "text where none is expected")
    assert make()("", expected) == Judgement(1.0)
    assert make(both_empty=0)("", expected) == Judgement(0.0, "both are empty, which scores 0 here")


def test_a_text_without_any_word_of_the_reference_scores_nothing(make: Callable[..., Scorer]) -> None:
    assert (
        make()("???", REFERENCE).value == make()("日本", REFERENCE).value == make()("no dogs", REFERENCE).value == 0.0
    )


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (None, "null, not text"),
        (3, "a number, not text"),
        (True, "a boolean, not text"),
        ({"text": REFERENCE}, "an object, not text"),
        (["the cat", 3], "an array, not text"),
    ],
)
def test_what_is_no_text_is_wrong_even_where_none_is_expected(
    make: Callable[..., Scorer], got: object, why: str
) -> None:
    assert make()(got, REFERENCE) == make()(got, "") == Judgement(0.0, why)


@pytest.mark.parametrize("expected", [None, 3, {}, [1]])
def test_an_example_that_expects_no_text_is_the_tasks_mistake(make: Callable[..., Scorer], expected: object) -> None:
    with pytest.raises(ConfigError, match=r"an example expects .+, but this scorer is for texts and lists of strings"):
        make()("x", expected)


@pytest.mark.parametrize(("metric", "expected"), [("rougeL", "日本"), ("rouge1", "?"), ("rouge2", "word")])
def test_an_example_in_which_there_is_nothing_to_count_is_the_tasks_mistake(
    make: Callable[..., Scorer], metric: str, expected: object
) -> None:
    with pytest.raises(ConfigError, match=f"in which {metric} has nothing to count"):
        make(metric=metric)(expected, expected)


@settings(max_examples=80, deadline=None)
@given(got=json_value, metric=st.sampled_from(METRICS), reference=st.sampled_from([REFERENCE, "the bank", ""]))
def test_a_score_is_from_0_to_1_whatever_a_model_writes(got: object, metric: str, reference: str) -> None:
    pytest.importorskip("rouge_score", reason="needs the extra [text]")
    judgement = make_scorer({"metric": metric, "both_empty": 0.5})(got, reference)
    assert 0 <= judgement.value <= 1
    assert bool(judgement.why) == (judgement.value < 1)


@settings(max_examples=80, deadline=None)
@given(*[st.lists(st.sampled_from("abcd"), min_size=2, max_size=8).map(" ".join)] * 2, st.sampled_from(METRICS))
def test_the_measure_is_the_same_both_ways_and_1_for_the_text_itself(
    one: list[str], other: list[str], metric: str
) -> None:
    pytest.importorskip("rouge_score", reason="needs the extra [text]")
    judge = make_scorer({"metric": metric, "both_empty": 1})
    assert judge(one, other).value == pytest.approx(judge(other, one).value)
    assert judge(one, one) == Judgement(1.0)


def test_what_two_empty_texts_score_must_be_said() -> None:
    with pytest.raises(
        ConfigError, match="option 'both_empty' is missing, expected a number from 0 to 1: what an empty"
    ):
        make_scorer({})


def test_a_metric_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="option 'metric' is 'bleu', expected one of 'rouge1', 'rouge2', 'rougeL'"):
        make_scorer({"metric": "bleu", "both_empty": 1})


@pytest.mark.parametrize("value", [1, "true", None])
def test_stem_is_yes_or_no(value: object) -> None:
    with pytest.raises(ConfigError, match=r"option 'stem' is .+, expected true or false"):
        make_scorer({"stem": value, "both_empty": 1})


def test_an_option_it_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"option 'beta' is 2, .* 'both_empty', 'metric', 'normalize', 'stem'"):
        make_scorer({"beta": 2, "both_empty": 1})


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    with pytest.raises(MissingModel, match=r"needs rouge-score .+: pip install 'pytest-evalkit\[text\]'"):
        make_scorer({"both_empty": 1})
