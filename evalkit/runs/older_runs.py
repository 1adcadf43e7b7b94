"""Runs as an older evalkit stored them, brought to the form that is read today.

A field that came later and has a default needs nothing here: only one that has none, and that follows from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UPGRADED = (1,)
"""The versions that ``upgraded`` takes."""

_PAIRED_1 = {"difference", "decisive", "p", "wins", "losses", "ties", "effects"}


def upgraded(table: Mapping[str, Any], version: int) -> dict[str, Any]:
    """``table``, the header of a run of one of the versions ``UPGRADED``, in today's form but for its version.

    Version 1 had of a paired comparison one p, and did not say whether its scores are right or wrong: where they are
    it has McNemar's p.
    """
    if version not in UPGRADED:
        raise ValueError(f"version must be one of {UPGRADED}, got {version!r}")
    return {key: _paired(value) for key, value in table.items()}


def _paired(value: Any) -> Any:
    if isinstance(value, list):
        return [_paired(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    table = {key: _paired(item) for key, item in value.items()}
    if table.keys() >= _PAIRED_1:
        known = table["effects"]["mcnemar_p"] is not None
        return {"p_worse": None, "right_or_wrong": known, "extended": False, **table}
    return table
