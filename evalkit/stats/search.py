"""The smallest number from which on something holds."""

from __future__ import annotations

from collections.abc import Callable


def fewest(holds: Callable[[int], bool], above: int) -> int:
    """The smallest number above ``above`` of which ``holds`` is true. It must be true of some, and of all larger ones.

    >>> fewest(lambda count: count * count > 50, 1)
    8
    """
    low, high = above, above + 1
    while not holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
