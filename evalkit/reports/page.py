"""What a report is written on: how wide it is, and whether it shows colors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """``width`` is in columns. ``details`` asks for every score by tag and for the confusion of every field, not only
    of the primary score."""

    width: int = 120
    color: bool = False
    details: bool = False


PAGE = Page()
"""A page of which nothing is known: a file."""
