"""What predicts a label without being what the task is about: the length of the input or of the trace, or one word.

A model finds such a way before it finds the right one. Lengths are compared by Spearman's rank correlation where the
label is a number, by the share of their ranks' variance that is between classes (that of Kruskal and Wallis) where it
is none; a word by how many labels it gets right alone, beyond what the commonest label gets. How often chance does as
well is found by drawing the labels anew, p = (b + 1) / (draws + 1), and corrected for all that was tried: lengths by
Holm, words by the best word of each draw (max-T; P. H. Westfall and S. S. Young, 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.stats import rankdata

from evalkit.lints import Finding, classes_of, fields_of, judged, text_of
from evalkit.near_duplicates import normal
from evalkit.stats.holm import holm
from evalkit.tasks import Example, Task

ALPHA = 0.01
CORRELATION, SHARE, GAIN = 0.3, 0.1, 0.1
"""Weaker ties are told to nobody, however surely they are there: a correlation, a share of the variance, the share of
labels that one word gets right beyond the commonest."""
_DRAWS = 999
_SEEN = 5
"""A word must be in so many examples."""
_LEAST = 20
_LENGTHS: Mapping[str, Callable[[Example], int | None]] = {
    "input": lambda example: len(text_of(example)),
    "trace": lambda example: len(example.thinking) if example.thinking else None,
}

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Tie:
    """That a label goes with a length."""

    where: str
    told: str
    p: float


def check(task: Task) -> Iterator[Finding]:
    ties = [tie for split in ("train", "test") for tie in _lengths(task, split)]
    adjusted = holm({str(number): tie.p for number, tie in enumerate(ties)})
    for number, tie in enumerate(ties):
        p = adjusted[str(number)]
        if p is not None and p <= ALPHA:
            yield Finding(
                "error", tie.where, f"{tie.told}, p = {p:.3f}",
                "Even the lengths out: write short examples of what is long now, and long ones of what is short.",
            )  # fmt: skip
    for split in ("train", "test"):
        yield from _words(task, split)


# -- lengths --------------------------------------------------------------------------------------------


def _lengths(task: Task, split: str) -> Iterator[_Tie]:
    examples, where = judged(task.splits.get(split, ())), f"{task.folder.parent.name}/{task.name}/{split}.jsonl"
    for name, length in _LENGTHS.items():
        for field in fields_of(task):
            rows = [
                (found, example.expected[field])
                for example in examples
                if field in example.expected and (found := length(example)) is not None
            ]
            lengths, labels = rankdata([row[0] for row in rows]), [row[1] for row in rows]
            if len(rows) < _LEAST or np.ptp(lengths) == 0 or len(set(map(str, labels))) < 2:
                continue
            if all(isinstance(label, int | float) and not isinstance(label, bool) for label in labels):
                tie, p = _correlation(lengths, rankdata(labels))
                told = f"Spearman's rho {tie:+.2f}"
            else:
                tie, p = _between(lengths, np.unique([str(label) for label in labels], return_inverse=True)[1])
                told = f"{tie:.0%} of the variance of its ranks is between classes"
            yield _Tie(where, f"{field} goes with the length of the {name} ({told}, n = {len(rows)})", p)


def _correlation(first: Numbers, second: Numbers) -> tuple[float, float]:
    """The correlation of two rankings, and its two-sided p; 1 for one that is too weak to be told."""
    one, two = ((ranks - ranks.mean()) / (ranks.std() * np.sqrt(ranks.size)) for ranks in (first, second))
    found = float(one @ two)
    return found, _p(lambda ranks: abs(float(one @ ranks)), two, CORRELATION)


def _between(ranks: Numbers, classes: NDArray[np.intp]) -> tuple[float, float]:
    """The share of the variance of ``ranks`` that is between ``classes``, and its p; 1 where that is too little."""
    apart, sizes = ranks - ranks.mean(), np.bincount(classes)

    def share(order: Numbers) -> float:
        sums = np.bincount(classes, weights=order)
        return float((sums**2 / sizes).sum() / (apart**2).sum())

    return share(apart), _p(share, apart, SHARE)


def _p(strength: Callable[[Numbers], float], order: Numbers, least: float) -> float:
    """How often another order of the rows is as strong as ``order`` is; 1, without a draw, where that is not enough."""
    found, dice = strength(order), np.random.default_rng(0)
    if found < least:
        return 1.0
    drawn = sum(strength(dice.permutation(order)) >= found - 1e-12 for _ in range(_DRAWS))
    return (drawn + 1) / (_DRAWS + 1)


# -- words ----------------------------------------------------------------------------------------------


def _words(task: Task, split: str) -> Iterator[Finding]:
    examples = judged(task.splits.get(split, ()))
    for field in classes_of(task):
        rows = [example for example in examples if field in example.expected]
        labels = np.array([str(example.expected[field]) for example in rows])
        if len(rows) < _LEAST or len(set(labels)) < 2:
            continue
        for word, gain, p in _telling(rows, labels):
            yield Finding(
                "error", f"{task.folder.parent.name}/{task.name}/{split}.jsonl",
                f"the word {word!r} alone gets {gain:.0%} more of {field} right than the commonest label, p = {p:.3f}",
                "Write examples with the word and another label, or waive it where the word is the matter itself.",
            )  # fmt: skip


def _telling(examples: Sequence[Example], labels: NDArray[Any]) -> Iterator[tuple[str, float, float]]:
    """Each word that gets ``GAIN`` more labels right than the commonest label does, and its p, the best first."""
    seen = [sorted(set(normal(text_of(example)).split())) for example in examples]
    known = sorted({word for words in seen for word in words})
    places = {word: number for number, word in enumerate(known)}
    columns = [places[word] for words in seen for word in words]
    rows = [row for row, words in enumerate(seen) for _ in words]
    held = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(examples), len(known)))
    often = np.asarray(held.sum(axis=0)).ravel() >= _SEEN
    if not often.any():
        return
    held, known = held[:, often].T.tocsr(), [word for word, kept in zip(known, often, strict=True) if kept]
    each = np.eye(len(set(labels)))[np.unique(labels, return_inverse=True)[1]]
    gains, dice = _gains(held, each), np.random.default_rng(0)
    told = [place for place in np.argsort(-gains, kind="stable") if gains[place] >= GAIN]
    best = np.array([_gains(held, dice.permutation(each)).max() for _ in range(_DRAWS)] if told else [])
    for place in told:
        p = (np.count_nonzero(best >= gains[place] - 1e-12) + 1) / (_DRAWS + 1)
        if p <= ALPHA:
            yield known[place], float(gains[place]), p


def _gains(held: Any, each: Numbers) -> Numbers:
    """For every word the share of labels that are right where those with it, and those without it, are each given
    their commonest label; less the share of the commonest of all. ``held`` is of shape (words, examples)."""
    with_it = held @ each
    right = with_it.max(axis=1) + (each.sum(axis=0) - with_it).max(axis=1)
    return np.asarray((right - each.sum(axis=0).max()) / each.shape[0])
