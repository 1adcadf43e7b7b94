"""Runs as an older evalkit stored them, brought to the form that is read today.

A field that came later and has a default needs nothing here: only one that has none, and that follows from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UPGRADED = (1,)
"""The versions that ``upgraded`` takes."""

_PAIRED_1 = {"difference", "decisive", "p", "wins", "losses", "ties", "effects"}

_READABLE_1 = {"difference", "decisive", "least"}
_REMARK_1 = {"code", "got", "asked", "count"}
_OF_READABLE_1 = ("decision_changed", "decision_may_have_changed", "too_few_readable", "decision_lost")


def upgraded(table: Mapping[str, Any], version: int) -> dict[str, Any]:
    """``table``, the header of a run of one of the versions ``UPGRADED``, in today's form but for its version.

    Version 1 had of a paired comparison one p, and did not say whether its scores are right or wrong: where they are
    it has McNemar's p. What both answered readably was held to a level of its own, and is a note today.
    """
    if version not in UPGRADED:
        raise ValueError(f"version must be one of {UPGRADED}, got {version!r}")
    return {key: _in_today_form(value) for key, value in table.items()}


def _in_today_form(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_today_form(item) for item in value if not _is_gone(item)]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == _READABLE_1:
        return value["difference"]
    if value.keys() == _REMARK_1 and value["code"] in _OF_READABLE_1:
        return {**value, "code": "less_among_readable"}
    table = {key: _in_today_form(item) for key, item in value.items()}
    if table.keys() >= _PAIRED_1:
        known = table["effects"]["mcnemar_p"] is not None
        return {"p_worse": None, "right_or_wrong": known, "extended": False, **table}
    return table


def _is_gone(value: Any) -> bool:
    """Whether it is a remark of which nothing is said any more: that a split was worn out by its looks."""
    return isinstance(value, Mapping) and value.keys() == _REMARK_1 and value["code"] == "worn_out"
