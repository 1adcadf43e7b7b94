"""How far the rates of two models on the same examples differ, and how small a loss so many examples can rule out."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from evalkit.stats.intervals import LEVEL, Estimate, check_level

_HALVINGS = 60
"""From a width of 2 at most, these come down to the last digit of a float."""


def tango(both: int, gained: int, lost: int, neither: int, level: float = LEVEL) -> Estimate:
    """The difference of two paired rates, candidate minus other, with Tango's score interval.

    Counts of independent pairs: ``both`` models right, ``gained`` (only the candidate is), ``lost`` (only the
    other is) and ``neither``. Value and bounds are in [-1, 1]; the interval has a width even where no pair is
    discordant. It holds every difference d that the score test does not reject,
    (gained - lost - n d)^2 <= z^2 n (v - d^2), with v the likeliest share of discordant pairs were d true.
    At d = 0 that is McNemar's test without correction. It knows nothing of groups: where a group has more than
    one example, take ``grouped_tango``.
    Sources: T. Tango (1998), Statist. Med. 17, 891-908; M. W. Fagerland, S. Lydersen and P. Laake (2014), Statist.
    Med. 33, 2850-2875 (how it compares with others).

    Without pairs nothing is estimable. Raises ValueError where a count is negative.

    >>> e = tango(both=59, gained=6, lost=16, neither=80)
    >>> round(e.value, 4), round(e.low, 4), round(e.high, 4), e.n
    (-0.0621, -0.124, -0.0054, 161)
    """
    check_level(level)
    if min(both, gained, lost, neither) < 0:
        raise ValueError(f"counts must not be negative, got {both!r}, {gained!r}, {lost!r} and {neither!r}")
    n = both + gained + lost + neither
    if n == 0:
        return Estimate(None, None, None, 0)
    z = quantile(level)
    # The upper bound is the lower one of the models swapped: a swap mirrors the interval to the last bit.
    return Estimate((gained - lost) / n, lowest(gained, lost, n, z), -lowest(lost, gained, n, z), n)


def smallest_margin(n: int, level: float = LEVEL) -> float | None:
    """The margin that ``n`` pairs can't go below: with no flip at all, the interval is from minus to plus this.

    z^2 / (n + z^2), Tango's bounds where no pair is discordant; a share in (0, 1). A loss is ruled out where
    the lower bound is *above* minus the margin, so the margin to declare must be larger than this.

    None without examples. Raises ValueError where ``n`` is negative.

    >>> round(smallest_margin(73), 4), round(smallest_margin(72), 4)
    (0.05, 0.0507)
    """
    check_level(level)
    if n < 0:
        raise ValueError(f"n must not be negative, got {n!r}")
    square = quantile(level) ** 2
    return square / (n + square) if n else None


def examples_for_margin(margin: float, level: float = LEVEL) -> int:
    """The fewest pairs with which a loss of ``margin`` (a share, 0.05 for 5 points) can be ruled out at all.

    It takes no flip at all among them; each lost example takes more. The smallest n whose ``smallest_margin``
    is below ``margin``. ``level`` is two-sided: 0.95 is a one-sided 97.5 %.

    Raises ValueError unless the margin is between 0 and 1.

    >>> examples_for_margin(0.05), examples_for_margin(0.03)
    (73, 125)
    """
    check_level(level)
    if not 0 < margin < 1:
        raise ValueError(f"margin must be between 0 and 1, got {margin!r}")
    return int(quantile(level) ** 2 * (1 - margin) / margin) + 1


def quantile(level: float) -> float:
    """The normal quantile whose two tails leave ``level`` between them."""
    return NormalDist().inv_cdf((1 + level) / 2)


def lowest(gained: float, lost: float, n: float, z: float) -> float:
    """The lowest difference that Tango's score test does not reject, of counts that need not be whole. The one seen
    never is, and -1 always, unless it was seen."""
    outside, inside = -1.0, (gained - lost) / n
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if _rejected(middle, gained, lost, n, z):
            outside = middle
        else:
            inside = middle
    return inside


def _rejected(difference: float, gained: float, lost: float, n: float, z: float) -> bool:
    # Tango's quadratic for the share of ``lost`` (his q21), rewritten for the share of all discordant pairs,
    # v = 2 q21 + d: its linear term is never negative, so nothing cancels.
    discordant, ahead = gained + lost, gained - lost
    linear = discordant + ahead * difference
    constant = (n - discordant) * difference**2 - ahead * difference
    share = (linear + sqrt(max(0.0, linear**2 + 4 * n * constant))) / (2 * n)
    return (ahead - n * difference) ** 2 > z * z * n * (share - difference**2)
