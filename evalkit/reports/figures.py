"""How a figure of a report is spelled."""

from __future__ import annotations

from evalkit.stats.intervals import Estimate


def rate(estimate: Estimate | None) -> str:
    """A rate with its 95 % interval, in percent.

    >>> rate(Estimate(0.75, 0.301, 0.954, 4))
    '75.0 [30.1, 95.4]'
    """
    if estimate is None or estimate.value is None:
        return "-"
    return f"{estimate.value * 100:.1f}" + bounds(estimate, 100, ".1f")


def figure(estimate: Estimate | None) -> str:
    """A measurement with its interval and the number of answers it rests on.

    >>> figure(Estimate(2.5, 2.0, 3.125, 40))
    '2.50 [2.00, 3.12] (n=40)'
    >>> figure(Estimate(0.00312, 0.003, None, 30))
    '0.0031 [0.003, ?] (n=30)'
    """
    if estimate is None or estimate.value is None:
        return "-" if estimate is None else f"- (n={estimate.n})"
    spelled = ".2g" if 0 < abs(estimate.value) < _FINE else ".2f"
    return format(estimate.value, spelled) + bounds(estimate, 1, spelled) + f" (n={estimate.n})"


_FINE = 0.02
"""Below this two decimals would say too little."""


def bounds(estimate: Estimate, factor: int, spelled: str) -> str:
    """Its interval in brackets, times ``factor`` and spelled so; empty where it has none."""
    if estimate.low is None and estimate.high is None:
        return ""
    low, high = ("?" if end is None else format(end * factor, spelled) for end in (estimate.low, estimate.high))
    return f" [{low}, {high}]"


def plain(estimate: Estimate | None) -> str:
    """A size that has no unit, with its interval; a ratio without a value had no loss to divide by."""
    if estimate is None or (estimate.value is None and estimate.low is None):
        return "-"
    return "no loss" if estimate.value is None else f"{estimate.value:.2f}" + bounds(estimate, 1, ".2f")


def signed(estimate: Estimate) -> str:
    """A difference of rates in points, with its sign and interval."""
    if estimate.value is None:
        return "not estimable"
    return f"{estimate.value * 100:+.1f} points" + bounds(estimate, 100, "+.1f")
