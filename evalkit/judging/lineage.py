"""Follows the same examples from rung to rung, and says which step lost which field, and by what.

Each rung is compared with its parent, so that one step is one change. Where a parent could not be run, the nearest rung
above it that could stands in. What changed the answers of a step is for ``cause`` to say, what gates it for
``lineage_steps``. All gates of a lineage are one family, and all other scores another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.judging.cause import Cause, Explanation, explain
from evalkit.judging.comparison import Agreement, Answers, Comparison, agreement
from evalkit.judging.corrected import Correction, judge_together
from evalkit.judging.gates import no_loss
from evalkit.judging.lineage_steps import LineageTerms, MissingRung, PlannedStep, Rung, Walk
from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.reason import Code, Reason, Status
from evalkit.judging.step_losses import WATCHED_ALPHA, LostScore, losses


@dataclass(frozen=True, slots=True)
class Step:
    """What became of the answers between ``against`` and ``rung``.

    ``comparisons`` has one for each gate, and one for each other score, of which nothing is decided. ``by_default`` is
    true where the task declares nothing of the step, so that the primary score and ``strict`` gate.
    ``measured`` has how each measurement changed. ``agreement`` is how often the two answered the same. ``why`` is what
    changed them. ``gone`` are the scores that were lost or may have been, and ``worse`` the measurements that became
    worse.
    """

    rung: str
    against: str
    comparisons: tuple[Comparison, ...]
    measured: Mapping[str, MeasurementChange]
    agreement: Agreement
    cause: Cause
    why: Explanation
    gone: tuple[LostScore, ...]
    worse: tuple[str, ...]
    by_default: bool = False


@dataclass(frozen=True, slots=True)
class Lineage:
    """All steps of one lineage on one task.

    ``missing`` says of each rung that was not run whole why. ``noise`` is each rung's agreement with itself. ``open``
    are the kinds of hypothesis that were left open, ``corrections`` the families of comparisons. ``status`` is None
    where the task has no verdict.
    """

    name: str
    rungs: tuple[str, ...]
    steps: tuple[Step, ...]
    missing: Mapping[str, MissingRung]
    noise: Mapping[str, Agreement]
    status: Status | None
    reasons: tuple[Reason, ...]
    open: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


def follow(name: str, rungs: Sequence[Rung], answers: Answers, by: LineageTerms) -> Lineage:
    """The lineage ``name`` of ``rungs``, first to last, from the ``answers`` of those that were run whole.

    A gate of two rungs, one of which could not be run, is left open: it is not known to hold.
    """
    walk = Walk(by, {rung.name: rung for rung in rungs}, answers)
    noise = {rung.name: _noise(rung, answers, by.split) for rung in rungs if rung.missing is None}
    judged, corrections = _judged(name, list(walk.steps()))
    steps = tuple(_step(step, answers, by, noise) for step in judged)
    gates = [gate for step in judged for gate in step.gates]
    blocks = [gate.reason for gate in gates if gate.status is Status.BLOCK]
    left_open = [(gate.kind, gate.reason) for gate in gates if gate.status is Status.INCONCLUSIVE]
    left_open += walk.not_judged()
    status = Status.BLOCK if blocks else Status.INCONCLUSIVE if left_open else Status.SHIP
    reasons = [*blocks, *(reason for _, reason in left_open)] or [Reason(Code.NO_STEP_LOST)]
    if by_default := [step for step in judged if step.planned.by_default]:
        scores = tuple(dict.fromkeys(gate.score for step in by_default for gate in step.gates))
        reasons.append(Reason(Code.BY_DEFAULT, scores=scores, asked=by.margin, count=len(by_default)))
    if not steps and not left_open:
        status, reasons = Status.UNDECLARED, [Reason(Code.NO_STEP)]
    return Lineage(
        name,
        tuple(walk.rungs),
        steps,
        {rung.name: rung.missing for rung in rungs if rung.missing is not None},
        noise,
        status,
        tuple(reasons),
        tuple(dict.fromkeys(kind for kind, _ in left_open)),
        corrections,
    )


def _noise(rung: Rung, answers: Answers, split: str) -> Agreement:
    """How often a rung answers the same when it is asked again."""
    return agreement(rung.name, "again", {rung.name: answers[rung.name], "again": rung.again}, split)


@dataclass(frozen=True, slots=True)
class _JudgedStep:
    """The comparisons of one step, each with Holm's p of a loss in its family."""

    planned: PlannedStep
    gates: tuple[Comparison, ...]
    watched: tuple[Comparison, ...]
    made: tuple[int, int]
    """How many comparisons each of the two families has, over all steps."""


def _judged(name: str, planned: Sequence[PlannedStep]) -> tuple[list[_JudgedStep], tuple[Correction, ...]]:
    """All steps, each judged in the light of all others."""
    gates = judge_together([pair for step in planned for pair in step.gates])
    watched = judge_together([pair for step in planned for pair in step.watched])
    of_gates, of_watched = iter(gates), iter(watched)
    steps = [
        _JudgedStep(
            step,
            tuple(next(of_gates) for _ in step.gates),
            tuple(next(of_watched) for _ in step.watched),
            (len(gates), len(watched)),
        )
        for step in planned
    ]
    red = sum(gate.status is Status.BLOCK for gate in gates)
    lost = sum(item.p_worse is not None and item.p_worse <= WATCHED_ALPHA for item in watched)
    families = (
        Correction("lineage_gates", name, len(gates), red, no_loss.LOSS),
        Correction("lineage_scores", name, len(watched), lost, WATCHED_ALPHA),
    )
    return steps, tuple(family for family in families if family.made)


def _step(judged: _JudgedStep, answers: Answers, by: LineageTerms, noise: Mapping[str, Agreement]) -> Step:
    """What became of the answers in one step."""
    rung, parent = judged.planned.rung, judged.planned.parent
    before, after = answers[parent.name], answers[rung.name]
    pairs = [
        (before[name], answer) for name, answer in after.items() if answer.example.split == by.split and name in before
    ]
    common = agreement(parent.name, rung.name, answers, by.split)
    why = explain(pairs, (parent.settings, rung.settings), common, (noise[rung.name], noise[parent.name]))
    changes = by.measured([answer for answer, _ in pairs], [answer for _, answer in pairs])
    worse = tuple(
        name
        for name, change in changes.items()
        if change.worse is not None and change.worse.low is not None and change.worse.low > 0
    )
    return Step(
        rung.name,
        parent.name,
        (*judged.gates, *judged.watched),
        changes,
        common,
        why.cause,
        why,
        losses(judged.gates, judged.watched, judged.made, why),
        worse,
        judged.planned.by_default,
    )
