"""The tables of where a model is weak: its scores by tag, and what it takes for what.

Nothing is computed here; a stored run is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit._internal.counts import counted, named
from evalkit.judging.confusion import Confusion
from evalkit.judging.slices import FEWEST, ScoreSlices, Slice
from evalkit.reports.figures import bounds, rate
from evalkit.runs.record import ModelRun, TaskResult

Row = tuple[str, Sequence[str]]

SLICE_COLUMNS = ("rate", "n", "from the rest", "Holm p")
"""The columns of ``slice_rows`` after the first; p is Holm's over the tags of the score."""


def models(task: TaskResult) -> list[ModelRun]:
    """Those of which a run keeps slices or confusions."""
    return [one for one in task.model_runs if one.slices or one.confusions]


def primary_slices(task: TaskResult, model: ModelRun) -> list[ScoreSlices]:
    """The slices of the primary score, one or none."""
    return [table for table in model.slices if table.score == task.primary]


def primary_confusions(task: TaskResult, model: ModelRun) -> list[Confusion]:
    """The confusion of the primary score, one or none."""
    return [item for item in model.confusions if item.score == task.primary]


def slices_heading(model: ModelRun, table: ScoreSlices) -> str:
    """What the table of ``slice_rows`` shows."""
    return f"{model.name}, {table.score} by tag, weakest first"


def slice_rows(table: ScoreSlices) -> Iterator[Row]:
    """A row for each tag: rate in %, n, points from the rest, Holm's p."""
    for one in table.slices:
        yield named(one.tag), [rate(one.rate), str(one.rate.n), _apart(one), _p(one.corrected)]


def slices_left(table: ScoreSlices) -> str:
    """What the table leaves out: the tags of too few examples; empty where nothing is."""
    return f"{counted(len(table.small), 'tag')} with fewer than {FEWEST} examples" if table.small else ""


def _apart(one: Slice) -> str:
    apart = one.difference
    if apart is None or apart.value is None:
        return "-"
    return f"{apart.value * 100:+.1f}" + bounds(apart, 100, "+.1f")


def _p(p: float | None) -> str:
    """A p as a reader needs it.

    >>> _p(0.03129), _p(0.00002), _p(1.0), _p(None)
    ('0.031', '<0.001', '1', '-')
    """
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else "1" if p >= 0.9995 else f"{p:.3f}"


def confusion_heading(model: ModelRun, item: Confusion) -> str:
    """What the table of ``confusion_rows`` shows."""
    return f"{model.name}, {item.score}: what is right (down) by what is answered (across)"


def confusion_columns(item: Confusion, numbered: bool = False) -> list[str]:
    """The head of each column after the first: the classes (or their numbers), n, and what else was answered."""
    names = [str(number) for number, _ in enumerate(item.labels, 1)] if numbered else [*map(named, item.labels)]
    return [*names, *(name for name, _ in _outside(item)), "n"]


def confusion_rows(item: Confusion, numbered: bool = False) -> Iterator[Row]:
    """A row for each class that is expected somewhere; 0 is left empty, what is right stands in brackets."""
    places = {label: number for number, label in enumerate(item.labels, 1)}
    for row in item.rows:
        name = named(row.expected)
        cells = [
            f"[{count}]" if label == row.expected else str(count or "")
            for label, count in zip(item.labels, row.answered, strict=True)
        ]
        beside = [str(getattr(row, key) or "") for _, key in _outside(item)]
        yield f"{places[row.expected]} {name}" if numbered else name, [*cells, *beside, str(row.n)]
    if numbered:
        only_answered = [label for label in item.labels if all(label != row.expected for row in item.rows)]
        yield from ((f"{places[label]} {named(label)}", [""] * len(confusion_columns(item))) for label in only_answered)


def mistakes(item: Confusion) -> Iterator[str]:
    """Of a field of too many classes for a table: its most frequent mistakes, a line each."""
    for cell in item.largest:
        yield f"{named(cell.answered)} in {cell.count} of {cell.n} where {named(cell.expected)} is right"


def mistakes_heading(model: ModelRun, item: Confusion) -> str:
    """What ``mistakes`` are."""
    return f"{model.name}, {item.score}: {item.classes} classes, the largest mistakes"


def _outside(item: Confusion) -> list[tuple[str, str]]:
    """The columns beside the classes that have anything in them: their head, and their name in the data."""
    return [(name, key) for name, key in _OUTSIDE if any(getattr(row, key) for row in item.rows)]


_OUTSIDE = (("unreadable", "unreadable"), ("error", "errors"), ("no field", "missing"), ("other", "others"))
