"""What the statistics are computed from: finite numbers, and examples gathered by their group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

NOISE = 1e-12
"""Two figures that differ by less than this share of their size differ by float noise only."""

DIGITS = 12
"""Scores that differ less than this many decimals tell are equal: repeated samples are averaged in floats."""


def finite(values: ArrayLike, name: str = "values") -> Array:
    """``values`` as a vector of float64, shape (n,).

    Raises ValueError where one is missing, not a number or not finite: a missing value must be left out by
    the caller, who knows why it is missing, and never becomes 0 here.

    >>> finite([0, 1, True])
    array([0., 1., 1.])
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.size and array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be numbers, got {array.dtype} (a missing value must be left out)")
    array = array.astype(np.float64)
    usable = np.isfinite(array)
    if not usable.all():
        first = int(np.argmin(usable))
        raise ValueError(f"{name} must be finite, got {array[first]} at position {first}")
    return array


def pairs(x: ArrayLike, y: ArrayLike, names: tuple[str, str]) -> tuple[Array, Array]:
    """Two vectors of one length, element i of both about one example. Raises ValueError where they are not."""
    first, second = finite(x, names[0]), finite(y, names[1])
    if first.size != second.size:
        raise ValueError(f"{names[0]} and {names[1]} must be of one length, got {first.size} and {second.size}")
    return first, second


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Examples gathered by group, in the sorted order of the labels: row i is about group i.

    ``sums`` are the sums of a group's values, ``sizes`` the numbers of its examples, both of shape (groups,).
    """

    sums: Array
    sizes: Array

    @property
    def examples(self) -> int:
        return int(self.sizes.sum())

    @property
    def mean(self) -> float:
        """The mean over all examples. Needs at least one."""
        return fsum(self.sums) / self.examples

    @property
    def deviation(self) -> float:
        """The standard deviation of one group's share in the mean: its standard error times the root of the groups.

        In this form a group of one has its plain residual. Needs at least two groups.
        """
        count = self.sums.size
        size = self.examples / count
        residuals = (self.sums - self.mean * self.sizes) / size
        return sqrt(fsum(residuals**2) / (count - 1))

    @property
    def all_equal(self) -> bool:
        """Whether all groups have the same mean, float noise aside. Needs at least one group."""
        means = self.sums / self.sizes
        return bool(np.ptp(means) <= NOISE * np.abs(means).max())


def gather(values: ArrayLike, groups: Sequence[str]) -> Clusters:
    """Sums and sizes by group label; the order in which the examples come makes no difference, to the last bit.

    Raises ValueError where a label is missing or empty: an example without a group is a group of its own, and
    its id is the label to give.

    >>> gather([1.0, 2.0, 4.0], ["b", "a", "b"])
    Clusters(sums=array([2., 5.]), sizes=array([1., 2.]))
    """
    array = finite(values)
    if array.size != len(groups):
        raise ValueError(f"values and groups must be of one length, got {array.size} and {len(groups)}")
    members: dict[str, list[float]] = {}
    for value, label in zip(array.tolist(), groups, strict=True):
        if not isinstance(label, str) or not label:
            raise ValueError(f"a group must be a label that is not empty, got {label!r}; give the example's id instead")
        members.setdefault(label, []).append(value)
    inside = [members[label] for label in sorted(members)]
    # fsum rounds once, so the sum does not depend on the order inside the group.
    return Clusters(np.array([fsum(v) for v in inside], dtype=float), np.array([len(v) for v in inside], dtype=float))


def paired_scores(candidate: Sequence[float], against: Sequence[float]) -> tuple[Array, Array]:
    """Two models' scores of the same examples, both of shape (examples,).

    Raises ValueError where a score is not in [0, 1], and where the lengths differ.
    """
    ours, theirs = pairs(candidate, against, ("candidate", "against"))
    for name, scores in (("candidate", ours), ("against", theirs)):
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise ValueError(f"{name} must be scores from 0 to 1, got {scores.min():g} to {scores.max():g}")
    return ours, theirs


def right_or_wrong(ours: Array, theirs: Array) -> bool:
    """Whether all scores of two models are 0 or 1."""
    return bool(np.isin(ours, (0.0, 1.0)).all() and np.isin(theirs, (0.0, 1.0)).all())
