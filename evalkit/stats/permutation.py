"""Whether a mean paired difference is above 0, by turning the signs of the differences around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.stats.samples import NOISE, Array, gather

_TIE = 1e-10
"""Sums nearer than this share of all the absolute differences are equal: float noise must not decide a tie."""

_ROWS = 1 << 12
"""Sign patterns looked at at once: bounds the memory, and makes no difference to the figures."""


def sign_flip(differences: ArrayLike, groups: Sequence[str], draws: int = 10_000, seed: int = 0) -> float | None:
    """The one-sided p of the mean paired difference against 0; small where the candidate is better.

    ``differences`` are candidate minus other, one per example, and ``groups`` the labels. Were the two models
    alike, each group's differences might as well have come with the other sign; p is the share of sign
    patterns, one sign per group, whose mean is at least the one seen. All 2^g patterns are tried where that
    is at most ``draws``, and p is exact; else ``draws`` are drawn and p = (b + 1) / (draws + 1).
    Groups whose differences sum to 0 are the same under either sign and are not counted in g.
    Sources: R. A. Fisher (1935), The Design of Experiments, section 21; B. Phipson and G. K. Smyth (2010), Stat.
    Appl. Genet. Mol. Biol. 9, article 39 (why the + 1).

    None without examples. 1.0 where no group differs. The same in any order of examples, and by ``seed``.
    Raises ValueError where a difference is not finite or a label empty.

    >>> sign_flip([1, 1, 1, 1, -1], ["a", "b", "c", "d", "e"])
    0.1875
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws!r}")
    sums = gather(differences, groups).sums
    if not sums.size:
        return None
    sums = sums[np.abs(sums) > NOISE * np.abs(sums).max()]
    if not sums.size:
        return 1.0
    exact = sums.size < 60 and 2**sums.size <= draws
    patterns = _all_patterns(sums.size) if exact else _drawn_patterns(sums.size, draws, seed)
    # With the kept signs summing to K, the mean is at least the one seen where 2 K - S >= S.
    least = fsum(sums) - _TIE * fsum(np.abs(sums))
    hits = sum(int(np.count_nonzero(kept >= least)) for kept in _kept_sums(sums, patterns))
    return hits / 2**sums.size if exact else (hits + 1) / (draws + 1)


def _kept_sums(sums: Array, patterns: Iterator[NDArray[np.uint8]]) -> Iterator[Array]:
    """For each pattern the sum of the groups whose bit is 1.

    A byte holds the bits of eight groups, so that each pattern costs one look-up per eight groups in a table
    of their 256 subset sums: ten times faster than a matrix product with a matrix of signs.
    """
    padded = np.zeros(-(-sums.size // 8) * 8)
    padded[: sums.size] = sums
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    tables = (padded.reshape(-1, 8) @ bits.T.astype(float)).ravel()
    first = 256 * np.arange(padded.size // 8)
    for block in patterns:
        yield tables[block + first].sum(axis=1)


def _all_patterns(count: int) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, 2**count, _ROWS):
        numbers = np.arange(start, min(start + _ROWS, 2**count), dtype="<u8")
        yield numbers.view(np.uint8).reshape(-1, 8)[:, : -(-count // 8)]


def _drawn_patterns(count: int, draws: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    width = -(-count // 8)
    for start in range(0, draws, _ROWS):
        rows = min(_ROWS, draws - start)
        yield np.frombuffer(rng.bytes(rows * width), dtype=np.uint8).reshape(rows, width)
