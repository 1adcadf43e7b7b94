"""What a report is written on: how wide it is, and whether it shows colors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """``width`` is in columns; tables may be wider than it, sentences are not."""

    width: int = 120
    color: bool = False


PAGE = Page()
"""A page of which nothing is known: a file."""
