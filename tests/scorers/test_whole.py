"""whole: an answer is right only where all of it is."""

from __future__ import annotations

import pytest

from evalkit.errors import ConfigError
from evalkit.scorers.score import Judgement, Score
from evalkit.scorers.whole import make_composite


def scores(**values: float) -> list[Score]:
    return [Score(name, value, None, None) for name, value in values.items()]


@pytest.mark.parametrize(
    ("values", "judgement"),
    [
        ({"a": 1.0, "b": 1.0}, Judgement(1.0)),
        ({"a": 1.0, "b": 0.999}, Judgement(0.0, "not right: b")),
        ({"a": 0.0, "b": 1.0, "c": 0.5}, Judgement(0.0, "not right: a, c")),
        ({"a": 1.0}, Judgement(1.0)),
    ],
)
def test_nothing_lies_between_right_and_wrong(values: dict[str, float], judgement: Judgement) -> None:
    assert make_composite({}, ())(scores(**values)) == judgement


def test_there_are_no_options() -> None:
    with pytest.raises(ConfigError, match="option 'least' is 1, but there is no such option"):
        make_composite({"least": 1}, ())
