"""What is compared in a run: the pairs that a task declares, and those that were only asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evalkit.golden.model import Hypothesis, Task
from evalkit.judging.gates import no_loss
from evalkit.models.backends.floors import FLOORS

NO_PARENT = "its parent"
"""Stands for the parent of a model that has none."""


class Planned(NamedTuple):
    """A pair to compare by one score; without a hypothesis it was only asked for."""

    hypothesis: Hypothesis | None
    candidate: str
    against: str
    score: str

    @property
    def family(self) -> str:
        """The name that alternatives share; empty where it has none."""
        return self.hypothesis.family if self.hypothesis else ""


@dataclass(frozen=True, slots=True)
class Lineup:
    """Who is in a run: ``backends`` are tested, ``against`` only compared with, and floors always there. ``parents``
    are those of the backends, ``rungs`` those of the lineage, whose steps are the lineage's to compare. ``joined`` of
    ``against`` were named by nobody: they are there for what is declared of them."""

    backends: Sequence[str]
    against: Sequence[str] = ()
    parents: Mapping[str, str | None] = field(default_factory=dict)
    rungs: Collection[str] = ()
    joined: Collection[str] = ()


def planned_comparisons(task: Task, lineup: Lineup, margin: float) -> list[Planned]:
    """What is compared in a run.

    Declared hypotheses whose two sides are in the run, then every asked-for pair that none of them covers: by the
    primary score, and with its parent by every score, as no loss beyond ``margin``.
    """
    present = {*lineup.backends, *lineup.against, *FLOORS}
    declared = [plan for plan in declared_comparisons(task, lineup) if plan.against in present]
    covered = {(plan.candidate, plan.against) for plan in declared}
    asked_for = [
        plan
        for candidate in lineup.backends
        for rival in lineup.against
        if (candidate, rival) not in covered
        and candidate != rival
        and rival not in lineup.rungs
        and rival not in lineup.joined
        for plan in _asked(task, candidate, rival, margin if lineup.parents.get(candidate) == rival else None)
    ]
    return [*declared, *asked_for]


def _asked(task: Task, candidate: str, rival: str, margin: float | None) -> Iterator[Planned]:
    if margin is None:
        yield Planned(None, candidate, rival, task.primary)
        return
    for score in dict.fromkeys(rule.name for example in task.splits["test"] for rule in task.scores_of(example)):
        yield Planned(no_loss.undeclared(candidate, rival, score, margin), candidate, rival, score)


def declared_comparisons(task: Task, lineup: Lineup) -> list[Planned]:
    """Every pair that the task declares of the backends, whether or not the other side is in the run; against
    ``NO_PARENT`` where that is a parent and nobody says which."""
    return [
        Planned(hypothesis, candidate, rival, hypothesis.score)
        for hypothesis in task.hypotheses
        for candidate in lineup.backends
        if hypothesis.candidate in (None, candidate)
        for named in hypothesis.against
        for rival in [lineup.parents.get(candidate) or NO_PARENT if named == "parent" else named]
        if rival != candidate
    ]
