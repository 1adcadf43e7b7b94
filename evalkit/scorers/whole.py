"""scorer = "whole": right where all of an answer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.scorers.options import reject_unknown
from evalkit.scorers.score import Composite, Judgement, Score, ValueKind

KIND: ValueKind = "composite"


def make_composite(options: Mapping[str, Any], _of: Sequence[str]) -> Composite:
    """1 where each of the scores is 1, else 0: right or wrong, with nothing in between.

    The scores are those that the task names in ``of``, else all scores of fields that an example has. One of free text
    is 1 only where the text is the reference, word for word: name the others where that is not what is meant.
    There are no options. Raises ConfigError on any.

    >>> judge = make_composite({}, [])
    >>> judge([Score("team", 1.0, "billing", "billing"), Score("size", 0.5, 1, 2)])
    Judgement(value=0.0, why='not right: size')
    """
    reject_unknown(options, ())

    def judge(scores: Sequence[Score]) -> Judgement:
        wrong = [score.name for score in scores if not score]
        return Judgement(0.0, f"not right: {', '.join(wrong)}") if wrong else Judgement(1.0)

    return judge
