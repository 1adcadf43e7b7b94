"""A score by tag: where a model is weaker than it is elsewhere, with what that rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.judging.answer import Answer
from evalkit.stats.fisher import fisher
from evalkit.stats.holm import holm
from evalkit.stats.intervals import Estimate
from evalkit.stats.relabelling import relabelled
from evalkit.stats.samples import Array
from evalkit.stats.unpaired import Marks, gaps, part_rates, reaching_zero, right_or_wrong_columns

FEWEST = 8
"""A tag of fewer examples is counted, and nothing more is said of it: its interval would span half of everything."""

SHOWN = 0.05
"""Where the corrected p is at most this, a slice does differ from the rest."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The examples with one ``tag``, and how they score beside the rest.

    ``difference`` is the tag's rate less that of the rest, with a two-sided 95 % interval, None where there is no rest.
    ``p`` is two-sided, ``corrected`` is Holm's over the slices of the score; both None where there is no rest.
    """

    tag: str
    rate: Estimate
    difference: Estimate | None = None
    p: float | None = None
    corrected: float | None = None

    @property
    def weaker(self) -> bool:
        """Whether it is shown to score less than the rest, among all slices of the score."""
        below = self.difference is not None and self.difference.value is not None and self.difference.value < 0
        return below and self.corrected is not None and self.corrected <= SHOWN


@dataclass(frozen=True, slots=True)
class ScoreSlices:
    """One ``score`` by tag, the weakest slice first. ``small`` has the tags of fewer than ``FEWEST`` examples, with
    their number."""

    score: str
    slices: tuple[Slice, ...] = ()
    small: Mapping[str, int] = field(default_factory=dict)


def slices_of(answers: Mapping[str, Mapping[str, Answer]], scores: Sequence[str]) -> dict[str, tuple[ScoreSlices, ...]]:
    """For each model of ``answers`` (by model, then by example: those of the judged split) its ``scores`` by tag.

    A score that no tagged example has is left out, and one that is the same on all examples: so is every slice of it.
    The p of right-or-wrong scores whose examples share no group is Fisher's; of all others ``relabelled`` gives it. The
    interval reaches 0 where p shows no difference.
    """
    cells: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for model, of_model in answers.items():
        for score in scores:
            asked = tuple(sorted(name for name, answer in of_model.items() if score in answer.scores))
            values = {of_model[name].scores[score].value for name in asked}
            if len(values) > 1 and any(of_model[name].example.tags for name in asked):
                cells.setdefault(asked, []).append((model, score))
    tables: dict[tuple[str, str], ScoreSlices] = {}
    for asked, columns in cells.items():
        tables.update(_by_tag(answers, asked, columns))
    return {
        model: tuple(tables[model, score] for score in scores if (model, score) in tables)
        for model in answers
    }  # fmt: skip


def _by_tag(
    answers: Mapping[str, Mapping[str, Answer]], asked: Sequence[str], columns: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], ScoreSlices]:
    """The slices of ``columns``, pairs of model and score that have the same examples."""
    examples = [answers[columns[0][0]][name].example for name in asked]
    groups = [example.group for example in examples]
    counts = Counter(tag for example in examples for tag in dict.fromkeys(example.tags))
    tags = sorted(tag for tag, count in counts.items() if count >= FEWEST)
    small = {tag: counts[tag] for tag in sorted(counts) if counts[tag] < FEWEST}
    scores = np.array([[answers[model][name].scores[score].value for model, score in columns] for name in asked])
    marks = np.array([[tag in example.tags for tag in tags] for example in examples], dtype=bool)
    ps = _ps(scores, marks, groups) if tags else np.ones((0, len(columns)))
    found: list[list[Slice]] = [[] for _ in columns]
    for number, tag in enumerate(tags):
        inside = marks[:, number]
        rates = part_rates(scores[inside], [group for group, taken in zip(groups, inside, strict=True) if taken])
        differences = gaps(scores, inside, groups)
        for column, slices in enumerate(found):
            if inside.all():
                slices.append(Slice(tag, rates[column]))
                continue
            p = float(ps[number, column])
            slices.append(Slice(tag, rates[column], reaching_zero(differences[column], p), p))
    return {
        column: ScoreSlices(column[1], tuple(sorted(_corrected(slices), key=_weakest)), small)
        for column, slices in zip(columns, found, strict=True)
    }


def _ps(scores: Array, marks: Marks, groups: Sequence[str]) -> Array:
    """The p of each tag and column, of shape (tags, columns)."""
    counted = right_or_wrong_columns(scores) & (len(set(groups)) == len(groups))
    ps = np.ones((marks.shape[1], scores.shape[1]))
    if not counted.all():
        ps[:, ~counted] = relabelled(scores[:, ~counted], marks, groups)
    right = marks.T.astype(int) @ scores[:, counted].astype(int)
    for place, column in enumerate(np.flatnonzero(counted)):
        everyone = int(scores[:, column].sum())
        for tag, size in enumerate(marks.sum(axis=0)):
            ps[tag, column] = fisher(int(right[tag, place]), int(size), everyone, len(scores))
    return ps


def _corrected(slices: Sequence[Slice]) -> list[Slice]:
    adjusted = holm({one.tag: one.p for one in slices if one.p is not None})
    return [Slice(one.tag, one.rate, one.difference, one.p, adjusted.get(one.tag)) for one in slices]


def _weakest(one: Slice) -> tuple[float, str]:
    return (one.rate.value if one.rate.value is not None else 1.0), one.tag
