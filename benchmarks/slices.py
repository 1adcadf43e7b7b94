"""How often the interval of a slice's difference to the rest holds the true one: the table of docs/verdicts.md.

Run it as ``python benchmarks/slices.py [TRIALS]``. Each line has the share of trials (300, without a number) whose
interval holds the true difference, and those in which it lies wholly above and wholly below.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.unpaired import gaps

Array = NDArray[np.float64]

KINDS = ("right or wrong", "graded", "rare collapse")
SIZES = {"no groups": [1] * 130, "groups of one to three": [1] * 60 + [2] * 20 + [3] * 10, "groups of three": [3] * 40}
RATES = ((0.5, 0.5), (0.3, 0.6), (0.9, 0.9))
TAGGED = 0.2
ALIKE = 0.6
"""The share of right-or-wrong examples that go by the one draw of their group."""


def drawn(kind: str, chance: Array, group: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """A score for each example, of mean ``chance``."""
    if kind == "right or wrong":
        common = rng.random(group.max() + 1)[group]
        return (np.where(rng.random(group.size) < ALIKE, common, rng.random(group.size)) < chance).astype(float)
    if kind == "graded":
        return rng.beta(3 * chance, 3 * (1 - chance))
    usual = np.clip(chance / 0.95 + rng.normal(0, 0.02, group.size), 0, 1)
    return np.where(rng.random(group.size) < 0.05, 0.0, usual)


def coverage(kind: str, sizes: list[int], mixed: bool, rates: tuple[float, float], trials: int) -> tuple[float, ...]:
    """Shares of trials: the interval holds the true difference, lies above it, lies below it."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(len(sizes)), sizes)
    labels, true = [f"g{number:04}" for number in group], rates[0] - rates[1]
    counts, made = np.zeros(3), 0
    while made < trials:
        inside = (rng.random(group.size) < TAGGED) if mixed else (rng.random(len(sizes)) < TAGGED)[group]
        if not 8 <= inside.sum() <= group.size - 8:
            continue
        scores = drawn(kind, np.where(inside, *rates), group, rng)
        [apart] = gaps(scores[:, None], inside, labels)
        assert apart.low is not None
        assert apart.high is not None
        above, below = apart.low > true + 1e-9, apart.high < true - 1e-9
        counts += (not above and not below, above, below)
        made += 1
    return tuple(counts / trials)


def main(trials: int) -> None:
    """Prints a line for each kind of score, of groups and of tagging."""
    for kind, (name, sizes), mixed in product(KINDS, SIZES.items(), (False, True)):
        if mixed and name == "no groups":
            continue
        cells = [coverage(kind, sizes, mixed, rates, trials) for rates in RATES]
        told = "; ".join(" ".join(f"{share:.3f}" for share in cell) for cell in cells)
        print(f"{kind:<15} {name:<23} {'mixed in a group' if mixed else 'whole groups':<17} {told}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
