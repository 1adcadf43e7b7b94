"""How many examples rule out a loss of right-or-wrong scores: the exact power of Tango's interval above a margin."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log

import numpy as np

from evalkit.stats.intervals import ALPHA, LEVEL, check_level
from evalkit.stats.samples import Array
from evalkit.stats.tango import examples_for_margin, quantile

POWER = 0.8
_MOST = 10_000_000
"""More pairs than anyone has."""


def no_loss_power(margin: float, n: int, gained: float, lost: float, level: float = LEVEL) -> float:
    """The chance that ``n`` pairs show no loss of ``margin``: that the lower bound of Tango's interval is above it.

    ``gained`` and ``lost`` are the true shares of pairs that only the candidate, and only the other, has right.
    Summed over all that can come, so exact for pairs that stand alone.

    >>> round(no_loss_power(0.05, 130, 0.01, 0.01), 2), no_loss_power(0.05, 73, 0.0, 0.0)
    (0.81, 1.0)
    """
    from scipy.special import bdtrc, gammaln

    flips = gained + lost
    if flips <= 0:
        return float(n >= examples_for_margin(margin, level))
    reach = ceil(7 * (n * flips * (1 - flips)) ** 0.5) + 10
    centre = round(n * flips)
    discordant = np.arange(max(0, centre - reach), min(n, centre + reach) + 1)
    logs = gammaln(n + 1) - gammaln(discordant + 1) - gammaln(n - discordant + 1) + discordant * log(flips)
    if flips < 1:
        logs += (n - discordant) * log(1 - flips)
    else:
        logs[discordant < n] = -np.inf
    least = _least_gained(margin, n, discordant.astype(float), quantile(level))
    enough = np.where(least <= 0, 1.0, bdtrc(np.maximum(least - 1, 0), discordant, gained / flips))
    return float((np.exp(logs) * np.where(least > discordant, 0.0, enough)).sum())


def _least_gained(margin: float, n: int, discordant: Array, z: float) -> Array:
    """For each number of discordant pairs how many the candidate must have gained of them; one more than there are,
    where none is enough."""
    below, enough = np.full(discordant.shape, -1.0), discordant + 1
    while (enough - below > 1).any():
        middle = np.floor((below + enough) / 2)
        shown = _shown(margin, n, discordant, 2 * middle - discordant, z)
        below, enough = np.where(shown, below, middle), np.where(shown, middle, enough)
    return enough


def _shown(margin: float, n: int, discordant: Array, ahead: Array, z: float) -> Array:
    """Whether Tango's score test rejects a loss of ``margin``, as ``tango`` writes it."""
    linear = discordant - ahead * margin
    constant = (n - discordant) * margin**2 + ahead * margin
    share = (linear + np.sqrt(np.maximum(0, linear**2 + 4 * n * constant))) / (2 * n)
    apart = ahead + n * margin
    return np.asarray((apart > 0) & (apart**2 > z * z * n * (share - margin**2)))


def examples_to_rule_out(margin: float, gained: int, lost: int, n: int, level: float = LEVEL) -> int | None:
    """The fewest pairs with which a loss of ``margin`` is ruled out with power 0.8, if they flip as these ``n`` did.

    By ``no_loss_power``, which goes up and down a little from one number of pairs to the next. None where the loss seen
    is the margin or more: no number of such pairs rules it out.
    Raises ValueError for counts that can't be, and unless the margin is between 0 and 1.

    >>> examples_to_rule_out(0.05, gained=0, lost=0, n=40), examples_to_rule_out(0.05, gained=0, lost=1, n=90)
    (73, 173)
    >>> examples_to_rule_out(0.05, gained=0, lost=6, n=100) is None
    True
    """
    check_level(level)
    if min(gained, lost) < 0 or gained + lost > n or n < 1:
        raise ValueError(f"counts must be 0 to n, got {gained!r} and {lost!r} of {n!r}")
    least = examples_for_margin(margin, level)
    if lost - gained >= margin * n:
        return None
    return _fewest(lambda count: no_loss_power(margin, count, gained / n, lost / n, level), least, POWER)


def examples_for_margin_with_flips(
    margin: float, flips: float = 0.05, power: float = POWER, alpha: float = ALPHA
) -> int | None:
    """The fewest pairs with which no loss of ``margin`` is shown with this ``power`` at the one-sided level ``alpha``,
    where neither model is better and the share ``flips`` of the pairs is discordant.

    None where nobody has so many. Raises ValueError unless margin, flips and power are shares.

    >>> examples_for_margin_with_flips(0.05), examples_for_margin_with_flips(0.05, alpha=0.025 / 3)
    (205, 280)
    """
    if not (0 <= flips <= 1 and 0 < power < 1):
        raise ValueError(f"flips and power must be shares, got {flips!r} and {power!r}")
    level = 1 - 2 * alpha
    least = examples_for_margin(margin, level)
    return _fewest(lambda count: no_loss_power(margin, count, flips / 2, flips / 2, level), least, power)


def _fewest(power_of: Callable[[int], float], least: int, power: float) -> int | None:
    most = least
    while power_of(most) < power:
        least, most = most, 2 * most
        if most > _MOST:
            return None
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if power_of(middle) >= power else (middle, most)
    return least if power_of(least) >= power else most
