"""scorer = "bool": right where it is the very boolean expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.options import reject_unknown
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.values import json_type, negated

KIND: ValueKind = "class"


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """Right where got is the boolean expected, and told which way it errs where it is not.

    Anything but a boolean ("true", 1, null) scores 0. There are no options.
    Raises ConfigError on any, and when asked about an expected value that is no boolean.

    >>> judge = make_scorer({})
    >>> judge(True, True)
    Judgement(value=1.0, why='')
    >>> judge(True, False)
    Judgement(value=0.0, why='says true, expected false')
    >>> judge("true", True)
    Judgement(value=0.0, why='a string, not a boolean')
    """
    reject_unknown(options, ())

    def judge(got: Any, expected: Any) -> Judgement:
        if not isinstance(expected, bool):
            raise ConfigError(
                f"an example expects {expected!r}, but this scorer is for true and false: choose 'exact' for the field"
            )
        if not isinstance(got, bool):
            return Judgement(0.0, f"{json_type(got)}, not a boolean")
        return Judgement(1.0) if got is expected else Judgement(0.0, f"says {_json(got)}, expected {_json(expected)}")

    return judge


def _json(value: bool) -> str:
    return "true" if value else "false"


opposite = negated
