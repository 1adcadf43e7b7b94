"""``kind = "equivalent"``: the candidate scores as the other does, within ``margin`` in both directions.

It is shown when both bounds are inside the margin, and refuted when the interval lies outside it on either side.
"""

from __future__ import annotations

from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence
from evalkit.judging.gates.margins import decide_within, read_margin
from evalkit.judging.reason import Outcome, Status

GAIN = False
KEYS = ("margin",)
PHRASES = {
    Status.SHIP: "is equivalent to {against} within {bound} points",
    Status.BLOCK: "differs from {against} by more than {bound} points",
    Status.INCONCLUSIVE: "may differ from {against} by more than {bound} points",
    "decision_changed": "The decision is another one: {got}.",
    "decision_may_have_changed": "The decision may be another one: {got}.",
    "too_few_readable": "Too few to compare by the decision alone: {got}.",
    "would_tell": "About {examples} would tell.",
}

read_terms = read_margin


def decide(hypothesis: Hypothesis, evidence: Evidence) -> Outcome:
    """By the bounds of the difference, in both directions."""
    return decide_within(hypothesis, evidence, both_ways=True)
