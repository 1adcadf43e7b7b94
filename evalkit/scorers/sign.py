"""scorer = "sign": right when the sign is right, whatever the size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalkit.scorers.options import number_option, reject_unknown
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.values import as_number, expected_number, judged_null, negated, not_a_number

KIND: ValueKind = "class"


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """Right where got and expected are both above, both below, or both within ``dead_zone`` of 0.

    ``dead_zone`` (at least 0, default 0, in the unit of the field): |x| <= dead_zone counts as 0, on both sides.
    Anything but a finite number scores 0. Where null is expected, null alone is right.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is neither a
    number nor null.

    >>> judge = make_scorer({"dead_zone": 0.25})
    >>> judge(0.8, 1)
    Judgement(value=1.0, why='')
    >>> judge(-1, 1)
    Judgement(value=0.0, why='sign is -, expected +')
    >>> judge(0.1, 1)
    Judgement(value=0.0, why='sign is 0, expected +')
    """
    reject_unknown(options, {"dead_zone"})
    dead_zone = number_option(options, "dead_zone", 0.0)

    def sign(number: float) -> str:
        return _sign(number, dead_zone)

    def judge(got: Any, expected: Any) -> Judgement:
        if expected is None:
            return judged_null(got)
        number, target = as_number(got), sign(expected_number(expected))
        if number is None:
            return Judgement(0.0, not_a_number(got))
        seen = sign(number)
        return Judgement(1.0) if seen == target else Judgement(0.0, f"sign is {seen}, expected {target}")

    return judge


def make_label(options: Mapping[str, Any]) -> Callable[[Any], str | None]:
    """What names the sign of a value, as ``make_scorer`` of the same options sees it; None where it is no number.

    >>> name = make_label({"dead_zone": 0.25})
    >>> name(0.8), name(-1), name(0.1), name("up")
    ('+', '-', '0', None)
    """
    dead_zone = number_option(options, "dead_zone", 0.0)

    def name(value: Any) -> str | None:
        number = as_number(value)
        return None if number is None else _sign(number, dead_zone)

    return name


def _sign(number: float, dead_zone: float) -> str:
    if abs(number) <= dead_zone:
        return "0"
    return "+" if number > 0 else "-"


opposite = negated


def label(expected: Any) -> str:
    """Which side of 0 an expected value is on; what is no number is its own class.

    >>> label(0.4), label(-1), label(0), label(None)
    ('above 0', 'below 0', '0', 'null')
    """
    if expected is None:
        return "null"
    if isinstance(expected, int | float):
        return "above 0" if expected > 0 else "below 0" if expected < 0 else "0"
    return str(expected)
