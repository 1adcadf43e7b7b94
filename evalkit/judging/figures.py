"""How figures are spelled in a sentence."""

from __future__ import annotations

from evalkit.stats.intervals import Estimate


def points(value: float | None) -> str:
    """A difference of rates, as signed points.

    >>> points(0.125), points(None)
    ('+12.5', 'not estimable')
    """
    return "not estimable" if value is None else f"{value * 100:+.1f}"


def percent(value: float | None) -> str:
    """A rate as a percentage.

    >>> percent(0.946), percent(None)
    ('94.6 %', 'not estimable')
    """
    return "not estimable" if value is None else f"{value * 100:.1f} %"


def width(value: float) -> str:
    """A margin or a least gain, in points without a sign.

    >>> width(0.05)
    '5.0'
    """
    return f"{value * 100:.1f}"


def interval(estimate: Estimate) -> str:
    """A difference with its bounds.

    >>> interval(Estimate(-0.2, -0.3, -0.1, 20))
    '-20.0 points (95 % -30.0 to -10.0)'
    """
    return f"{points(estimate.value)} points (95 % {points(estimate.low)} to {points(estimate.high)})"


def p_value(p: float | None, name: str = "p") -> str:
    """A p, with its name.

    >>> p_value(0.01234), p_value(0.00004), p_value(None)
    ('p = 0.0123', 'p < 0.0001', 'p = not estimable')
    """
    if p is None:
        return f"{name} = not estimable"
    return f"{name} < 0.0001" if p < 0.0001 else f"{name} = {p:.4f}"


def dollars(value: float) -> str:
    """A sum with as many digits as tell something.

    >>> dollars(1234.5), dollars(1.5), dollars(0.00312), dollars(0.0)
    ('1,234.50 USD', '1.50 USD', '0.0031 USD', '0.00 USD')
    """
    return f"{value:,.2f} USD" if value >= 0.1 or value == 0 else f"{value:.2g} USD"
