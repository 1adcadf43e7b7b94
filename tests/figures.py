"""Figures as they are printed."""

from __future__ import annotations


def rounded(figure: float | None, digits: int = 0) -> float:
    """A figure that must be there, to as many digits as a source prints."""
    assert figure is not None, "there is no figure"
    return round(figure, digits)
