"""Which hypotheses of a task share one level, and Holm's p over them.

Two kinds of family. Wins with the same ``family`` are alternatives: one of them is enough, so that each is held to
Holm's level for all. All no-losses of a candidate are one family too: one of them that is shown to be lost is red, so
that a loss at all is held to Holm's level for all.

A hypothesis is a candidate's where it names that candidate, or none. All that the task declares count, judged in this
run or not: whoever selects fewer never gets a larger level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalkit.golden.model import Hypothesis, Task
from evalkit.judging.gates import no_loss
from evalkit.judging.planned import Planned
from evalkit.stats.holm import holm
from evalkit.stats.paired import Paired


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Holm's p of a pair: of a win over its alternatives, of a loss over all no-losses of the candidate.

    ``divided`` is what the level of its interval is divided by, 1 where it shares its level with none.
    """

    p: float | None
    p_worse: float | None
    divided: int = 1


def adjust(task: Task, pairs: Sequence[tuple[Planned, Paired]]) -> list[Adjusted]:
    """Each of ``pairs`` with the p that decides it, in their order."""
    return [
        Adjusted(_p(task, plan, paired, pairs), _p_worse(task, plan, paired, pairs), _divided(task, plan, pairs))
        for plan, paired in pairs
    ]


def alternatives(task: Task, hypothesis: Hypothesis, candidate: str) -> list[Hypothesis]:
    """The wins of ``candidate`` that are alternatives to ``hypothesis``, itself among them; none without a family."""
    return [
        item
        for item in task.hypotheses
        if item.family and item.family == hypothesis.family and item.candidate in (None, candidate)
    ]


def _p(task: Task, plan: Planned, paired: Paired, pairs: Iterable[tuple[Planned, Paired]]) -> float | None:
    largest = _largest(task, plan, pairs)
    return holm(largest)[_name(plan.hypothesis)] if plan.hypothesis and largest else paired.p


def _divided(task: Task, plan: Planned, pairs: Iterable[tuple[Planned, Paired]]) -> int:
    """Holm's k-th smallest p of m is held to the level over m - k + 1. A least gain is held to the level over m: it is
    shown by the bound, of which Holm's order knows nothing."""
    largest = _largest(task, plan, pairs)
    if plan.hypothesis is None or not largest:
        return 1
    if plan.hypothesis.min_gain:
        return len(largest)
    own = largest[_name(plan.hypothesis)]
    return len(largest) if own is None else sum(p is None or p >= own for p in largest.values())


def _largest(task: Task, plan: Planned, pairs: Iterable[tuple[Planned, Paired]]) -> dict[str, float | None]:
    """The p of each alternative: a win over several rivals is shown when each is beaten, so its p is the largest."""
    if plan.hypothesis is None:
        return {}
    ps: dict[str, list[float]] = {}
    for other, paired in pairs:
        if other.candidate == plan.candidate and other.hypothesis is not None and paired.p is not None:
            ps.setdefault(_name(other.hypothesis), []).append(paired.p)
    members = map(_name, alternatives(task, plan.hypothesis, plan.candidate))
    return {name: max(ps.get(name, ()), default=None) for name in members}


def _p_worse(task: Task, plan: Planned, paired: Paired, pairs: Sequence[tuple[Planned, Paired]]) -> float | None:
    if plan.hypothesis is None or plan.hypothesis.kind != no_loss.NAME:
        return paired.p_worse
    ps = {
        f"{_name(other.hypothesis)} {other.against}": of_other.p_worse
        for other, of_other in pairs
        if other.hypothesis is not None and _is_alike(plan, plan.hypothesis, other, other.hypothesis)
    }
    own = f"{_name(plan.hypothesis)} {plan.against}"
    if plan.hypothesis.declared:
        declared = sum(len(_rivals(item, plan.candidate)) for item in _no_losses(task, plan.candidate))
        ps |= {f"not judged {number}": None for number in range(declared - len(ps))}
    return holm(ps)[own]


def _is_alike(plan: Planned, hypothesis: Hypothesis, other: Planned, theirs: Hypothesis) -> bool:
    """Whether two are no-losses of one candidate, both declared or, of one pair, both not."""
    if theirs.kind != no_loss.NAME or other.candidate != plan.candidate or theirs.declared != hypothesis.declared:
        return False
    return hypothesis.declared or other.against == plan.against


def _no_losses(task: Task, candidate: str) -> Iterator[Hypothesis]:
    for item in task.hypotheses:
        if item.kind == no_loss.NAME and item.candidate in (None, candidate):
            yield item


def _rivals(hypothesis: Hypothesis, candidate: str) -> set[str]:
    return {*hypothesis.against} - {candidate}


def _name(hypothesis: Hypothesis | None) -> str:
    """What tells a hypothesis from the others of its task: the table that declares it, and the score."""
    return "" if hypothesis is None else f"{hypothesis.where} {hypothesis.score} {hypothesis.slice}"
