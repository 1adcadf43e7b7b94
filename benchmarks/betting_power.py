"""What betting costs and saves, by simulation: power and false wins of graded scores, and of stopping early."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import bdtr

from evalkit.stats.betting import anytime_p
from evalkit.stats.effects import paired_t_p
from evalkit.stats.fixed_betting import Bets, one_sided_p
from evalkit.stats.permutation import sign_flip
from evalkit.stats.samples import Clusters

Rng = np.random.Generator
SIZES = (20, 60, 130, 300)
ALPHA = 0.0125


def _spread(mean: float, deviation: float) -> Callable[[Rng, int], np.ndarray]:
    return lambda rng, n: rng.normal(mean, deviation, n).clip(-1, 1)


def _collapse(rng: Rng, n: int) -> np.ndarray:
    noise: np.ndarray = rng.normal(0, 0.03, n).clip(-0.05, 0.05)
    found: np.ndarray = np.where(rng.random(n) < 0.05, -0.95, 0.05) + noise
    return found


GRADED: dict[str, Callable[[Rng, int], np.ndarray]] = {
    "no difference: 0.05 better on 95 %, 0.95 worse on 5 %": _collapse,
    "no difference, spread 0.2": _spread(0.0, 0.2),
    "+5 points, spread 0.2": _spread(0.05, 0.2),
    "+8 points, spread 0.3": _spread(0.08, 0.3),
    "+10 points, spread 0.3": _spread(0.1, 0.3),
    "+15 points, spread 0.4": _spread(0.15, 0.4),
    "+20 points, spread 0.4": _spread(0.2, 0.4),
}


def _shown(differences: np.ndarray) -> tuple[bool, bool, bool]:
    bet = one_sided_p(Bets.on(Clusters(differences, np.ones(differences.size))), alpha=ALPHA) <= ALPHA
    signs = sign_flip(differences, [str(number) for number in range(differences.size)], draws=2000)
    t = paired_t_p(differences)
    by_t = t is not None and differences.mean() > 0 and t / 2 <= ALPHA
    return bet, signs is not None and signs <= ALPHA, by_t


def graded_rows(repeats: int) -> Iterator[str]:
    """Shown by betting, by the sign flip and by t."""
    yield (
        f"| shown at {ALPHA}, % by betting / sign flip / t ({repeats} samples each) | "
        + " | ".join(f"n = {n}" for n in SIZES)
        + " |"
    )
    yield "|---|" + "---:|" * len(SIZES)
    for name, draw in GRADED.items():
        cells = []
        for n in SIZES:
            rng = np.random.default_rng(n)
            cells.append(100 * np.mean([_shown(draw(rng, n)) for _ in range(repeats)], axis=0))
        yield f"| {name} | " + " | ".join(" / ".join(f"{one:.0f}" for one in cell) for cell in cells) + " |"


def in_turn_rows(repeats: int) -> Iterator[str]:
    """Right or wrong, asked until it is clear, beside one look at the end."""
    yield f"| shown at 0.025, % by one look / in turn ({repeats} samples each) | n = 60 | n = 130 | n = 300 |"
    yield "|---|---:|---:|---:|"
    for gained, lost in ((0.1, 0.1), (0.2, 0.1), (0.28, 0.12), (0.22, 0.03), (0.3, 0.1)):
        cells = []
        for n in (60, 130, 300):
            rng = np.random.default_rng(n)
            drawn = rng.choice([1.0, -1.0, 0.0], p=[gained, lost, 1 - gained - lost], size=(repeats, n))
            won, gone = (drawn > 0).sum(axis=1), (drawn < 0).sum(axis=1)
            turns = [(anytime_p(one) or 1.0) <= 0.025 for one in drawn]
            cells.append(f"{100 * np.mean(bdtr(gone, won + gone, 0.5) <= 0.025):.0f} / {100 * np.mean(turns):.0f}")
        yield f"| {100 * gained:.0f} % gained, {100 * lost:.0f} % lost | " + " | ".join(cells) + " |"
