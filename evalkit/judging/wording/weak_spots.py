"""Sentences of where a model is weak: what it takes for what, and on which tags it scores less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit._internal.counts import named
from evalkit.judging.confusion import Confusion
from evalkit.judging.figures import percent, points
from evalkit.judging.slices import ScoreSlices, Slice


def confusions(model: str, items: Sequence[Confusion]) -> str:
    """The most frequent mistake in each field of classes; empty where no mistake was made twice."""
    parts = [
        f"{item.score}: answers {named(cell.answered)} in {cell.count} of {cell.n} where {named(cell.expected)} "
        "is right"
        for item in items
        for cell in item.largest[:1]
        if cell.count > 1
    ]
    return f"{model} confuses: {'; '.join(parts)}" if parts else ""


def weaker_slices(model: str, tables: Sequence[ScoreSlices]) -> Iterator[str]:
    """For each score the tags on which a model is shown to score less than elsewhere."""
    for table in tables:
        weaker = [one for one in table.slices if one.weaker]
        if weaker:
            yield f"{model} is weaker on {table.score} where {', '.join(map(_slice, weaker))}"


def _slice(one: Slice) -> str:
    apart = one.difference.value if one.difference is not None else None
    return f"{one.tag} ({percent(one.rate.value)}, {points(apart)} points from the rest, n = {one.rate.n})"
