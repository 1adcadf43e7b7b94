"""The exact p of a paired difference of right-or-wrong scores, by counting.

Were two models alike, what one of them gains the other might as well have gained: each example that differs is a coin,
and p is the share of all outcomes that are at least as good as the one seen. Nothing is drawn, so no seed decides.

A group of several examples is no coin. Its sum may be a rare collapse away from what it mostly is: a model may gain one
of four examples in most groups, lose whole groups now and then, and be no better at all, and seven groups that gained
one each are then no evidence. So a group that gained ``a`` of its ``n`` examples is held to be one that might have lost
all of them, as often as makes its mean 0: +a with the chance n / (n + a), and -n else. A group that lost might as well
have gained as much. Where every group is one example, these are the coins again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil, log

import numpy as np

from evalkit.stats.samples import Array

_NEGLIGIBLE = 1e-40
"""Outcomes less likely than this are left out of a convolution: no level that anyone asks for is near."""


def binomial_tail(gained: int, lost: int) -> float:
    """The chance of at least ``gained`` heads among ``gained + lost`` fair coins: one half of McNemar's exact test,
    one-sided, small where the candidate gains more than it loses. 1 without coins.

    Sources: Q. McNemar (1947), Psychometrika 12, 153-157; exact form as in M. W. Fagerland, S. Lydersen and P. Laake
    (2013), BMC Med. Res. Methodol. 13:91. Raises ValueError where a count is negative.

    >>> round(binomial_tail(3, 0), 6), round(binomial_tail(5, 1), 6)
    (0.125, 0.109375)
    """
    from scipy.special import bdtr

    if min(gained, lost) < 0:
        raise ValueError(f"counts must not be negative, got {gained!r} and {lost!r}")
    # The tail of at least ``gained`` heads is that of at most ``lost`` tails.
    return float(bdtr(lost, gained + lost, 0.5))


def counted_p(sums: Sequence[int], sizes: Sequence[int]) -> float:
    """The chance that as much is gained in all as was seen, or more, were the candidate no better.

    ``sums`` are what each group gained less what it lost, a whole number, and ``sizes`` how many examples it has. Each
    group has the law of two outcomes that this module's head tells of; their total is convolved, as for a permutation
    test with ties (B. Streitberg and J. Röhmel (1986), Statist. Software Newsl. 12, 10-17). ``binomial_tail`` where
    every group is one example, and where each that differs is gained or lost whole and all are of one size. 1 where
    none differs. Raises ValueError where the lengths differ, or a sum is larger than its group.

    >>> round(counted_p([1, 1, 1, 0], [1, 1, 1, 1]), 6), counted_p([1, 1], [1, 2])
    (0.125, 0.3333333333333333)
    """
    seen = Counter((total, size) for total, size in zip(sums, sizes, strict=True) if total)
    outcomes: Counter[tuple[int, int]] = Counter()
    for (total, size), count in seen.items():
        if abs(total) > size:
            raise ValueError(f"a group of {size} can't gain or lose {abs(total)}")
        # What it may gain, and what it may lose.
        outcomes[(total, size) if total > 0 else (-total, -total)] += count
    if len(outcomes) <= 1 and all(gain == loss for gain, loss in outcomes):
        gained = sum(count for (total, _), count in seen.items() if total > 0)
        return binomial_tail(gained, outcomes.total() - gained)
    lowest, chances = 0, np.ones(1)
    for (gain, loss), count in sorted(outcomes.items()):
        begin, steps = _heads(count, loss / (gain + loss))
        spread = np.zeros((steps.size - 1) * (gain + loss) + 1)
        spread[:: gain + loss] = steps
        lowest, chances = lowest + begin * (gain + loss) - count * loss, np.convolve(chances, spread)
    return min(1.0, float(chances[max(0, sum(sums) - lowest) :].sum()))


def _heads(count: int, chance: float) -> tuple[int, Array]:
    """The chances of so many heads of ``count`` coins, from a first number on; those that are negligible left out."""
    from scipy.special import gammaln

    # Hoeffding: so far from its mean a binomial is below 1e-42.
    reach = ceil(7 * count**0.5) + 1
    centre = round(count * chance)
    low, high = max(0, centre - reach), min(count, centre + reach)
    heads = np.arange(low, high + 1)
    logs = gammaln(count + 1) - gammaln(heads + 1) - gammaln(count - heads + 1)
    chances = np.exp(logs + heads * log(chance) + (count - heads) * log(1 - chance))
    chances[chances < _NEGLIGIBLE] = 0.0
    return low, chances
