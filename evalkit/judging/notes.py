"""What is noted of a run beside its verdicts, as data; ``wording`` makes the sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.golden.looks import PLANNED


@dataclass(frozen=True, slots=True)
class UnchangedAdapter:
    """A ``model`` whose adapter changed nothing: all of its ``answers`` are the very text of its ``base``."""

    model: str
    base: str
    answers: int


@dataclass(frozen=True, slots=True)
class ServedAs:
    """That a server calls the model behind ``model`` otherwise than it was asked for (``asked``), or by several names.

    ``names`` are those in its replies, with the number of answers under each.
    """

    model: str
    asked: str
    names: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LookSpent:
    """That ``model`` is the ``number``-th that is shown on a test split, of the ``planned`` ones.

    ``left`` is how many more may be judged on it; ``judged`` is false where its figures were shown and no more. What
    is compared was one of so many ``choices`` after something was seen, 1 where it was declared before.
    """

    model: str
    number: int
    planned: int = PLANNED
    left: int = 0
    judged: bool = True
    choices: int = 1


@dataclass(frozen=True, slots=True)
class LooksAhead:
    """A session may spend looks at the test split of ``task``: one for each of ``models``, from the ``first`` on."""

    task: str
    models: tuple[str, ...]
    first: int
    planned: int
