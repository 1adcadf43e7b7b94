"""scorer = "exact": right when it is the very same JSON value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.options import reject_unknown, switch_option
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.unicode_forms import folded, form_option, only_difference
from evalkit.scorers.values import json_type

KIND: ValueKind = "class"


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """Right where got and expected are equal as JSON: 1 is 1.0, true is not 1, "1" is not 1.

    Arrays are equal item by item in their order, objects by key in any order.
    ``ignore_case`` (default false) compares strings without regard to case, inside arrays and objects too; keys
    are compared as they are. ``normalize`` ("NFC" or "NFKC") compares strings in that form of Unicode; without it they
    are compared as they are written. Raises ConfigError on another option or value of it.

    >>> judge = make_scorer({})
    >>> judge("new", "new"), judge(1, 1.0)
    (Judgement(value=1.0, why=''), Judgement(value=1.0, why=''))
    >>> judge(True, 1)
    Judgement(value=0.0, why='a boolean, expected a number')
    >>> judge("New", "new")
    Judgement(value=0.0, why='differs in case only')
    """
    reject_unknown(options, {"ignore_case", "normalize"})
    ignore_case = switch_option(options, "ignore_case", False)
    form = form_option(options)

    def judge(got: Any, expected: Any) -> Judgement:
        got, expected = folded(got, form), folded(expected, form)
        if _equal(got, expected, ignore_case):
            return Judgement(1.0)
        if json_type(got) != json_type(expected):
            return Judgement(0.0, f"{json_type(got)}, expected {json_type(expected)}")
        if _equal(got, expected, True):
            return Judgement(0.0, "differs in case only")
        return Judgement(
            0.0,
            only_difference(lambda fold: _equal(folded(got, fold), folded(expected, fold), ignore_case))
            or "another value",
        )

    return judge


def _equal(got: Any, expected: Any, ignore_case: bool) -> bool:
    kind = json_type(expected)
    if json_type(got) != kind:
        return False
    if kind == "an array":
        return len(got) == len(expected) and all(_equal(a, b, ignore_case) for a, b in zip(got, expected, strict=True))
    if kind == "an object":
        return got.keys() == expected.keys() and all(_equal(got[key], expected[key], ignore_case) for key in expected)
    if kind == "a string" and ignore_case:
        return bool(got.casefold() == expected.casefold())
    return bool(got == expected)
