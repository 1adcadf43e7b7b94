"""Two models on the same right-or-wrong examples: the exact McNemar test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalkit.stats.samples import pairs


@dataclass(frozen=True, slots=True)
class McNemar:
    """The discordant pairs (``gained``: only the candidate is right; ``lost``: only the other is), and p."""

    gained: int
    lost: int
    n: int
    p: float | None


def mcnemar(candidate: ArrayLike, against: ArrayLike) -> McNemar:
    """The exact conditional McNemar test, two-sided, of independent pairs of 0 (wrong) and 1 (right).

    Were the models alike, a discordant pair would fall to either side with probability 1/2; p is twice the
    smaller binomial tail, at most 1. It knows nothing of groups: where a group has more than one example,
    take ``permutation.sign_flip``.
    Source: Q. McNemar (1947), Psychometrika 12, 153-157; exact form as in M. W. Fagerland, S. Lydersen and
    P. Laake (2013), BMC Med. Res. Methodol. 13:91.

    p is None without pairs, and 1.0 where none is discordant. Raises ValueError where a score is not 0 or 1
    or the lengths differ.

    >>> mcnemar([1, 1, 0, 0, 1], [1, 0, 0, 1, 0])
    McNemar(gained=2, lost=1, n=5, p=1.0)
    """
    ours, theirs = pairs(candidate, against, ("candidate", "against"))
    for name, scores in (("candidate", ours), ("against", theirs)):
        if not np.isin(scores, (0.0, 1.0)).all():
            raise ValueError(f"{name} must be 0 or 1, got {scores[~np.isin(scores, (0.0, 1.0))][0]:g}")
    gained, lost = int(np.count_nonzero(ours > theirs)), int(np.count_nonzero(ours < theirs))
    if not ours.size:
        return McNemar(0, 0, 0, None)
    discordant = gained + lost
    # Whole numbers to the end, so exact for any count: the binomial coefficients of the smaller tail.
    tail, term = 0, 1
    for k in range(min(gained, lost) + 1):
        tail += term
        term = term * (discordant - k) // (k + 1)
    return McNemar(gained, lost, ours.size, min(1.0, 2 * tail / 2**discordant))
