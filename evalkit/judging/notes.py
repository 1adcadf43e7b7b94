"""What is noted of a run beside its verdicts, as data; ``wording`` makes the sentences."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.golden.looks import PLANNED


@dataclass(frozen=True, slots=True)
class UnchangedAdapter:
    """A ``model`` whose adapter changed nothing: all of its ``answers`` are the very text of its ``base``."""

    model: str
    base: str
    answers: int


@dataclass(frozen=True, slots=True)
class LookSpent:
    """That ``model`` is the ``number``-th that is shown on a test split, of the ``planned`` ones.

    ``left`` is how many more may be judged on it.
    """

    model: str
    number: int
    planned: int = PLANNED
    left: int = 0
