"""That nothing is decided of a model in a run, and why: only figures are shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WhyNone(StrEnum):
    """Why there is no verdict."""

    DEV = "dev"
    """What is judged is the development split: whoever chooses by it can't decide by it too."""
    NOT_FROZEN = "not_frozen"
    """Nobody can tell whether the examples are what they were before the answers were seen."""
    PART = "part"
    """A part of the split was selected."""


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """One tested model without a verdict. ``selected`` of the split's ``examples`` were asked of it."""

    backend: str
    code: WhyNone
    selected: int
    examples: int


def why_none(split: str, frozen: bool) -> WhyNone | None:
    """Why nothing is decided of anyone on ``split`` of a task, ``frozen`` or not; None where it is.

    >>> why_none("test", frozen=True), str(why_none("dev", frozen=True)), str(why_none("test", frozen=False))
    (None, 'dev', 'not_frozen')
    """
    if split != "test":
        return WhyNone.DEV
    return None if frozen else WhyNone.NOT_FROZEN
