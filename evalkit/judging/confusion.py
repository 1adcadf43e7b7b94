"""What a model answers where another class is right: expected by answered, for every field of classes."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LABELS = 12
"""Of a field with more classes only the largest cells are kept: nobody reads a table of thirteen columns."""

MOST_CELLS = 10
"""So many of them."""


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """What was answered where ``expected`` is right, counted by answer: ``n`` in all.

    ``answered`` has a number for each of the confusion's labels. Outside of them: ``unreadable`` answers have no
    object, ``errors`` have an error object instead, ``missing`` an object without the field, ``others`` a value that is
    none of the classes.
    """

    expected: str
    n: int
    answered: tuple[int, ...] = ()
    unreadable: int = 0
    errors: int = 0
    missing: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class Confused:
    """That ``count`` of the ``n`` answers where ``expected`` is right say ``answered``."""

    expected: str
    answered: str
    count: int
    n: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """One score of classes: its ``labels``, in the order of rows and columns, and a row for each that is expected.

    ``largest`` are the most frequent mistakes, the largest first, ten at most. With more than ``MOST_LABELS`` labels
    they are all there is: ``labels`` and ``rows`` are empty. ``classes`` counts the labels.
    """

    score: str
    classes: int
    labels: tuple[str, ...] = ()
    rows: tuple[ConfusionRow, ...] = ()
    largest: tuple[Confused, ...] = ()
