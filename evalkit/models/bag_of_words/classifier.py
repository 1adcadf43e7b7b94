"""Tells the classes of a text by its words; how strictly, it chooses by cross-validation.

Words alone are tried under ever weaker penalties, for as long as that helps, then pairs of neighbours too under the
best of them. Whole groups of texts are held out, so that a text is never told by its own paraphrase. The order of the
texts does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from evalkit.models.bag_of_words.logistic import LogisticModel, fit
from evalkit.models.bag_of_words.terms import terms
from evalkit.models.bag_of_words.vectors import Array, Rows, Vocabulary

Numbers = NDArray[np.intp]

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
"""The penalties that are tried, as C of ``logistic``: the larger, the weaker."""

FOLDS = 5
"""Into so many parts the texts are divided for cross-validation."""

_ROUGH, _FINE = 1e-3, 1e-5
"""How exactly a model is fitted: to choose by, and to answer by. Divided by the root of C, because weaker penalties
give flatter slopes."""

_DIGITS = 9
"""Log-probabilities are rounded to so many places, so that what is a tie is one on every machine."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a classifier is fitted: its penalty, and whether pairs of neighbouring words count."""

    strength: float = 10.0
    pairs: bool = False


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, its class in each of some questions, and the group of texts that it belongs to."""

    text: str
    labels: Mapping[str, str]
    group: str


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """``classes`` are those that were seen, the commonest first."""

    classes: tuple[str, ...]
    settings: Settings
    vocabulary: Vocabulary
    model: LogisticModel

    def log_probabilities(self, texts: Sequence[str]) -> Array:
        """Of shape (texts, classes): of equal ones the first is the commoner class."""
        documents = [terms(text, self.settings.pairs) for text in texts]
        return np.round(self.model.log_probabilities(self.vocabulary.rows(documents)), _DIGITS)


def train(texts: Sequence[LabelledText]) -> dict[str, Classifier]:
    """A classifier for each question that ``texts`` have the answers to; there must be a text at least."""
    questions = list(texts[0].labels)
    ordered = sorted(texts, key=lambda each: (each.text, each.group, [each.labels[name] for name in questions]))
    training = _Training([each.text for each in ordered], [each.group for each in ordered])
    return {name: training.classifier([each.labels[name] for each in ordered]) for name in questions}


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Texts to learn from and texts held out, as vectors. ``kept`` and ``held_out`` are their numbers."""

    kept: Numbers
    held_out: Numbers
    vocabulary: Vocabulary
    rows: Rows
    held_out_rows: Rows


class _Training:
    """What all questions to the same texts share: the vectors, made once."""

    def __init__(self, texts: Sequence[str], groups: Sequence[str]) -> None:
        self._texts = texts
        self._folds = _folds(groups)
        self._documents: dict[bool, list[list[str]]] = {}
        self._parts: dict[tuple[bool, int], _Part] = {}

    def classifier(self, labels: Sequence[str]) -> Classifier:
        counts = Counter(labels)
        classes = tuple(sorted(counts, key=lambda label: (-counts[label], label)))
        numbers = np.array([classes.index(label) for label in labels])
        settings = self._best(numbers)
        whole = self._part(settings.pairs, -1)
        model = _fit(whole, numbers, len(classes), settings.strength, _FINE)
        return Classifier(classes, settings, whole.vocabulary, model)

    def _best(self, numbers: Numbers) -> Settings:
        """The settings under which most held-out texts are told rightly; of equals the strictest and simplest."""
        if len(np.unique(numbers)) == 1 or len(np.unique(self._folds)) < FOLDS:
            return Settings()
        starts: list[LogisticModel | None] = [None] * FOLDS
        best, most = Settings(), -1
        for strength in STRENGTHS:
            settings = Settings(strength)
            rights, starts = self._tried(settings, numbers, starts)
            if rights > most:
                best, most = settings, rights
            elif rights < most:
                break
        with_pairs = Settings(best.strength, pairs=True)
        rights, _ = self._tried(with_pairs, numbers, [None] * FOLDS)
        return with_pairs if rights > most else best

    def _tried(
        self, settings: Settings, numbers: Numbers, starts: Sequence[LogisticModel | None]
    ) -> tuple[int, list[LogisticModel | None]]:
        """How many held-out texts are told rightly; and the models, for others to begin with."""
        rights, models = 0, list[LogisticModel | None]()
        for fold, start in enumerate(starts):
            part = self._part(settings.pairs, fold)
            model = _fit(part, numbers[part.kept], int(numbers.max()) + 1, settings.strength, _ROUGH, start)
            told = np.round(model.log_probabilities(part.held_out_rows), _DIGITS).argmax(axis=1)
            rights += int((told == numbers[part.held_out]).sum())
            models.append(model)
        return rights, models

    def _part(self, pairs: bool, fold: int) -> _Part:
        """The texts without those of ``fold``; all of them for -1."""
        if (pairs, fold) not in self._parts:
            if pairs not in self._documents:
                self._documents[pairs] = [terms(text, pairs) for text in self._texts]
            documents = self._documents[pairs]
            kept, held_out = np.flatnonzero(self._folds != fold), np.flatnonzero(self._folds == fold)
            learned = [documents[row] for row in kept]
            vocabulary = Vocabulary.of(learned)
            rows, held_out_rows = vocabulary.rows(learned), vocabulary.rows([documents[row] for row in held_out])
            self._parts[pairs, fold] = _Part(kept, held_out, vocabulary, rows, held_out_rows)
        return self._parts[pairs, fold]


def _folds(groups: Sequence[str]) -> Numbers:
    """The fold of each text: whole groups, drawn by the digest of their names."""
    drawn = sorted(set(groups), key=lambda group: sha256(group.encode(errors="surrogatepass")).digest())
    fold_of = {group: number % FOLDS for number, group in enumerate(drawn)}
    return np.array([fold_of[group] for group in groups])


def _fit(
    part: _Part,
    numbers: Numbers,
    classes: int,
    strength: float,
    exact: float,
    start: LogisticModel | None = None,
) -> LogisticModel:
    """The model of ``part``'s texts, whose classes are ``numbers`` of 0 to ``classes`` - 1. A class that none of them
    has is never told."""
    seen = np.unique(numbers)
    labels = (numbers[:, None] == seen).astype(float)
    begin = None if start is None else LogisticModel(start.weights[:, seen], start.intercepts[seen])
    small = fit(part.rows, labels, strength, exact / strength**0.5, begin)
    weights, intercepts = np.zeros((part.rows.shape[1], classes)), np.full(classes, -np.inf)
    weights[:, seen], intercepts[seen] = small.weights, small.intercepts
    return LogisticModel(weights, intercepts)
