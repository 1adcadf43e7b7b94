"""Whether marked examples score otherwise than the rest, by marking others instead: many marks, many scores at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.samples import NOISE, Array
from evalkit.stats.unpaired import Marks

DRAWS = 4_999
"""Random markings for each p, so that it is a multiple of 1 / 5,000."""

_FEWEST, _NUMBERS = 999, 5_000_000
"""With many examples there are fewer draws, no less than 999: their number times that of the examples is bounded."""

_CELLS, _COLUMNS = 1 << 18, 8
"""So many places are moved at once, and so many scores looked at: it bounds the memory."""


def relabelled(scores: Array, marks: Marks, groups: Sequence[str], seed: int = 0) -> Array:
    """The two-sided p of each column of ``marks``, for each column of ``scores``, of shape (marks, scores).

    ``scores`` is of shape (examples, scores), ``marks`` of shape (examples, marks), ``groups`` are the labels. Were a
    mark to say nothing of the scores, then the groups of one size might as well have changed their places, and inside a
    group its examples: so the marks stay, and the scores are moved about in this way and no other. The p of one side
    is (b + 1) / (draws + 1), where b counts the moves that put the marked examples' mean as far out as it was seen, or
    further; two-sided it is twice the smaller one. It is exact, whatever the scores are. Where nearly every group has a
    size of its own little can move, and p stays large.
    Sources: E. J. G. Pitman (1937), Suppl. J. R. Stat. Soc. 4, 119-130; A. M. Winkler and others (2015), NeuroImage
    123, 253-268 (whole blocks of one size, and the examples in them); B. Phipson and G. K. Smyth (2010), Stat. Appl.
    Genet. Mol. Biol. 9, article 39 (why the + 1).

    The same by ``seed`` for the same order of examples, whatever other scores and marks there are.

    >>> scores = np.array([[1.0], [1], [1], [0], [0], [0]])  # 2 of the 20 ways to mark three are as far out
    >>> bool(abs(relabelled(scores, scores > 0, list("abcdef"))[0, 0] - 0.1) < 0.02)
    True
    """
    draws = max(_FEWEST, min(DRAWS, _NUMBERS // max(1, len(groups))))
    weights = marks.astype(float).T
    seen = weights @ scores
    noise = NOISE * np.maximum(1.0, np.abs(seen))
    above, below = np.zeros_like(seen), np.zeros_like(seen)
    for moved in _moves(groups, draws, seed):
        for first in range(0, scores.shape[1], _COLUMNS):
            some = slice(first, first + _COLUMNS)
            sums = weights @ scores[:, some][moved]  # (draws, marks, scores)
            above[:, some] += (sums >= seen[:, some] - noise[:, some]).sum(axis=0)
            below[:, some] += (sums <= seen[:, some] + noise[:, some]).sum(axis=0)
    smaller: Array = (np.minimum(above, below) + 1) / (draws + 1)
    return np.minimum(1.0, 2 * smaller)


def _moves(groups: Sequence[str], draws: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Blocks of moves, each of shape (moves, examples): which example's scores come to each place."""
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    sizes: dict[int, list[list[int]]] = {}
    for places in members.values():
        sizes.setdefault(len(places), []).append(places)
    blocks = [np.array(alike, dtype=np.intp) for _, alike in sorted(sizes.items())]  # each of shape (groups, size)
    rng, step = np.random.default_rng(seed), max(1, _CELLS // max(1, len(groups)))
    for start in range(0, draws, step):
        count = min(step, draws - start)
        moved = np.empty((count, len(groups)), dtype=np.intp)
        for block in blocks:
            order = rng.permuted(np.broadcast_to(np.arange(len(block)), (count, len(block))), axis=1)
            taken = block[order]  # (count, groups, size)
            moved[:, block] = rng.permuted(taken, axis=2) if block.shape[1] > 1 else taken
        yield moved
