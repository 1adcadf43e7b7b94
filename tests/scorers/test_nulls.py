"""A number that there may be none of: null is like null alone, and no measurement counts it."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.scorers import magnitude, number, sign
from evalkit.scorers.score import Judgement, Scorer

SCORERS = [number.make_scorer({"tolerance": 10}), magnitude.make_scorer({}), sign.make_scorer({})]


@pytest.mark.parametrize("judge", SCORERS, ids=["number", "magnitude", "sign"])
def test_null_is_right_where_null_is_expected(judge: Scorer) -> None:
    assert judge(None, None) == Judgement(1.0)


@pytest.mark.parametrize("judge", SCORERS, ids=["number", "magnitude", "sign"])
@pytest.mark.parametrize("got", [0, 0.01, "null", False, [], {}])
def test_anything_else_is_wrong_however_near_to_nothing(judge: Scorer, got: Any) -> None:
    judgement = judge(got, None)
    assert judgement.value == 0
    assert judgement.why.endswith(", expected null")


@pytest.mark.parametrize("judge", SCORERS, ids=["number", "magnitude", "sign"])
@pytest.mark.parametrize("expected", [0, 0.01, 1])
def test_null_is_no_number(judge: Scorer, expected: float) -> None:
    assert judge(None, expected) == Judgement(0.0, "null, not a number")


def test_null_is_its_own_opposite_and_a_class_of_its_own() -> None:
    assert (number.opposite(None), sign.opposite(None), sign.label(None)) == (None, None, "null")
