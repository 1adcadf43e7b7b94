"""``kind = "equivalent"``: the candidate scores as the other does, within ``margin`` in both directions.

It is shown when both bounds are inside the margin, and refuted when the interval lies outside it on either side.
"""

from __future__ import annotations

from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence
from evalkit.judging.gates.margins import by_bounds, more_examples, read_margin
from evalkit.judging.reason import Outcome, Status

GAIN = False
KEYS = ("margin",)
PHRASES = {
    Status.SHIP: "is equivalent to {against} within {bound} points",
    Status.BLOCK: "differs from {against} by more than {bound} points",
    Status.INCONCLUSIVE: "may differ from {against} by more than {bound} points",
    "would_tell": "About {examples} would tell.",
    "few_flips": "{examples} with another score: too few to say how many would tell.",
}

read_terms = read_margin


def decide(hypothesis: Hypothesis, evidence: Evidence) -> Outcome:
    """By the bounds of the difference, in both directions."""
    margin = hypothesis.margin
    status = by_bounds(evidence.paired, margin, margin)
    remarks = more_examples(evidence, margin, both_ways=True) if status is Status.INCONCLUSIVE else ()
    return Outcome(hypothesis.kind, status, margin, remarks)
