"""How often the intervals hold the truth and how often the tests cry wolf, by simulation.

Run it as ``python benchmarks/coverage.py [REPEATS]``: it prints a Markdown table and, with ``--write``, puts it into
docs/statistics.md. An interval at 95 % should hold the truth in 95 of 100 samples; a test at the one-sided level
0.025 should reject a true null in at most 2.5. With R repeats a figure near 95 % is known to about 2 sqrt(0.05 / R).
``--only=NAME`` runs one of the tables: coverage, groups, graded or turns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import exp, sqrt

import betting_power
import grouped_coverage
import numpy as np
from tables import write

from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.calibration import bias_factor, mean_absolute_error
from evalkit.stats.clustered import clustered_mean
from evalkit.stats.effects import mcnemar_p, paired_t_p
from evalkit.stats.intervals import Estimate, clopper_pearson, mean_t, wilson
from evalkit.stats.permutation import sign_flip
from evalkit.stats.tango import tango
from evalkit.stats.wilcoxon import wilcoxon

SIZES = (20, 60, 120, 400)
DRAWS = 2_000
"""Draws of one bootstrap or permutation test: fewer than evalkit's 10,000, so that the whole ends in minutes."""

Rng = np.random.Generator
Holds = Callable[[Rng, int], bool | None]


def _inside(estimate: Estimate, truth: float) -> bool | None:
    """None where the method gives no interval: that is counted apart."""
    if estimate.low is None or estimate.high is None:
        return None
    return estimate.low - 1e-9 <= truth <= estimate.high + 1e-9


def _labels(n: int, size: int = 1) -> list[str]:
    return [f"{number // size:04d}" for number in range(n)]


def _rate(method: Callable[[int, int], Estimate], rate: float) -> Holds:
    return lambda rng, n: _inside(method(int(rng.binomial(n, rate)), n), rate)


def _pairs(rng: Rng, n: int, gained: float, lost: float) -> np.ndarray:
    """Paired differences of two right-or-wrong models."""
    return rng.choice([1.0, -1.0, 0.0], size=n, p=[gained, lost, 1 - gained - lost])


def _tango(gained: float, lost: float) -> Holds:
    def holds(rng: Rng, n: int) -> bool | None:
        found = _pairs(rng, n, gained, lost)
        won, gone = int((found > 0).sum()), int((found < 0).sum())
        return _inside(tango(0, won, gone, n - won - gone), gained - lost)

    return holds


def _bootstrap(gained: float, lost: float) -> Holds:
    def holds(rng: Rng, n: int) -> bool | None:
        found = _pairs(rng, n, gained, lost)
        return _inside(cluster_bootstrap(found, _labels(n), draws=DRAWS, bounds=(-1, 1)), gained - lost)

    return holds


def _grouped(rng: Rng, n: int) -> np.ndarray:
    """Right-or-wrong scores in groups of four that share a rate of their own (Beta(2, 2), so 0.5 on average)."""
    return (rng.random(n) < np.repeat(rng.beta(2, 2, size=n // 4), 4)).astype(float)


def _grouped_bootstrap(rng: Rng, n: int) -> bool | None:
    return _inside(cluster_bootstrap(_grouped(rng, n), _labels(n, 4), draws=DRAWS, bounds=(0, 1)), 0.5)


def _grouped_robust(rng: Rng, n: int) -> bool | None:
    return _inside(clustered_mean(_grouped(rng, n), _labels(n, 4)).mean, 0.5)


def _grouped_naive(rng: Rng, n: int) -> bool | None:
    return _inside(wilson(int(_grouped(rng, n).sum()), n), 0.5)


def _beta_mean(rng: Rng, n: int) -> bool | None:
    return _inside(cluster_bootstrap(rng.beta(0.5, 1.5, size=n), _labels(n), draws=DRAWS, bounds=(0, 1)), 0.25)


def _t_mean(rng: Rng, n: int) -> bool | None:
    return _inside(mean_t(rng.beta(0.5, 1.5, size=n)), 0.25)


def _bias(rng: Rng, n: int) -> bool | None:
    return _inside(bias_factor(rng.lognormal(0.7, 0.8, size=n), np.ones(n)), exp(0.7))


def _absolute(rng: Rng, n: int) -> bool | None:
    return _inside(mean_absolute_error(rng.normal(size=n), np.zeros(n)), sqrt(2 / np.pi))


COVERAGE: dict[str, Holds] = {
    "Wilson, rate 0.5": _rate(wilson, 0.5),
    "Wilson, rate 0.95": _rate(wilson, 0.95),
    "Clopper-Pearson, rate 0.5": _rate(clopper_pearson, 0.5),
    "Clopper-Pearson, rate 0.95": _rate(clopper_pearson, 0.95),
    "Tango, 10 % gained, 10 % lost": _tango(0.1, 0.1),
    "Tango, 25 % gained, 5 % lost": _tango(0.25, 0.05),
    "Tango, 2 % gained, 2 % lost": _tango(0.02, 0.02),
    "BCa, paired, 10 % gained, 10 % lost": _bootstrap(0.1, 0.1),
    "BCa, paired, 25 % gained, 5 % lost": _bootstrap(0.25, 0.05),
    "BCa, mean of skewed scores": _beta_mean,
    "Student's t, mean of skewed scores": _t_mean,
    "cluster bootstrap, groups of 4": _grouped_bootstrap,
    "cluster-robust, groups of 4": _grouped_robust,
    "Wilson, groups of 4 ignored (wrong)": _grouped_naive,
    "bias factor": _bias,
    "mean absolute error": _absolute,
}


def _rejects(p: float | None) -> bool:
    return p is not None and p <= 0.025


def _null(rng: Rng, n: int) -> np.ndarray:
    return _pairs(rng, n, 0.15, 0.15)


def _null_groups(rng: Rng, n: int) -> np.ndarray:
    """Groups of four that are gained or lost together."""
    return np.repeat(_pairs(rng, n // 4, 0.25, 0.25), 4)


def _mcnemar(found: np.ndarray) -> bool:
    gained, lost = int((found > 0).sum()), int((found < 0).sum())
    return gained > lost and mcnemar_p(gained, lost) / 2 <= 0.025


def _paired_t(differences: np.ndarray) -> bool:
    p = paired_t_p(differences)
    return p is not None and differences.mean() > 0 and p / 2 <= 0.025


SIZE: dict[str, Callable[[Rng, int], bool]] = {
    "sign flip": lambda rng, n: _rejects(sign_flip(_null(rng, n), _labels(n), draws=DRAWS)),
    "sign flip, groups of 4": lambda rng, n: _rejects(sign_flip(_null_groups(rng, n), _labels(n, 4), draws=DRAWS)),
    "sign flip, groups of 4 ignored (wrong)": lambda rng, n: _rejects(
        sign_flip(_null_groups(rng, n), _labels(n), draws=DRAWS)
    ),
    "exact McNemar, half of its two-sided p": lambda rng, n: _mcnemar(_null(rng, n)),
    "Wilcoxon, scores of many values": lambda rng, n: _rejects(wilcoxon(rng.normal(size=n)).p_better),
    "paired t, scores of many values": lambda rng, n: _paired_t(rng.normal(size=n)),
}


def rows(repeats: int) -> Iterator[str]:
    yield f"| held the truth, % (nominal 95; {repeats} samples each) | " + " | ".join(f"n = {n}" for n in SIZES) + " |"
    yield "|---|" + "---:|" * len(SIZES)
    for name, holds in COVERAGE.items():
        yield (
            f"| {name} | " + " | ".join(_cell([holds(rng, n) for rng, n in _samples(repeats, n)]) for n in SIZES) + " |"
        )
    yield ""
    yield (
        f"| rejected a true null, % (nominal 2.5; {repeats} samples each) | "
        + " | ".join(f"n = {n}" for n in SIZES)
        + " |"
    )
    yield "|---|" + "---:|" * len(SIZES)
    for name, rejects in SIZE.items():
        cells = (np.mean([rejects(rng, n) for rng, n in _samples(repeats, n)]) for n in SIZES)
        yield f"| {name} | " + " | ".join(f"{100 * cell:.1f}" for cell in cells) + " |"


def _samples(repeats: int, n: int) -> Iterator[tuple[Rng, int]]:
    return ((np.random.default_rng([n, number]), n) for number in range(repeats))


def _cell(held: list[bool | None]) -> str:
    known = [one for one in held if one is not None]
    without = len(held) - len(known)
    told = f" ({100 * without / len(held):.1f} without)" if without else ""
    return f"{100 * sum(known) / len(known):.1f}{told}" if known else "-"


TABLES: dict[str, Callable[[int], Iterator[str]]] = {
    "coverage": rows,
    "groups": lambda repeats: grouped_coverage.rows(2 * repeats),
    "graded": lambda repeats: betting_power.graded_rows(max(1, repeats // 10)),
    "turns": lambda repeats: betting_power.in_turn_rows(max(1, repeats // 4)),
}


def main(arguments: list[str]) -> None:
    numbers = [int(one) for one in arguments if one.isdigit()]
    only = [one.removeprefix("--only=") for one in arguments if one.startswith("--only=")]
    for name in only or TABLES:
        table = []
        for row in TABLES[name](numbers[0] if numbers else 2_000):
            print(row, flush=True)
            table.append(row)
        print()
        if "--write" in arguments:
            write("statistics.md", {name: table})


if __name__ == "__main__":
    main(sys.argv[1:])
