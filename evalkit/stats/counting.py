"""The exact p of a paired difference of right-or-wrong scores, by counting sign patterns.

Were two models alike, what one of them gains the other might as well have gained. Each group of examples that differs
is then a coin, and p is the share of all outcomes that are at least as good as the one seen. Nothing is drawn, so no
seed decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil

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


def counted_p(sums: Iterable[int]) -> float:
    """The share of sign patterns, one sign for each of ``sums``, whose total is at least the one seen.

    ``sums`` are whole numbers: what each group gained less what it lost. Where all are -1, 0 or 1 this is
    ``binomial_tail``; else the distribution of the total is convolved from one binomial for each size of a sum (B.
    Streitberg and J. Röhmel (1986), Statist. Software Newsl. 12, 10-17). 1 where every sum is 0.

    >>> counted_p([1, 1, 1, 0]), counted_p([2, 1, -1])
    (0.125, 0.375)
    """
    seen = [value for value in sums if value]
    counts = Counter(map(abs, seen))
    if len(counts) <= 1:
        gained = sum(value > 0 for value in seen)
        return binomial_tail(gained, len(seen) - gained)
    # Where the kept groups sum to K, the total is 2 K - S: at least the one seen where K is at least what was gained.
    first, chances = 0, np.ones(1)
    for size, count in sorted(counts.items()):
        begin, steps = _heads(count)
        spread = np.zeros((steps.size - 1) * size + 1)
        spread[::size] = steps
        first, chances = first + begin * size, np.convolve(chances, spread)
    gained = sum(value for value in seen if value > 0)
    tail = float(chances[max(0, gained - first) :].sum())
    # The pattern seen is one of them, however unlikely.
    return min(1.0, max(tail, 2.0 ** -len(seen)))


def _heads(count: int) -> tuple[int, Array]:
    """The chances of so many heads of ``count`` coins, from a first number on; those that are negligible left out."""
    from scipy.special import gammaln

    # At 14 standard deviations a binomial of fair coins is below 1e-42.
    reach = ceil(7 * count**0.5) + 1
    low, high = max(0, count // 2 - reach), min(count, count // 2 + reach)
    heads = np.arange(low, high + 1)
    logs = gammaln(count + 1) - gammaln(heads + 1) - gammaln(count - heads + 1) - count * np.log(2)
    chances = np.exp(logs)
    chances[chances < _NEGLIGIBLE] = 0.0
    return low, chances
