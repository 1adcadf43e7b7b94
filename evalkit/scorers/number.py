"""scorer = "number": right within a tolerance.

The scorers of numbers (``sign``, ``magnitude``) read their values with the functions of this file, and every scorer
its options.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers import Judgement, Scorer

SLACK = 1e-9
"""0.5 - 0.3 is 0.2 to a reader, and 0.2 + 2.8e-17 to a computer: a limit is passed only by more than this."""


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """Right where |got - expected| <= ``tolerance`` (at least 0; must be given; in the unit of the field).

    Anything but a finite number (true, "0.5", null, a list) scores 0.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is no number.

    >>> judge = make_scorer({"tolerance": 0.2})
    >>> judge(0.5, 0.3)
    Judgement(value=1.0, why='')
    >>> judge(0.9, 0.3)
    Judgement(value=0.0, why='off by 0.6, more than 0.2')
    """
    only_options(options, {"tolerance"})
    tolerance = number_option(options, "tolerance")

    def judge(got: Any, expected: Any) -> Judgement:
        number, target = as_number(got), expected_number(expected)
        if number is None:
            return Judgement(0.0, not_a_number(got))
        error = abs(number - target)
        if error <= tolerance + SLACK:
            return Judgement(1.0)
        return Judgement(0.0, f"off by {error:.6g}, more than {tolerance:g}")

    return judge


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


def expected_number(expected: Any) -> float:
    """The expected value of an example. Raises ConfigError where it is no number: the task is wrong, not the model."""
    number = as_number(expected)
    if number is None:
        raise ConfigError(
            f"an example expects {expected!r}, but this scorer is for numbers: choose 'exact' for the field"
        )
    return number


def only_options(options: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises ConfigError where ``options`` holds a name that is not among the ``known``."""
    for name in sorted(set(options) - set(known)):
        raise ConfigError(
            f"option {name!r} is {options[name]!r}, but there is no such option; allowed: {_listed(known)}"
        )


def number_option(
    options: Mapping[str, Any], name: str, default: float | None = None, *, above: float | None = None
) -> float:
    """The number that ``options`` has for ``name``: at least 0, or greater than ``above`` where that is given.

    Without a ``default`` the option must be there. Raises ConfigError that names option, value and what is allowed.

    >>> number_option({"ratio": 3}, "ratio", 2.0, above=1.0)
    3.0
    """
    allowed = "a number of at least 0" if above is None else f"a number greater than {above:g}"
    if name not in options:
        if default is None:
            raise ConfigError(f"option {name!r} is missing, expected {allowed}")
        return default
    number = as_number(options[name])
    if number is None or (number < 0 if above is None else number <= above):
        raise ConfigError(f"option {name!r} is {options[name]!r}, expected {allowed}")
    return number


def share_option(options: Mapping[str, Any], name: str, meaning: str) -> float:
    """The number from 0 to 1 that ``options`` must have for ``name``. Raises ConfigError that tells its ``meaning``.

    >>> share_option({"both_empty": 1}, "both_empty", "what two empty sets score")
    1.0
    """
    number = as_number(options.get(name))
    if number is None or not 0 <= number <= 1:
        got = repr(options[name]) if name in options else "missing"
        raise ConfigError(f"option {name!r} is {got}, expected a number from 0 to 1: {meaning}")
    return number


def choice_option(options: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    """Which of ``choices`` the ``options`` have for ``name``; the first where they say nothing. Raises ConfigError.

    >>> choice_option({}, "metric", ("f1", "recall"))
    'f1'
    """
    value = options.get(name, choices[0])
    if value not in choices:
        raise ConfigError(f"option {name!r} is {value!r}, expected one of {_listed(choices)}")
    return str(value)


def switch_option(options: Mapping[str, Any], name: str, default: bool) -> bool:
    """The true or false that ``options`` has for ``name``. Raises ConfigError where it is neither.

    >>> switch_option({"ignore_case": True}, "ignore_case", False)
    True
    """
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise ConfigError(f"option {name!r} is {value!r}, expected true or false")
    return value


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "none"
