"""A score by tag: where a model is weaker than it is elsewhere, with what that rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.stats.intervals import Estimate

FEWEST = 8
"""A tag of fewer examples is counted, and nothing more is said of it: its interval would span half of everything."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The examples with one ``tag``, and how they score beside the rest.

    ``difference`` is the tag's rate less that of the rest, with a two-sided 95 % interval, None where there is no rest.
    ``p`` is two-sided, ``corrected`` is Holm's over the slices of the score; both None where there is no rest.
    """

    tag: str
    rate: Estimate
    difference: Estimate | None = None
    p: float | None = None
    corrected: float | None = None


@dataclass(frozen=True, slots=True)
class ScoreSlices:
    """One ``score`` by tag, the weakest slice first. ``small`` has the tags of fewer than ``FEWEST`` examples, with
    their number."""

    score: str
    slices: tuple[Slice, ...] = ()
    small: Mapping[str, int] = field(default_factory=dict)
