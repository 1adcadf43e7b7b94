"""scorer = "magnitude": right within a factor, and noise left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.options import number_option, reject_unknown
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.values import QUIET, SLACK, as_number, expected_number, judged_null, not_a_number

KIND: ValueKind = "number"


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """Sizes are right by their ratio, not by their difference; noise is right when it is left alone.

    ``quiet`` (at least 0, default 0.03): where expected <= quiet, got must be <= quiet too.
    ``ratio`` (greater than 1, default 2): elsewhere expected / ratio <= got <= expected * ratio, ends included.
    A negative size and anything but a finite number score 0. Where null is expected, null alone is right.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is neither a size
    nor null: not a number, or negative.

    >>> judge = make_scorer({"ratio": 2.0, "quiet": 0.03})
    >>> judge(0.2, 0.1)
    Judgement(value=1.0, why='')
    >>> judge(0.6, 0.1)
    Judgement(value=0.0, why='6 times too high')
    >>> judge(0.1, 0.02)
    Judgement(value=0.0, why='noise must be left alone: above 0.03')
    """
    reject_unknown(options, {"ratio", "quiet"})
    ratio = number_option(options, "ratio", 2.0, above=1.0)
    quiet = number_option(options, "quiet", QUIET)

    def judge(got: Any, expected: Any) -> Judgement:
        if expected is None:
            return judged_null(got)
        size, target = as_number(got), expected_number(expected)
        if target < 0:
            raise ConfigError(f"an example expects {expected!r}, but this scorer is for sizes, which are not negative")
        if size is None:
            return Judgement(0.0, not_a_number(got))
        if size < 0:
            return Judgement(0.0, "negative, but a size has no sign")
        why = _noise(size) if target <= quiet else _factor(size, target)
        return Judgement(0.0, why) if why else Judgement(1.0)

    def _noise(size: float) -> str:
        return "" if size <= quiet else f"noise must be left alone: above {quiet:g}"

    def _factor(size: float, target: float) -> str:
        if size == 0:
            return f"no size at all, expected about {target:g}"
        if size > target * ratio * (1 + SLACK):
            return f"{size / target:.3g} times too high"
        if size < target / ratio * (1 - SLACK):
            return f"{target / size:.3g} times too low"
        return ""

    return judge
