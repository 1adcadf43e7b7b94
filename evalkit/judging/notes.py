"""What is noted of a run beside its verdicts, as data; ``wording`` makes the sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnchangedAdapter:
    """A ``model`` whose adapter changed nothing: all of its ``answers`` are the very text of its ``base``."""

    model: str
    base: str
    answers: int


@dataclass(frozen=True, slots=True)
class LookSpent:
    """That ``model`` is the ``number``-th that is judged on a test split."""

    model: str
    number: int


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A declared pair that was not judged, because ``against`` is not in the run."""

    candidate: str
    against: str
    score: str
