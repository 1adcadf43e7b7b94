"""What the kinds with a margin share: no loss is a difference above it downwards, equivalence one inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import Any

from evalkit._internal.counts import counted
from evalkit.golden.hypotheses import Ground, Misdeclared, Terms, share
from evalkit.judging.gates import Evidence
from evalkit.judging.reason import Remark, Status
from evalkit.stats.betting import smallest_margin_graded
from evalkit.stats.margin_power import examples_to_rule_out
from evalkit.stats.paired import FEWEST_FLIPS, Paired
from evalkit.stats.search import fewest
from evalkit.stats.tango import examples_for_margin, smallest_margin


def read_margin(entry: Mapping[str, Any], ground: Ground) -> Terms:
    """The ``margin``: one that could not be shown on its ``ground`` even where all answers are the same is refused."""
    if "margin" not in entry:
        raise Misdeclared("margin is missing: how much worse (or other) is still the same (0.05 is 5 points)")
    margin = share(entry, "margin", "above 0 to 1")
    pieces = ground.pieces
    least = _least(pieces, ground)
    if least is not None and margin <= least:
        enough = f"{_enough(margin, ground)} are needed" if margin > 0 else "no number of examples is enough"
        raise Misdeclared(
            f"margin is {margin}, which {counted(pieces, 'independent test example')} can't show even where no answer "
            f"differs: {enough}, or a margin above {least:.3f}"
        )
    return Terms(margin=margin)


def _least(pieces: int, ground: Ground) -> float | None:
    """The margin that so many pieces can't go below. Graded answers that are all the same may be all right, or all
    wrong, and are then judged as such: the larger of two margins counts."""
    alone = smallest_margin(pieces, 1 - 2 * ground.alpha)
    graded = smallest_margin_graded(pieces, ground.alpha) if ground.graded else None
    return max((margin for margin in (alone, graded) if margin is not None), default=None)


def _enough(margin: float, ground: Ground) -> int:
    """How many independent examples can show ``margin`` where all answers are the same."""
    alone = examples_for_margin(margin, 1 - 2 * ground.alpha)
    if not ground.graded:
        return alone
    return fewest(lambda count: (least := _least(count, ground)) is not None and least < margin, above=alone - 1)


def by_bounds(paired: Paired, margin: float, upper: float = inf) -> Status:
    """SHIP where the bounds that decide lie between minus the margin and ``upper``, BLOCK where the 95 % interval lies
    outside them."""
    difference, decisive = paired.difference, paired.decisive
    if decisive.low is None or decisive.high is None or difference.low is None or difference.high is None:
        return Status.INCONCLUSIVE
    if -margin < decisive.low and decisive.high < upper:
        return Status.SHIP
    return Status.BLOCK if difference.high < -margin or difference.low > upper else Status.INCONCLUSIVE


def more_examples(evidence: Evidence, margin: float, both_ways: bool = False) -> tuple[Remark, ...]:
    """How many examples would tell, where that can be said: the spread of a few flips is not known."""
    paired = evidence.paired
    flips = paired.wins + paired.losses
    if flips < FEWEST_FLIPS:
        return (Remark("few_flips", count=flips),)
    needed = _would_tell(paired, margin, both_ways, 1 - 2 * evidence.alpha)
    return () if needed is None else (Remark("would_tell", count=needed),)


def _would_tell(paired: Paired, margin: float, both_ways: bool, level: float) -> int | None:
    """How many examples would show it, were the difference the one seen; None where no number of them would.

    With power 0.8: by the smallest difference that the present ones show, which falls with the square root of n; where
    scores are right or wrong also by the exact power of the interval that decides, with as many flips in a hundred.
    """
    difference = paired.difference
    if difference.value is None:
        return None
    room = margin - abs(difference.value) if both_ways else margin + difference.value
    if room <= 0:
        return None
    needed = [] if paired.detectable is None else [ceil(difference.n * (paired.detectable / room) ** 2)]
    if paired.effects.odds_ratio is not None:
        flips: Sequence[tuple[int, int]] = [(paired.wins, paired.losses), (paired.losses, paired.wins)]
        for gained, lost in flips if both_ways else flips[:1]:
            needed.append(examples_to_rule_out(margin, gained, lost, difference.n, level) or 0)
    most = max(needed, default=0)
    return most if most > difference.n else None
