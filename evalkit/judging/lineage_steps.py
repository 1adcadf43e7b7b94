"""The steps of a lineage: from which rung to which, and by which pairs each is judged.

A step gates on what the task declares of it, and where it declares nothing on the primary score and ``strict``, as no
loss beyond the project's margin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.golden.model import Hypothesis, Task
from evalkit.judging.answer import Answer
from evalkit.judging.comparison import Answers, Pair
from evalkit.judging.gates import kind_of, no_loss
from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.planned import Planned
from evalkit.judging.reason import Code, Reason
from evalkit.judging.scored_pair import scored_pair
from evalkit.stats.intervals import ALPHA

Measured = Callable[[Sequence[Answer], Sequence[Answer]], Mapping[str, MeasurementChange]]
"""How the task's measurements changed from some answers to others."""


@dataclass(frozen=True, slots=True)
class LineageTerms:
    """By what a lineage is judged: the ``task`` and the ``split`` that is judged, and the ``margin`` that the primary
    score and ``strict`` may lose in a step of which the task declares nothing."""

    task: Task
    split: str
    margin: float
    measured: Measured = lambda *_: {}


@dataclass(frozen=True, slots=True)
class MissingRung:
    """Why a rung was not run whole: a ``problem`` with the model, or how many ``of`` its examples stayed unanswered.

    ``example`` is the first of these, ``why`` what kept it from being answered.
    """

    problem: str
    unanswered: int = 0
    of: int = 0
    example: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung as it was run. ``settings`` are those of its sampler that the request does not state, None where its
    answers are recorded: then nothing is known of how they were drawn.

    ``again`` has its second answer to some examples, asked apart from the first: where the two differ, that is its
    own numeric noise. ``missing`` says why it was not run whole.
    """

    name: str
    parent: str | None
    settings: Mapping[str, Any] | None
    again: Mapping[str, Answer]
    missing: MissingRung | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """The pairs of one step: those that gate, and those that are only watched."""

    rung: Rung
    parent: Rung
    gates: tuple[Pair, ...]
    watched: tuple[Pair, ...]
    by_default: bool


@dataclass(frozen=True, slots=True)
class Walk:
    """The rungs of one lineage by name, with the answers of those that were run."""

    by: LineageTerms
    rungs: Mapping[str, Rung]
    answers: Answers

    def steps(self) -> Iterator[PlannedStep]:
        """A step to each rung that was run, from the nearest one above it that was."""
        for rung in self.rungs.values():
            if rung.missing is None and (parent := self.ancestor(rung)) is not None:
                yield self._planned(rung, parent)

    def ancestor(self, rung: Rung) -> Rung | None:
        """The nearest rung above ``rung`` that was run."""
        seen, parent = {rung.name}, rung.parent
        while parent is not None and parent in self.rungs and parent not in seen:
            if self.rungs[parent].missing is None:
                return self.rungs[parent]
            seen.add(parent)
            parent = self.rungs[parent].parent
        return None

    def declared(self, rung: Rung) -> list[tuple[Hypothesis, str]]:
        """What the task declares of ``rung`` and other rungs, and against which: whatever claims no gain."""
        return [
            (hypothesis, rival)
            for hypothesis in self.by.task.hypotheses
            if not kind_of(hypothesis.kind).GAIN and hypothesis.candidate in (None, rung.name)
            for rival in dict.fromkeys(rung.parent if named == "parent" else named for named in hypothesis.against)
            if rival is not None and rival in self.rungs and rival != rung.name
        ]

    def not_judged(self) -> Iterator[tuple[str, Reason]]:
        """The gates of rungs that were not run: the kind, and the reason. Where nothing is declared of a rung that was
        not run, it is its step that was not judged."""
        for rung in self.rungs.values():
            declared = self.declared(rung)
            for hypothesis, rival in declared:
                absent = [name for name in (rung.name, rival) if self.rungs[name].missing is not None]
                if absent:
                    yield (
                        hypothesis.kind, Reason(Code.NOT_RUN, rung.name, rival, hypothesis.score, absent=absent[0])
                    )  # fmt: skip
            if not declared and rung.missing is not None and rung.parent in self.rungs:
                yield no_loss.NAME, Reason(Code.NOT_RUN, rung.name, rung.parent or "", absent=rung.name, declared=False)

    def _planned(self, rung: Rung, parent: Rung) -> PlannedStep:
        """The step from ``parent`` to ``rung``: what gates it, and every other score against its parent."""
        task = self.by.task
        gates = [
            Planned(hypothesis, rung.name, rival, hypothesis.score)
            for hypothesis, rival in self.declared(rung)
            if self.rungs[rival].missing is None
        ]
        scores = dict.fromkeys(score for answer in self.answers[rung.name].values() for score in answer.scores)
        by_default = all(plan.against != parent.name for plan in gates)
        if by_default:
            gates += [
                Planned(
                    no_loss.by_default(rung.name, parent.name, score, self.by.margin), rung.name, parent.name, score
                )
                for score in dict.fromkeys((task.primary, "strict"))
                if score in scores
            ]
        covered = {
            plan.score
            for plan in gates
            if plan.against == parent.name and not (plan.hypothesis and plan.hypothesis.slice)
        }
        watched = [Planned(None, rung.name, parent.name, score) for score in scores if score not in covered]
        pairs = [tuple(map(self._pair, plans)) for plans in (gates, watched)]
        return PlannedStep(rung, parent, pairs[0], pairs[1], by_default)

    def _pair(self, plan: Planned) -> Pair:
        scored = scored_pair(self.by.task, plan, self.answers, self.by.split, None)
        return Pair(
            *plan, paired=scored.paired(ALPHA), readable=scored.readable, missing=scored.missing, lost=scored.lost
        )
