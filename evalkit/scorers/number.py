"""scorer = "number": right within a tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.options import number_option, reject_unknown
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.values import SLACK, as_number, expected_number, judged_null, negated, not_a_number

KIND: ValueKind = "number"


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """Right where |got - expected| <= ``tolerance`` (at least 0; must be given; in the unit of the field).

    Anything but a finite number (true, "0.5", null, a list) scores 0. Where null is expected, null alone is right.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is neither a
    number nor null.

    >>> judge = make_scorer({"tolerance": 0.2})
    >>> judge(0.5, 0.3)
    Judgement(value=1.0, why='')
    >>> judge(0.9, 0.3)
    Judgement(value=0.0, why='off by 0.6, more than 0.2')
    """
    reject_unknown(options, {"tolerance"})
    tolerance = number_option(options, "tolerance")

    def judge(got: Any, expected: Any) -> Judgement:
        if expected is None:
            return judged_null(got)
        number, target = as_number(got), expected_number(expected)
        if number is None:
            return Judgement(0.0, not_a_number(got))
        error = abs(number - target)
        if error <= tolerance + SLACK:
            return Judgement(1.0)
        return Judgement(0.0, f"off by {error:.6g}, more than {tolerance:g}")

    return judge


opposite = negated
