"""What a model answers where another class is right: expected by answered, for every field of classes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from evalkit.golden.model import Example, ScoreRule
from evalkit.golden.scoring import labeller_of, scorer_of, values_match
from evalkit.judging.answer import Answer

ERROR = "error"
"""The field of an error object."""

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


def confusion_of(rule: ScoreRule, answers: Iterable[Answer], known: Iterable[Any] = ()) -> Confusion | None:
    """What ``answers`` say in the field of ``rule``, by what is right there; None where none of them has the score.

    Every sample of an answer is counted. ``known`` are values of the field that other examples expect: answered, they
    are classes too. A value is in the class of another where the scorer takes the one for the other.
    """
    asked = [answer for answer in answers if rule.name in answer.scores]
    if not asked:
        return None
    classes = _Classes(rule)
    cells: dict[str, Counter[str | Outside]] = {}
    for answer in asked:
        expected = classes.of(answer.example.expected[rule.field], answer.example, new=True)
        cells.setdefault(str(expected), Counter())
    for value in known:
        classes.of(value, asked[0].example, new=True)
    for answer in asked:
        expected = classes.of(answer.example.expected[rule.field], answer.example)
        cells[str(expected)].update(_answered(classes, rule.field, sample) for sample in answer.each)
    labels = _ordered({label for row in cells.values() for label in row if isinstance(label, str)} | set(cells), cells)
    largest = sorted(
        (
            Confused(expected, label, count, row.total())
            for expected, row in cells.items()
            for label, count in row.items()
            if isinstance(label, str) and label != expected
        ),
        key=lambda cell: (-cell.count, -cell.count / cell.n, cell.expected, cell.answered),
    )[:MOST_CELLS]
    if len(labels) > MOST_LABELS:
        return Confusion(rule.name, len(labels), largest=tuple(largest))
    rows = tuple(_row(label, cells[label], labels) for label in labels if label in cells)
    return Confusion(rule.name, len(labels), labels, rows, tuple(largest))


class Outside(Enum):
    """What is answered that is none of the classes."""

    UNREADABLE = "unreadable"
    ERROR = "error"
    MISSING = "missing"
    OTHER = "other"


class _Classes:
    """The classes of a field, by the eyes of its scorer."""

    def __init__(self, rule: ScoreRule) -> None:
        self._scorer, self._label = scorer_of(rule), labeller_of(rule)
        self._seen: dict[str, str | None] = {}
        self._members: dict[str, Any] = {}

    def of(self, value: Any, example: Example, new: bool = False) -> str | None:
        """The name of the class of ``value``; where it is in none, a new one if that is asked for, else None."""
        spelled = json.dumps(value, sort_keys=True)
        if self._seen.get(spelled) is None:
            self._seen[spelled] = self._found(value, spelled, example, new)
        return self._seen[spelled]

    def _found(self, value: Any, spelled: str, example: Example, new: bool) -> str | None:
        if self._label is not None:
            label = self._label(value)
            return spelled if label is None and new else label
        for name, member in self._members.items():
            if values_match(self._scorer, value, member, example.input):
                return name
        if not new:
            return None
        name = value if isinstance(value, str) and not _is_json(value) else spelled
        self._members[name] = value
        return name


def _is_json(text: str) -> bool:
    """Whether a text has to stand in quotation marks: the number 1 and the text "1" are two classes."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _answered(classes: _Classes, field: str, sample: Answer) -> str | Outside:
    if sample.value is None:
        return Outside.UNREADABLE
    if field not in sample.value:
        return Outside.ERROR if ERROR in sample.value else Outside.MISSING
    label = classes.of(sample.value[field], sample.example)
    return Outside.OTHER if label is None else label


def _ordered(labels: Iterable[str], cells: Mapping[str, Counter[str | Outside]]) -> tuple[str, ...]:
    """Numbers by size, signs from + to -, others by how often they are expected."""
    names = sorted(labels)
    if set(names) <= set(_SIGNS):
        return tuple(sorted(names, key=_SIGNS.index))
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(sorted(names, key=lambda name: -cells[name].total() if name in cells else 0))


def _row(expected: str, row: Counter[str | Outside], labels: Sequence[str]) -> ConfusionRow:
    return ConfusionRow(
        expected,
        row.total(),
        tuple(row[label] for label in labels),
        row[Outside.UNREADABLE],
        row[Outside.ERROR],
        row[Outside.MISSING],
        row[Outside.OTHER],
    )


_SIGNS = ("+", "0", "-")
