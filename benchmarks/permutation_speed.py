"""How long the sign-flip test takes on 1,000 examples x 10 scores x 10,000 draws, on one core.

Run it as ``python benchmarks/permutation_speed.py [REPEATS]``; the figure to quote is the fastest.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import sys
import time

import numpy as np

from evalkit.stats.permutation import sign_flip

EXAMPLES, SCORES, DRAWS = 1_000, 10, 10_000


def seconds() -> float:
    rng = np.random.default_rng(0)
    differences = rng.integers(-1, 2, size=(SCORES, EXAMPLES)).astype(float)
    groups = [f"{number:04d}" for number in range(EXAMPLES)]
    began = time.perf_counter()
    for row in differences:
        sign_flip(row, groups, draws=DRAWS)
    return time.perf_counter() - began


def main(repeats: int) -> None:
    taken = sorted(seconds() for _ in range(repeats))
    print(f"{EXAMPLES} examples x {SCORES} scores x {DRAWS} draws: {taken[0]:.2f} s (fastest of {repeats}), one core")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
