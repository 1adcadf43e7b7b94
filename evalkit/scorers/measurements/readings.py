"""What a measurement is made from: values got and expected, answer by answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.stats.clustered import within_examples
from evalkit.stats.samples import Array, pairs


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What was got and what was expected, answer by answer, both of shape (answers,); and of which example each is."""

    got: Array
    expected: Array
    examples: tuple[str, ...]

    @classmethod
    def of(cls, got: ArrayLike, expected: ArrayLike, examples: Sequence[str] | None = None) -> Readings:
        """Without ``examples`` every answer is an example. Raises ValueError for what is not finite or of one length.

        >>> Readings.of([0.5, 1], [1, 1]).examples
        ('0', '1')
        """
        x, y = pairs(got, expected, ("got", "expected"))
        return cls(x, y, tuple(examples) if examples is not None else tuple(str(number) for number in range(x.size)))

    def where(self, chosen: NDArray[np.bool_]) -> Readings:
        names = (name for name, kept in zip(self.examples, chosen, strict=True) if kept)
        return Readings(self.got[chosen], self.expected[chosen], tuple(names))

    @property
    def means(self) -> tuple[Array, Array]:
        """Got and expected, each example once: the mean of its samples. In the order of ``sorted(set(examples))``."""
        return within_examples(self.got, self.examples), within_examples(self.expected, self.examples)
