"""How often the interval of right-or-wrong differences in groups holds the truth, by simulation.

Every draw of a row is reckoned at once: what ``evalkit.stats.grouped_tango`` does for one comparison, for arrays of
them, and held against it for the first of each row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import stdtrit

from evalkit.stats.grouped_tango import tango_in_groups
from evalkit.stats.samples import Clusters
from evalkit.stats.tango import quantile

Array = np.ndarray
SIZES = (20, 60, 130, 300, 1000)
FLIPS = (0.02, 0.05, 0.1, 0.2)
DIFFERENCES = (0.0, 0.05, 0.1)
TOGETHER = (0.0, 0.5, 1.0)
STRUCTURES = ("all 1", "one pair", "half in pairs", "fours", "unequal")


@dataclass(frozen=True)
class Row:
    """How often the interval was wholly below the truth, and wholly above; ``differ`` groups are expected to."""

    truth: float
    differ: float
    below: float
    above: float

    @property
    def held(self) -> float:
        return 1 - self.below - self.above


def sizes_of(structure: str, n: int) -> list[int]:
    """The sizes of the groups of ``n`` examples."""
    return {
        "all 1": [1] * n,
        "one pair": [2] + [1] * (n - 2),
        "half in pairs": [2] * (n // 4) + [1] * (n - 2 * (n // 4)),
        "fours": [4] * (n // 4) + [1] * (n % 4),
        "unequal": ([7, 3, 2, 2] + [1] * 6) * (n // 20) + [1] * (n % 20),
    }[structure]


@cache
def simulated(structure: str, n: int, repeats: int) -> tuple[Row, ...]:
    """A row for each share of flips, true difference and correlation inside groups: the chance that a group flips
    whole, else its examples flip each for itself."""
    sizes = sizes_of(structure, n)
    return tuple(
        _row(np.random.default_rng([n, STRUCTURES.index(structure), number]), sizes, repeats, *setting)
        for number, setting in enumerate(
            (flips, truth, together)
            for flips in FLIPS
            for truth in DIFFERENCES
            for together in (TOGETHER if max(sizes) > 1 else (0.0,))
        )
    )


def _row(rng: np.random.Generator, sizes: list[int], repeats: int, flips: float, truth: float, together: float) -> Row:
    gained, lost = flips / 2 + truth, flips / 2
    differences, sums = _drawn(rng, sizes, (gained, lost), together, repeats)
    low, high = _bounds((differences > 0).sum(axis=1), (differences < 0).sum(axis=1), sums, np.array(sizes, float))
    for one in range(3):
        counts = int((differences[one] > 0).sum()), int((differences[one] < 0).sum())
        alone = tango_in_groups(Clusters(sums[one].astype(float), np.array(sizes, float)), *counts)
        assert alone.low is not None
        assert alone.high is not None
        np.testing.assert_allclose(np.array([low[one], high[one]]), np.array([alone.low, alone.high]), atol=1e-6)
    some = 1 - (1 - gained - lost) ** np.array(sizes)
    differ = float((together * (gained + lost) + (1 - together) * some).sum())
    return Row(truth, differ, float((high < truth - 1e-9).mean()), float((low > truth + 1e-9).mean()))


def _drawn(
    rng: np.random.Generator, sizes: list[int], odds: tuple[float, float], together: float, repeats: int
) -> tuple[Array, Array]:
    def flips(count: int) -> Array:
        drawn = rng.random((repeats, count))
        return (drawn < odds[0]).astype(np.int8) - ((drawn >= odds[0]) & (drawn < sum(odds))).astype(np.int8)

    of = np.repeat(np.arange(len(sizes)), sizes)
    differences = flips(of.size)
    if together:
        whole, which = flips(len(sizes)), rng.random((repeats, len(sizes))) < together
        differences = np.where(which[:, of], whole[:, of], differences)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return differences, np.add.reduceat(differences, starts, axis=1, dtype=np.int64)


def _bounds(gained: Array, lost: Array, sums: Array, sizes: Array) -> tuple[Array, Array]:
    n, groups = sizes.sum(), sizes.size
    mean, whole = (gained - lost) / n, (sizes**2).sum() / n
    differ = (sums != 0).sum(axis=1)
    strangers = gained + lost - n * mean**2
    robust = ((sums - mean[:, None] * sizes) ** 2).sum(axis=1)
    some = np.maximum(differ, 1)
    seen = np.where(strangers > 1e-9, np.maximum(1, robust / np.maximum(strangers, 1e-9)), 1.0)
    raised = np.minimum(1 + (seen - 1) * (1 + 2 / some), np.maximum(seen, whole))
    effect = np.maximum(raised, seen + np.maximum(0, whole - seen) * np.minimum(1, (2 / some) ** 2))
    effect = np.where(differ == 0, n / groups, effect)
    z = np.where(differ == 0, quantile(0.95), -stdtrit(max(n / whole - 1, 1), 0.025))
    in_wholes = (sizes == sizes[0]).all() & np.isin(sums, (-sizes[0], 0, sizes[0])).all(axis=1)
    in_wholes &= np.abs(sums).sum(axis=1) == gained + lost
    effect, z = np.where(in_wholes, sizes[0], effect), np.where(in_wholes, quantile(0.95), z)
    won, gone, count = gained / effect, lost / effect, n / effect
    return _lowest(won, gone, count, z), -_lowest(gone, won, count, z)


def _lowest(gained: Array, lost: Array, n: Array, z: Array) -> Array:
    outside: Array = np.full(gained.shape, -1.0)
    inside: Array = (gained - lost) / n
    for _ in range(36):
        middle = (outside + inside) / 2
        linear = gained + lost + (gained - lost) * middle
        constant = (n - gained - lost) * middle**2 - (gained - lost) * middle
        share = (linear + np.sqrt(np.maximum(0, linear**2 + 4 * n * constant))) / (2 * n)
        rejected = (gained - lost - n * middle) ** 2 > z * z * n * (share - middle**2)
        outside, inside = np.where(rejected, middle, outside), np.where(rejected, inside, middle)
    return inside


def rows(repeats: int) -> Iterator[str]:
    """A Markdown table: for each number of examples and each structure the worst of all settings."""
    yield (
        f"| n | groups | no difference: lowest coverage, % ({repeats} samples each, a quarter at n = 1000) "
        "| largest tail | 5 or 10 points: lowest coverage | largest tail "
        "| highest coverage where ten groups or more differ |"
    )
    yield "|---:|---|" + "---:|" * 5
    for n in SIZES:
        for structure in STRUCTURES:
            found = simulated(structure, n, repeats if n < 1000 else repeats // 4)
            cells = []
            for part in ([row for row in found if row.truth == 0], [row for row in found if row.truth > 0]):
                cells += [min(row.held for row in part), max(max(row.below, row.above) for row in part)]
            many = [row.held for row in found if row.differ >= 10]
            last = f"{100 * max(many):.1f}" if many else "-"
            yield f"| {n} | {structure} | " + " | ".join(f"{100 * cell:.1f}" for cell in cells) + f" | {last} |"
