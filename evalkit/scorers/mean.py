"""scorer = "mean": the mean of an answer's other scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.options import reject_unknown
from evalkit.scorers.score import Composite, Judgement, Score, ValueKind

KIND: ValueKind = "composite"

GRADED = True


def make_composite(options: Mapping[str, Any], of: Sequence[str]) -> Composite:
    """The mean of the scores named by ``of``, in [0, 1]: all weigh alike.

    The mean is taken inside each example, so that its interval and its comparisons are those of one figure per example.
    There are no options. Raises ConfigError on any, and where ``of`` names fewer than two.

    >>> judge = make_composite({}, of=["names", "facts"])
    >>> judge([Score("names", 1.0, ["IBM"], ["IBM"]), Score("facts", 0.5, ["a"], ["a", "b", "c"])])
    Judgement(value=0.75, why='names 1, facts 0.5')
    """
    reject_unknown(options, ())
    if len(of) < 2:
        raise ConfigError("'of' must name the scores that the mean is of, two or more")

    def judge(scores: Sequence[Score]) -> Judgement:
        value = fmean(score.value for score in scores)
        return Judgement(value, "" if value == 1 else ", ".join(f"{score.name} {score.value:g}" for score in scores))

    return judge
