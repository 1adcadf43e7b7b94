"""What predicts a label without being what the task is about: the length of the input or of the trace, or one word.

A model finds such a way before it finds the right one. Lengths are compared by Spearman's rank correlation where the
label is a number, by the share of their ranks' variance that is between classes (that of Kruskal and Wallis) where it
is a class; a word by its mutual information with the label, as a share of what the label holds. How often chance does
as well is found by drawing the labels anew, p = (b + 1) / (draws + 1), and corrected for all that was tried: lengths by
Bonferroni, words by the best word of each draw (max-T; P. H. Westfall and S. S. Young, 1993) and then by Bonferroni
over fields and splits. Of each group one example counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import xlogy

from evalkit.golden.lints.finding import Finding, Level
from evalkit.golden.lints.labels import NEARLY_ALL, classed, numbered, one_of_each_group
from evalkit.golden.lints.texts import text_of
from evalkit.golden.model import Example, Task
from evalkit.golden.near_duplicates import normal
from evalkit.stats.rank_correlation import unit_ranks

ALPHA = 0.01
CORRELATION, SHARE, INFORMATION = 0.3, 0.1, 0.1
"""Weaker ties are told to nobody, however surely they are there: a correlation, a share of the variance, the share of
what a label holds that one word tells."""
_SEEN = 5
"""A word must be in so many examples."""
_LEAST = 20
_LENGTHS: Mapping[str, Callable[[Example], int]] = {
    "input": lambda example: len(text_of(example)),
    "trace": lambda example: len(example.thinking or ""),
}

Numbers = NDArray[np.float64]


def check(task: Task) -> Iterator[Finding]:
    ties = [tie for split in ("train", "test") for tie in _lengths(task, split)]
    for tie in ties:
        p = tie.p(len(ties))
        if p <= ALPHA:
            yield Finding(
                "error", tie.where, f"{tie.what}, p = {p:.3f}",
                "Even the lengths out: write short examples of what is long now, and long ones of what is short.",
            )  # fmt: skip
    families = [
        (task.place(f"{split}.jsonl"), field, rows, labels)
        for split in ("train", "test")
        for field, rows, labels in classed(task, one_of_each_group(task.splits.get(split, ())))
        if len(rows) >= _LEAST and len(set(labels)) > 1
    ]
    for where, field, rows, labels in families:
        # Of a label that is nearly always the same a word tells much by chance of wording: few examples are the others.
        level: Level = "note" if Counter(labels).most_common(1)[0][1] >= NEARLY_ALL * len(labels) else "error"
        for word, share, p in _telling(rows, labels, len(families)):
            yield Finding(
                level, where, f"the word {word!r} alone tells {share:.0%} of {field}, p = {p:.3f}",
                "Write examples with the word and another label, or waive it where the word is the matter itself.",
            )  # fmt: skip


def _draws(tried: int) -> int:
    """So many that, corrected for ``tried``, half of ``ALPHA`` is possible."""
    return max(999, ceil(2 * tried / ALPHA))


# -- lengths --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tie:
    """That a label goes with a length: how strongly, in an ``order`` of the rows. Below ``least`` it is left out."""

    where: str
    what: str
    strength: Callable[[Numbers], float]
    order: Numbers
    least: float

    def p(self, tried: int) -> float:
        """How often another order is as strong, corrected for ``tried`` ties; 1, undrawn, for one that is too weak."""
        strength, dice, draws = self.strength(self.order), np.random.default_rng(0), _draws(tried)
        if strength < self.least:
            return 1.0
        as_strong = sum(self.strength(dice.permutation(self.order)) >= strength - 1e-12 for _ in range(draws))
        return min(1.0, tried * (as_strong + 1) / (draws + 1))


def _lengths(task: Task, split: str) -> Iterator[_Tie]:
    where, examples = task.place(f"{split}.jsonl"), task.splits.get(split, ())
    for name, length in _LENGTHS.items():
        chosen = one_of_each_group(example for example in examples if length(example))
        for field, rows, labels in classed(task, chosen):
            lengths, classes = unit_ranks([length(row) for row in rows]), np.unique(labels, return_inverse=True)[1]
            if len(rows) >= _LEAST and lengths.any() and classes.any():
                share = _between(classes)
                figure = f"{share(lengths):.0%} of the variance of its ranks is between classes, n = {len(rows)}"
                yield _Tie(where, f"{field} goes with the length of the {name} ({figure})", share, lengths, SHARE)
        for field, rows, numbers in numbered(task, chosen):
            lengths, ranks = unit_ranks([length(row) for row in rows]), unit_ranks(numbers)
            if len(rows) >= _LEAST and lengths.any() and ranks.any():
                figure = f"Spearman's rho {lengths @ ranks:+.2f}, n = {len(rows)}"
                strength = _correlation(ranks)
                yield _Tie(
                    where, f"{field} goes with the length of the {name} ({figure})", strength, lengths, CORRELATION
                )


def _correlation(ranks: Numbers) -> Callable[[Numbers], float]:
    return lambda order: abs(float(order @ ranks))


def _between(classes: NDArray[np.intp]) -> Callable[[Numbers], float]:
    sizes = np.bincount(classes)
    return lambda order: float((np.bincount(classes, weights=order) ** 2 / sizes).sum())


# -- words ----------------------------------------------------------------------------------------------


def _telling(examples: Sequence[Example], labels: Sequence[str], tried: int) -> Iterator[tuple[str, float, float]]:
    """Each word that tells ``INFORMATION`` of the labels, and its p corrected for ``tried`` such families, the best
    first."""
    held, words = _words(examples)
    if not words:
        return
    each = np.eye(len(set(labels)))[np.unique(labels, return_inverse=True)[1]]
    shares, dice, draws = _shares(held, each), np.random.default_rng(0), _draws(tried)
    telling = [place for place in np.argsort(-shares, kind="stable") if shares[place] >= INFORMATION]
    best = np.array([_shares(held, dice.permutation(each)).max() for _ in range(draws)] if telling else [])
    for place in telling:
        p = min(1.0, tried * (np.count_nonzero(best >= shares[place] - 1e-12) + 1) / (draws + 1))
        if p <= ALPHA:
            yield words[place], float(shares[place]), p


def _words(examples: Sequence[Example]) -> tuple[Any, list[str]]:
    """Which example holds which word, of shape (words, examples), and the words."""
    seen = [set(normal(text_of(example)).split()) for example in examples]
    counts: dict[str, int] = {}
    for words in seen:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    frequent = sorted(word for word, count in counts.items() if _SEEN <= count <= len(examples) - _SEEN)
    places = {word: number for number, word in enumerate(frequent)}
    cells = [(places[word], column) for column, words in enumerate(seen) for word in words if word in places]
    rows, columns = zip(*cells, strict=True) if cells else ((), ())
    return csr_matrix((np.ones(len(cells)), (rows, columns)), shape=(len(frequent), len(examples))), frequent


def _shares(held: Any, each: Numbers) -> Numbers:
    """For every word its mutual information with the labels, as a share of their entropy."""
    count, totals = each.shape[0], each.sum(axis=0)
    with_it = held @ each
    without = totals - with_it
    entropy = -xlogy(totals / count, totals / count).sum()
    left = np.zeros(with_it.shape[0])
    for part in (with_it, without):
        sizes = part.sum(axis=1)
        left += (xlogy(sizes, sizes) - xlogy(part, part).sum(axis=1)) / count
    return np.asarray(1 - left / entropy)
