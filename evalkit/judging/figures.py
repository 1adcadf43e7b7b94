"""How figures, counts and lists of names are spelled in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

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


def dollars(value: float) -> str:
    """A sum with as many digits as tell something.

    >>> dollars(1234.5), dollars(1.5), dollars(0.00312), dollars(0.0)
    ('1,234.50 USD', '1.50 USD', '0.0031 USD', '0.00 USD')
    """
    return f"{value:,.2f} USD" if value >= 0.1 or value == 0 else f"{value:.2g} USD"


def counted(count: int, noun: str, verbs: tuple[str, str] = ("", "")) -> str:
    """A number of things, with what they are or do in the singular or the plural.

    >>> counted(1, "must-pass example", ("is", "are")), counted(2, "must-pass example", ("is", "are"))
    ('1 must-pass example is', '2 must-pass examples are')
    """
    things = f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
    return f"{things} {verbs[count != 1]}".rstrip()


def abbreviate(names: Sequence[str], most: int = 3) -> str:
    """The first few of ``names``, and how many more there are.

    >>> abbreviate(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
