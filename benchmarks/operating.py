"""How often a win, a no-loss and a threshold answer SHIP, BLOCK or INCONCLUSIVE, by what is true.

Run it as ``python benchmarks/operating.py [REPEATS]``: it prints Markdown tables and, with ``--write``, puts them into
docs/verdicts.md. A share of the answers flips, half of these each way; a true difference comes on top. Right or wrong
without groups is exact: every number of gained and lost answers is weighed by its chance. Graded scores and groups are
drawn REPEATS times (a quarter of that for 1,000 examples), and decided by the gates themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evalkit.golden.looks import Look
from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence, no_loss, win
from evalkit.judging.reason import Status
from evalkit.stats.counting import binomial_tail
from evalkit.stats.intervals import ALPHA
from evalkit.stats.paired import Paired, paired
from evalkit.stats.tango import tango
from evalkit.stats.thresholds import chance_to_pass

Floats = NDArray[np.float64]

SIZES = (20, 60, 130, 300, 1000)
FLIPS = (0.05, 0.10, 0.20)
DIFFERENCES = (0.0, 0.05, 0.08, 0.10, 0.15, 0.20)
MARGIN = 0.10
LEVEL = Look(1, 4).alpha
"""The level of each of four planned candidates: three, and a base."""
REPEATS = 100
COLLAPSES = {20: 1000, 60: 1000, 130: 400, 300: 200}
"""How often a rare collapse is drawn, by the number of examples."""
_UNLIKELY = 1e-7

WIN = Hypothesis("win", None, ("base",), "score")
NO_LOSS = Hypothesis("no_loss", None, ("base",), "score", margin=MARGIN)


def decided(found: Paired) -> tuple[Status, Status]:
    """What the gates of a win and of a no-loss answer."""
    evidence = Evidence(found, found.p, found.p_worse, LEVEL)
    return win.decide(WIN, evidence).status, no_loss.decide(NO_LOSS, evidence).status


@cache
def of_counts(gained: int, lost: int, n: int) -> tuple[Status, Status]:
    """``decided``, for so many right-or-wrong answers gained and lost of ``n``, each example alone: as the gates do,
    and much faster."""
    better, worse = binomial_tail(gained, lost), binomial_tail(lost, gained)
    even = n - gained - lost
    usual, decisive = tango(0, gained, lost, even), tango(0, gained, lost, even, 1 - 2 * LEVEL)
    high = usual.high if usual.high is not None and worse <= ALPHA else max(usual.high or 0.0, 0.0)
    low = -1.0 if decisive.low is None else decisive.low
    wins = Status.SHIP if better <= LEVEL else Status.BLOCK if high < 0 else Status.INCONCLUSIVE
    if low > -MARGIN:
        return wins, Status.SHIP
    return wins, Status.BLOCK if high < -MARGIN or worse <= no_loss.LOSS else Status.INCONCLUSIVE


def exact(n: int, flips: float, difference: float) -> tuple[Floats, Floats]:
    """The chances of SHIP, BLOCK and INCONCLUSIVE, of a win and of a no-loss; right or wrong, no groups."""
    from scipy.special import gammaln, xlogy

    up, down = flips / 2 + max(difference, 0), flips / 2 + max(-difference, 0)
    gained, lost = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    even = n - gained - lost
    logs = np.where(
        even >= 0,
        gammaln(n + 1) - gammaln(gained + 1) - gammaln(lost + 1) - gammaln(np.maximum(even, 0) + 1)
        + xlogy(gained, up) + xlogy(lost, down) + xlogy(np.maximum(even, 0), 1 - up - down),
        -np.inf,
    )  # fmt: skip
    weights = np.exp(logs)
    wins, holds = np.zeros(3), np.zeros(3)
    for g, m in zip(*np.nonzero(weights > _UNLIKELY), strict=True):
        for chances, status in zip((wins, holds), of_counts(int(g), int(m), n), strict=True):
            chances[_PLACES[status]] += weights[g, m]
    return wins / wins.sum(), holds / holds.sum()


_PLACES = {Status.SHIP: 0, Status.BLOCK: 1, Status.INCONCLUSIVE: 2}


def labels(n: int, grouped: bool) -> list[str]:
    return [f"{number // 4 if grouped else number:04d}" for number in range(n)]


def shared(rng: np.random.Generator, n: int, grouped: bool) -> NDArray[np.int64]:
    """Which draw each example takes: its own, or, in half of the groups of four, that of the group."""
    own = np.arange(n)
    whole = rng.random(n // 4 + 1)[own // 4] < 0.5
    return np.where(whole & grouped, own // 4 * 4, own)


def right_or_wrong(rng: np.random.Generator, n: int, flips: float, difference: float, grouped: bool) -> Paired:
    up, down = flips / 2 + max(difference, 0), flips / 2 + max(-difference, 0)
    change = rng.choice([1, -1, 0], size=n, p=[up, down, 1 - up - down])[shared(rng, n, grouped)]
    before = np.where(change == 0, 1, change < 0).astype(float)
    return paired((before + change).tolist(), before.tolist(), labels(n, grouped), alpha=LEVEL)


def graded(rng: np.random.Generator, n: int, flips: float, difference: float, grouped: bool) -> Paired:
    """A share ``flips`` changes by up to 0.6 either way; twice the difference changes by 0 to 1 one way."""
    kind = rng.random(n)
    drift = np.sign(difference) * rng.random(n)
    noise = rng.uniform(-0.6, 0.6, size=n)
    change = np.where(kind < flips, noise, np.where(kind < flips + 2 * abs(difference), drift, 0.0))
    change = np.round(change[shared(rng, n, grouped)], 4)
    before = np.where(change < 0, -change, 0.0) + 0.5 * (1 - np.abs(change))
    return paired((before + change).tolist(), before.tolist(), labels(n, grouped), alpha=LEVEL)


def rare_collapse(rng: np.random.Generator, n: int) -> Paired:
    """A gain of 0.05 on 95 % of the examples and a loss of 0.95 on 5 %, with some noise: the true difference is 0."""
    change = np.where(rng.random(n) < 0.05, -0.95, 0.05) + rng.normal(0, 0.03, n).clip(-0.05, 0.05)
    before = np.where(change < 0, -np.round(change, 4), 0.0)
    return paired((before + np.round(change, 4)).clip(0, 1).tolist(), before.tolist(), labels(n, False), alpha=LEVEL)


def false_wins(n: int, repeats: int) -> int:
    """How often a model that collapses rarely, and is no better, ships as a win."""
    draws = (rare_collapse(np.random.default_rng([n, number]), n) for number in range(repeats))
    return sum(decided(found)[0] is Status.SHIP for found in draws)


Draw = Callable[[np.random.Generator, int, float, float, bool], Paired]


def sampled(draw: Draw, grouped: bool, n: int, flips: float, difference: float, repeats: int) -> Floats:
    """The shares of SHIP, BLOCK and INCONCLUSIVE, of a win where the difference is 0 or more, else of a no-loss; row 0
    and 1 are those of a win and a no-loss."""
    shares = np.zeros((2, 3))
    repeats = repeats if n < 1000 else repeats // 4
    for number in range(repeats):
        rng = np.random.default_rng([n, int(1000 * flips), int(1000 * abs(difference)), number])
        for row, status in enumerate(decided(draw(rng, n, flips, difference, grouped))):
            shares[row, _PLACES[status]] += 1 / repeats
    return shares


def cell(chances: Floats) -> str:
    """
    >>> cell(np.array([0.834, 0.0, 0.166]))
    '83 / 0 / 17'
    """
    return " / ".join(f"{100 * chance:.0f}" if chance >= 0.005 or not chance else "<1" for chance in chances)


def head(sign: str) -> Iterator[str]:
    yield "| n | flips | " + " | ".join(f"{sign if d else ''}{100 * d:.0f}" for d in DIFFERENCES) + " |"
    yield "|---:|---:|" + "---:|" * len(DIFFERENCES)


def table(row: int, chances: Callable[[int, float, float], Floats]) -> Iterator[str]:
    """Of a win (``row`` 0) by true gains, of a no-loss (1) by true losses."""
    sign = -1 if row else 1
    yield from head("-" if row else "+")
    for n in SIZES:
        for flips in FLIPS:
            cells = [cell(chances(n, flips, sign * d)) for d in DIFFERENCES]
            yield f"| {n} | {100 * flips:.0f} % | " + " | ".join(cells) + " |"


def tables(repeats: int) -> dict[str, list[str]]:
    """Every table by its name in the docs."""
    found: dict[str, list[str]] = {}
    for row, kind in enumerate(("win", "no_loss")):

        def counted(n: int, flips: float, difference: float, row: int = row) -> Floats:
            return exact(n, flips, difference)[row]

        found[f"{kind} exact"] = list(table(row, counted))
        for name, draw, grouped in (
            ("right or wrong in groups", right_or_wrong, True),
            ("graded", graded, False),
            ("graded in groups", graded, True),
        ):

            def chances(
                n: int, f: float, d: float, row: int = row, draw: Draw = draw, grouped: bool = grouped
            ) -> Floats:
                shares: Floats = sampled(draw, grouped, n, f, d, repeats)[row]
                return shares

            found[f"{kind} {name}"] = list(table(row, chances))
            print(f"{kind} {name}", flush=True)
    found["threshold"] = list(thresholds())
    return found


def thresholds() -> Iterator[str]:
    """How often a model passes a threshold, by how far its true rate is from it; right or wrong, exact."""
    offsets = (-0.15, -0.10, -0.05, 0.0, 0.05, 0.10)
    yield "| n | threshold | " + " | ".join(f"{100 * offset:+.0f}" for offset in offsets) + " |"
    yield "|---:|---:|" + "---:|" * len(offsets)
    for n in SIZES:
        for bound in (0.5, 0.8):
            cells = [f"{100 * chance_to_pass(n, bound, bound + offset):.0f}" for offset in offsets]
            yield f"| {n} | {100 * bound:.0f} % | " + " | ".join(cells) + " |"


def main(arguments: list[str]) -> None:
    numbers = [int(argument) for argument in arguments if argument.isdigit()]
    found = tables(numbers[0] if numbers else REPEATS)
    for name, lines in found.items():
        print(f"\n{name}", *lines, sep="\n")
    for n, tries in COLLAPSES.items():
        print(f"\na rare collapse, n = {n}: {false_wins(n, tries)} false wins of {tries}")
    if "--write" in arguments:
        from tables import write  # beside this file, which a test reads by its path

        write("verdicts.md", {f"operating {name}": lines for name, lines in found.items()})


if __name__ == "__main__":
    main(sys.argv[1:])
