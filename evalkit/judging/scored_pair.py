"""Two models' scores on the examples that both answered, as they are put beside each other at any level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from evalkit.golden.model import Task
from evalkit.judging.answer import Answer
from evalkit.judging.families import Adjusted
from evalkit.judging.planned import Planned
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import Paired, difference, difference_in_turn, paired, paired_in_turn

Answers = Mapping[str, Mapping[str, Answer]]
"""By model, and then by example."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference with its two-sided interval of ``level``. ``extended`` is whether it was made to reach 0, because
    the p that decides does not show a difference."""

    estimate: Estimate
    level: float
    extended: bool


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """The scores of a candidate (``ours``) and of a rival (``theirs``) on the same examples, with their ``groups``.

    ``in_turn`` is whether they are in the order in which they were asked, until all was settled. ``readable`` is the
    difference on the examples that both answered readably, ``missing`` counts what one of the two left unanswered, and
    ``lost`` are the examples on which the candidate scores less. ``largest`` is the size of the largest group of the
    whole split, asked or not.
    """

    ours: Sequence[float]
    theirs: Sequence[float]
    groups: Sequence[str]
    in_turn: bool
    readable: Estimate
    missing: int
    lost: tuple[str, ...]
    largest: int | None = None

    def paired(self, alpha: float) -> Paired:
        """All that is said of the two, where the one-sided level ``alpha`` decides."""
        if self.in_turn:
            return paired_in_turn(self.ours, self.theirs, self.groups, alpha, self.largest)
        return paired(self.ours, self.theirs, self.groups, alpha)

    def interval(self, alpha: float, adjusted: Adjusted) -> Interval:
        """The interval whose bounds are of the one-sided level ``alpha``, Holm's part of the whole one. It reaches 0
        where Holm's p does not show a win."""
        if self.in_turn:
            estimate = difference_in_turn(self.ours, self.theirs, self.groups, alpha, self.largest)
        else:
            estimate = difference(self.ours, self.theirs, self.groups, alpha)
        shown = adjusted.p is not None and adjusted.p <= alpha * adjusted.divided
        if estimate.low is not None and estimate.low > 0 and not shown:
            estimate = replace(estimate, low=0.0)
        return Interval(estimate, 1 - 2 * alpha, bool(estimate.value) and 0 in (estimate.low, estimate.high))


def scored_pair(task: Task, plan: Planned, answers: Answers, split: str, turn: Sequence[str] | None) -> ScoredPair:
    """What ``answers`` hold of a planned pair. ``turn`` are the examples of the rival in the order in which it was
    asked, None where it was asked them all."""
    hypothesis, candidate, rival, score = plan
    ours, theirs = answers[candidate], answers[rival]
    tag = hypothesis.slice if hypothesis else ""
    groups_of = {example.id: example.group for example in task.splits.get(split, ()) if not tag or tag in example.tags}
    examples = sorted(groups_of) if turn is None else [name for name in turn if name in groups_of]
    answered = [name for name in examples if name in ours and name in theirs]
    both = [name for name in answered if score in ours[name].scores]
    our_values, their_values = ([side[name].scores[score].value for name in both] for side in (ours, theirs))
    ours_read, theirs_read = _readable(ours, both, score), _readable(theirs, both, score)
    read = [name for name in both if name in ours_read and name in theirs_read]
    largest = max(Counter(groups_of.values()).values(), default=1)
    among = (
        [ours_read[name] for name in read],
        [theirs_read[name] for name in read],
        [groups_of[name] for name in read],
    )
    return ScoredPair(
        our_values,
        their_values,
        [groups_of[name] for name in both],
        turn is not None,
        difference(*among) if turn is None else difference_in_turn(*among, largest=largest),
        missing=len(examples) - len(answered),
        lost=tuple(name for name, first, second in zip(both, our_values, their_values, strict=True) if first < second),
        largest=largest,
    )


def _readable(answers: Mapping[str, Answer], names: Iterable[str], score: str) -> dict[str, float]:
    """The mean score of an example's readable samples, where it has any."""
    values = {
        name: [sample.scores[score].value for sample in answers[name].each if sample.extractable] for name in names
    }
    return {name: fmean(scores) for name, scores in values.items() if scores}
