"""``kind = "no_loss"``: the candidate does not score less than the other by ``margin`` or more.

It is shown when the lower bound is above the margin, downwards, and refuted when the upper bound is below it. Between
the two, more examples must tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence
from evalkit.judging.gates.margins import decide_within, read_margin
from evalkit.judging.reason import Outcome, Status

NAME = "no_loss"
GAIN = False
KEYS = ("margin",)
PHRASES = {
    Status.SHIP: "does not lose to {against} by more than {bound} points",
    Status.BLOCK: "loses to {against} by more than {bound} points",
    Status.INCONCLUSIVE: "may lose to {against} by more than {bound} points",
    "decision_changed": "The decision is worse: {got}.",
    "decision_may_have_changed": "The decision may be worse: {got}.",
    "too_few_readable": "Too few to compare by the decision alone: {got}.",
    "would_tell": "About {examples} would tell.",
}

read_terms = read_margin


def decide(hypothesis: Hypothesis, evidence: Evidence) -> Outcome:
    """By the bounds of the difference, downwards."""
    return decide_within(hypothesis, evidence, both_ways=False)


def undeclared(candidate: str, against: str, score: str, margin: float) -> Hypothesis:
    """The no-loss of a pair that the task does not declare: judged to be reported, and never red."""
    return Hypothesis(NAME, candidate, (against,), score, margin=margin, declared=False)


def least_margin(hypotheses: Iterable[Hypothesis], candidate: str, score: str, default: float) -> float:
    """The smallest margin that one of ``hypotheses`` declares for a no-loss of ``candidate`` in ``score``."""
    margins = [
        hypothesis.margin
        for hypothesis in hypotheses
        if hypothesis.kind == NAME and hypothesis.candidate in (None, candidate) and hypothesis.score == score
    ]
    return min(margins, default=default)
