"""Two models' scores on the same examples, as a comparison is judged from them."""

from __future__ import annotations

from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import Comparison, Pair, judge_pair
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import Paired, paired

WIN = Hypothesis("win", None, ("base",), "mood")
NOTHING = Estimate(None, None, None, 0)
"""Of two models that never both answer readably."""


def scores(ours: str, theirs: str) -> Paired:
    """One digit for each example."""
    names = [f"e{number}" for number in range(len(ours))]
    return paired([int(digit) for digit in ours], [int(digit) for digit in theirs], names)


def judged(
    hypothesis: Hypothesis | None, ours: str, theirs: str, among: Estimate = NOTHING, missing: int = 0
) -> Comparison:
    """How tuned and base compare on mood."""
    return judge_pair(Pair(hypothesis, "tuned", "base", "mood", scores(ours, theirs), among, missing))


def remarks(comparison: Comparison) -> list[str]:
    """The codes of what there is to know beside the status."""
    return [remark.code for remark in comparison.outcome.remarks] if comparison.outcome else []


def count_of(comparison: Comparison, code: str) -> int | None:
    """The number of examples that a remark is about; None where there is no such remark."""
    found = comparison.outcome.remarks if comparison.outcome else ()
    return next((remark.count for remark in found if remark.code == code), None)
