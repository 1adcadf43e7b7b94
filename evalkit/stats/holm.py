"""Several alternative wins, judged together: what each p is worth once all of the family have had their chance."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.stats.intervals import ALPHA


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Holm's adjusted p of every hypothesis of the declared family, in the given order, by name.

    The k-th smallest of m is multiplied by m - k + 1; none is below a smaller one's, and none above 1. Declaring
    a win where the adjusted p is at most alpha declares a false one with probability alpha at most, however the
    tests depend on each other.
    None is a hypothesis that was declared and not judged. It stays None, and counts in m as if its p were the
    largest: selecting fewer tests never shrinks the family, and never lowers the p of another.
    Sources: S. Holm (1979), Scand. J. Statist. 6, 65-70; S. P. Wright (1992), Biometrics 48, 1005-1013 (adjusted p).

    Raises ValueError where a p is not from 0 to 1.

    >>> holm({"direction": 0.01, "magnitude": None, "confidence": 0.5})
    {'direction': 0.03, 'magnitude': None, 'confidence': 1.0}
    """
    for name, p in p_values.items():
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"p of {name!r} must be from 0 to 1, got {p!r}")
    judged = sorted((p, name) for name, p in p_values.items() if p is not None)
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    least = 0.0
    for smaller, (p, name) in enumerate(judged):
        least = max(least, min(1.0, (len(p_values) - smaller) * p))
        adjusted[name] = least
    return adjusted


def holm_levels(p_values: Mapping[str, float | None], alpha: float = ALPHA) -> dict[str, float]:
    """The one-sided level that Holm held each p to, by name: that of the interval to print beside it.

    The k-th smallest of m is held to alpha / (m - k + 1), and none after the first that failed to more than that one
    was. So an interval of this level that reaches 0 where its own p is above the level reaches 0 wherever Holm's
    adjusted p is above ``alpha``, and nowhere else. Raises ValueError as ``holm``.

    >>> holm_levels({"direction": 0.01, "magnitude": 0.5, "confidence": 0.012}, 0.03)
    {'direction': 0.01, 'magnitude': 0.03, 'confidence': 0.015}
    """
    adjusted = holm(p_values)
    judged = sorted((p, name) for name, p in p_values.items() if p is not None)
    levels = dict.fromkeys(p_values, alpha / max(1, len(p_values)))
    failed: float | None = None
    for smaller, (_, name) in enumerate(judged):
        level = alpha / (len(p_values) - smaller) if failed is None else failed
        levels[name] = level
        worth = adjusted[name]
        if failed is None and worth is not None and worth > alpha:
            failed = level
    return levels
