"""The sentence that says how many comparisons were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit._internal.counts import counted

if TYPE_CHECKING:  # these are made of what is worded here
    from evalkit.judging.corrected import Correction, Family

_GROUPS: Mapping[Family, str] = {
    "wins": "{found} of {made} declared wins of {about} shown",
    "no_loss": "{found} of {made} declared no-losses of {about} refuted",
    "asked": "{made} of {about} only asked for",
    "lineage_gates": "a loss in {found} of {made} gates of lineage {about}",
    "lineage_scores": "a loss in {found} of {made} other scores of it",
    "baseline": "a loss in {found} of {made} scores since {about}",
    "rival": "{found} of {made} fields of {about} apart",
    "slices": "{found} of {made} slices of {about} apart from the rest",
}


def comparisons_made(corrections: Sequence[Correction]) -> str:
    """How many comparisons were made, and how many in each group show something; empty where none was."""
    if not corrections:
        return ""
    made, found = sum(item.made for item in corrections), sum(item.found for item in corrections)
    groups = [_GROUPS[item.of].format(found=item.found, made=item.made, about=item.about) for item in corrections]
    return f"{counted(made, 'comparison')}, {found} of which show something ({'; '.join(groups)}), each group by Holm"
