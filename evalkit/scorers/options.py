"""Readers of a component's options: each gives a checked value, or raises ConfigError that says what is allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.values import as_number


def reject_unknown(options: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Raises ConfigError where ``options`` holds a name that is not among the ``allowed``."""
    for name in sorted(set(options) - set(allowed)):
        raise ConfigError(
            f"option {name!r} is {options[name]!r}, but there is no such option; allowed: {_listed(allowed)}"
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


def count_option(options: Mapping[str, Any], name: str, default: int, *, least: int = 0) -> int:
    """The whole number, at least ``least``, that ``options`` has for ``name``. Raises ConfigError.

    >>> count_option({"bins": 5}, "bins", 10, least=1)
    5
    """
    number = number_option(options, name, float(default))
    if number != int(number) or number < least:
        raise ConfigError(f"option {name!r} is {number:g}, expected a whole number of at least {least}")
    return int(number)


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
