"""``kind = "no_loss"``: the candidate does not score less than the other by ``margin`` or more.

It is shown when the lower bound is above the margin, downwards. It is refuted when the upper bound is below it, and as
well when a loss at all is shown: when its exact one-sided p is at most .05, Holm's over all no-losses that the task
declares of the candidate (``evalkit.judging.families``). So a candidate that lost ten answers of 130 and gained none is
stopped, although the loss may lie within the margin. What is shown to lie within the margin ships all the same.
Between the two, more examples must tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import Evidence
from evalkit.judging.gates.margins import by_bounds, more_examples, read_margin
from evalkit.judging.reason import Outcome, Remark, Status

NAME = "no_loss"
GAIN = False
KEYS = ("margin",)
PHRASES = {
    Status.SHIP: "does not lose to {against} by more than {bound} points",
    Status.BLOCK: "loses to {against}",
    Status.INCONCLUSIVE: "may lose to {against} by more than {bound} points (not shown, not refuted)",
    "beyond_margin": "The loss is more than {bound} points.",
    "loss_shown": "A loss at all is shown ({p}).",
    "estimate_beyond": "The estimate lies beyond the margin of {bound} points.",
    "would_tell": "About {examples} would tell.",
    "few_flips": "{examples} with another score: too few to say how many would tell.",
}

LOSS = 0.05
"""The one-sided level at which a loss at all is red."""

read_terms = read_margin


def decide(hypothesis: Hypothesis, evidence: Evidence) -> Outcome:
    """By the bounds of the difference, downwards, and by the p of a loss."""
    margin, paired, p = hypothesis.margin, evidence.paired, evidence.p_worse
    status = by_bounds(paired, margin)
    remarks: tuple[Remark, ...] = ()
    if status is Status.BLOCK:
        remarks = (Remark("beyond_margin"),)
    elif status is Status.INCONCLUSIVE:
        if paired.difference.value is not None and paired.difference.value < -margin:
            remarks = (Remark("estimate_beyond"),)
        if p is not None and p <= LOSS:
            status, remarks = Status.BLOCK, (Remark("loss_shown", p=p), *remarks)
        else:
            remarks += more_examples(evidence, margin)
    return Outcome(hypothesis.kind, status, margin, remarks)


def by_default(candidate: str, against: str, score: str, margin: float) -> Hypothesis:
    """The no-loss that gates where the task declares nothing."""
    return Hypothesis(NAME, candidate, (against,), score, margin=margin)


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
