"""Texts as vectors: how often each term stands in each, weighed by how rare the term is (TF-IDF).

K. Spärck Jones, "A statistical interpretation of term specificity and its application in retrieval", Journal of
Documentation 28, 1972. The formulas are those of scikit-learn's TfidfVectorizer with ``sublinear_tf``: a term that
stands c times in a text, and in d of n texts, weighs (1 + ln c) (1 + ln((1 + n) / (1 + d))), and each text is scaled
to length 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = Any
"""A scipy.sparse.csr_array of shape (texts, terms). SciPy has no types."""


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The terms that are known, each with its column; and how much each weighs, of shape (terms,)."""

    columns: dict[str, int]
    weights: Array

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> Vocabulary:
        """Of the terms of these texts. What stands in one alone, or in all, tells nothing of another: it is left out.

        >>> list(Vocabulary.of([["the", "cat"], ["the", "cat", "sat"], ["the", "dog"]]).columns)
        ['cat']
        """
        count = Counter(term for document in documents for term in set(document))
        # Sorted, so that neither the order of the texts nor that of a set matters to a sum.
        kept = sorted(term for term, number in count.items() if 2 <= number < len(documents))
        weights = [1 + log((1 + len(documents)) / (1 + count[term])) for term in kept]
        return cls({term: column for column, term in enumerate(kept)}, np.array(weights))

    def rows(self, documents: Sequence[Sequence[str]]) -> Rows:
        """The vectors of texts, of which terms that are not known are left out."""
        from scipy.sparse import csr_array

        columns: list[int] = []
        values: list[float] = []
        ends = [0]
        for document in documents:
            counts = Counter(column for term in document if (column := self.columns.get(term)) is not None)
            weighed = [(1 + log(count)) * self.weights[column] for column, count in sorted(counts.items())]
            length = float(np.linalg.norm(weighed)) if weighed else 1.0
            columns += sorted(counts)
            values += [value / length for value in weighed]
            ends.append(len(columns))
        return csr_array(
            (np.array(values), np.array(columns, dtype=np.int32), np.array(ends, dtype=np.int32)),
            shape=(len(documents), len(self.columns)),
        )
