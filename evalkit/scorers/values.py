"""JSON values as scorers read them: what is a number, what JSON calls a value, what the opposite of one is."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.score import Judgement

QUIET = 0.03
"""The magnitude up to which an example is noise, where a task does not say."""

SLACK = 1e-9
"""0.5 - 0.3 is 0.2 to a reader, and 0.2 + 2.8e-17 to a computer: a limit is passed only by more than this."""


def as_number(value: Any) -> float | None:
    """``value`` as a float, or None where it is no finite number. A bool is not a number.

    >>> as_number(1), as_number(True), as_number("1"), as_number(float("nan"))
    (1.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON has integers that no float holds
        return None
    return number if isfinite(number) else None


def not_a_number(got: Any) -> str:
    """Why ``got`` is not what ``as_number`` wants, in words.

    >>> not_a_number("0.5"), not_a_number(None), not_a_number(float("inf"))
    ('a string, not a number', 'null, not a number', 'not a finite number')
    """
    if isinstance(got, int | float) and not isinstance(got, bool):
        return "not a finite number"
    return f"{json_type(got)}, not a number"


def json_type(value: Any) -> str:
    """What JSON calls ``value``, with its article.

    >>> json_type(True), json_type([]), json_type(None)
    ('a boolean', 'an array', 'null')
    """
    if value is None:
        return "null"
    for kind, name in _JSON_TYPES:
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"


# bool first: Python takes it for an int.
_JSON_TYPES = (
    (bool, "a boolean"),
    (int | float, "a number"),
    (str, "a string"),
    (list | tuple, "an array"),
    (Mapping, "an object"),
)


def judged_null(got: Any) -> Judgement:
    """How right ``got`` is where null is expected, as of a number that there may be none of: null is like itself alone.

    >>> judged_null(None), judged_null(0)
    (Judgement(value=1.0, why=''), Judgement(value=0.0, why='a number, expected null'))
    """
    return Judgement(1.0) if got is None else Judgement(0.0, f"{json_type(got)}, expected null")


def expected_number(expected: Any) -> float:
    """The expected value of an example. Raises ConfigError where it is no number: the task is wrong, not the model."""
    number = as_number(expected)
    if number is None:
        raise ConfigError(
            f"an example expects {expected!r}, but this scorer is for numbers: choose 'exact' for the field"
        )
    return number


def negated(value: Any) -> Any:
    """The opposite of a number or a boolean; any other value as it is.

    >>> negated(0.5), negated(True), negated(None)
    (-0.5, False, None)
    """
    if isinstance(value, bool):
        return not value
    return -value if isinstance(value, int | float) else value
