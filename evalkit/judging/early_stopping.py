"""Stopping early: who is only compared with is asked in turn, and no more once every comparison with it is settled.

Examples come in an order that is drawn at random once, group by group, so that those asked so far stand for all. What
is concluded from them is judged by inference that allows to look after every step (``evalkit.stats.betting``). A model
that is tested is asked whole, because its thresholds are over the whole split.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

from evalkit.golden.model import Example
from evalkit.judging.comparison import Comparison
from evalkit.judging.reason import Status

_FIRST, _STEP = 16, 8
"""Groups that are asked before the first look, and between two looks."""


def turn(examples: Iterable[Example], seed: int = 0) -> list[list[str]]:
    """The ids of ``examples`` in the order in which they are asked, group by group; the same for the same examples."""
    groups: dict[str, list[str]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example.id)
    return random.Random(seed).sample(list(groups.values()), len(groups))


def steps(ordered: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """What to ask before each look, of the groups that ``turn`` gives.

    >>> [len(step) for step in steps([["a"]] * 30)]
    [16, 8, 6]
    """
    begin, end = 0, _FIRST
    while begin < len(ordered):
        yield [name for group in ordered[begin:end] for name in group]
        begin, end = end, end + _STEP


def settled(comparisons: Iterable[Comparison]) -> bool:
    """Whether more examples would change nothing: each hypothesis is shown or refuted, and of each pair that was only
    asked for it is known which is better."""
    return all(_settled(comparison) for comparison in comparisons)


def _settled(comparison: Comparison) -> bool:
    if comparison.declared:
        return comparison.status in (Status.BLOCK, Status.SHIP)
    low, high = comparison.paired.difference.low, comparison.paired.difference.high
    return (low is not None and low > 0) or (high is not None and high < 0)
