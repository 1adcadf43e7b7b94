"""How often a lineage and a baseline name a loss: where there is none, and where there is one. By simulation.

Run it as ``python benchmarks/lineage_power.py [REPEATS]``: it prints Markdown tables and, with ``--write``, puts them
into docs/verdicts.md. A lineage has 9 steps and 8 scores, all right or wrong: the primary score and ``strict`` gate
each step, and the other six are watched. A share of the answers flips in each step and score, half of these each way,
and a true loss comes on top of that, in one score of one step. A baseline has 8 scores and a margin of 5 points.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tables import write

from evalkit.judging.gates.no_loss import LOSS
from evalkit.judging.step_losses import WATCHED_ALPHA
from evalkit.stats.intervals import ALPHA
from evalkit.stats.tango import tango

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

STEPS, GATES, WATCHED = 9, 2, 6
SCORES = 8
MARGIN = 0.05
FLIPS = (0.02, 0.05, 0.10, 0.20)
LOSSES = (0.05, 0.10, 0.15)
SIZES = (130, 300)
REPEATS = 4_000


def counts(
    rng: np.random.Generator, n: int, flips: float, shape: tuple[int, ...], loss: float
) -> tuple[Counts, Counts]:
    """How many of ``n`` examples each comparison loses and gains; the first of the last axis loses ``loss`` more."""
    share = np.full(shape[-1], flips / 2)
    share[0] += loss
    lost = rng.binomial(n, share, shape)
    return lost, rng.binomial(n - lost, flips / 2 / (1 - share), shape)


def p_of_loss(lost: Counts, gained: Counts) -> Floats:
    """One-sided: the chance of so many losses, or more, of so many flips."""
    from scipy.special import bdtrc

    flipped = lost + gained
    tail = bdtrc(np.maximum(lost - 1, 0), np.maximum(flipped, 1), 0.5)
    return np.where(lost > 0, tail, 1.0)


def holm(p: Floats) -> Floats:
    """Holm's p of each of the last axis."""
    order = np.argsort(p, axis=-1)
    factors = np.arange(p.shape[-1], 0, -1)
    rising = np.maximum.accumulate(np.take_along_axis(p, order, -1) * factors, axis=-1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(rising, 1), -1)
    return adjusted


@cache
def lowest(lost: int, gained: int, n: int) -> float:
    """The lower bound that decides whether no loss is shown."""
    low = tango(0, gained, lost, n - gained - lost).low
    return -1.0 if low is None else low


def shown(lost: Counts, gained: Counts, n: int) -> NDArray[np.bool_]:
    """Whether no loss beyond the margin is shown."""
    pairs, back = np.unique(np.stack([lost.ravel(), gained.ravel()]), axis=1, return_inverse=True)
    lows = np.array([lowest(int(a), int(b), n) for a, b in pairs.T])
    return np.asarray((lows[back] > -MARGIN).reshape(lost.shape))


def red(lost: Counts, gained: Counts, n: int) -> NDArray[np.bool_]:
    """Which gates are red: a loss is shown by Holm's p, and it is not shown to lie within the margin."""
    return np.asarray((holm(p_of_loss(lost, gained)) <= LOSS) & ~shown(lost, gained, n))


def percent(values: ArrayLike) -> str:
    return f"{100 * float(np.asarray(values, dtype=float).mean()):.1f}"


def noise_alone(repeats: int) -> Iterator[str]:
    """Where no step loses anything."""
    yield "| n | flips | a gate is red | a watched score is lost | either | any may have been lost |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for n in SIZES:
        for flips in FLIPS:
            rng = np.random.default_rng(1)
            gates = np.any(red(*counts(rng, n, flips, (repeats, STEPS * GATES), 0), n), axis=-1)
            p = p_of_loss(*counts(rng, n, flips, (repeats, STEPS * WATCHED), 0))
            lost = (holm(p) <= WATCHED_ALPHA).any(-1)
            may = ((p <= ALPHA) & (holm(p) > WATCHED_ALPHA)).any(-1)
            cells = [percent(gates), percent(lost), percent(gates | lost), percent(may)]
            yield f"| {n} | {100 * flips:.0f} % | " + " | ".join(cells) + " |"


def true_losses(repeats: int) -> Iterator[str]:
    """Where one score of one step truly loses."""
    yield "| n | flips | true loss | a gate: red | a watched score: lost | lost or may have been |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for n in SIZES:
        for flips in FLIPS:
            for loss in LOSSES:
                rng = np.random.default_rng(2)
                gates = red(*counts(rng, n, flips, (repeats, STEPS * GATES), loss), n)[:, 0]
                p = p_of_loss(*counts(rng, n, flips, (repeats, STEPS * WATCHED), loss))
                lost, may = (holm(p) <= WATCHED_ALPHA)[:, 0], (p <= ALPHA)[:, 0]
                cells = [percent(gates), percent(lost), percent(lost | may)]
                yield f"| {n} | {100 * flips:.0f} % | {100 * loss:.0f} | " + " | ".join(cells) + " |"


def baselines(repeats: int) -> Iterator[str]:
    """A whole baseline: SHIP where no loss is shown for each score, BLOCK where one is red, INCONCLUSIVE else."""
    yield "| n | flips | true loss of one score | SHIP | INCONCLUSIVE | BLOCK |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for n in SIZES:
        for flips in FLIPS:
            for loss in (0.0, *LOSSES):
                rng = np.random.default_rng(3)
                lost, gained = counts(rng, n, flips, (repeats, SCORES), loss)
                blocks = red(lost, gained, n).any(-1)
                ships = shown(lost, gained, n).all(-1)
                cells = [percent(ships), percent(~ships & ~blocks), percent(blocks)]
                yield f"| {n} | {100 * flips:.0f} % | {100 * loss:.0f} | " + " | ".join(cells) + " |"


TABLES = {"lineage noise": noise_alone, "lineage power": true_losses, "baseline": baselines}


def main(arguments: list[str]) -> None:
    """Prints the tables; with ``--write`` they go into docs/verdicts.md too, each between its marks."""
    numbers = [int(argument) for argument in arguments if argument.isdigit()]
    found = {name: list(table(*(numbers or [REPEATS]))) for name, table in TABLES.items()}
    for name, lines in found.items():
        print(name, *lines, "", sep="\n")
    if "--write" in arguments:
        write("verdicts.md", found)


if __name__ == "__main__":
    main(sys.argv[1:])
