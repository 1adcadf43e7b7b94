"""Puts a run together from stored completions: every figure that a report shows is from here.

A run is a pure function of the task, the completions and what was selected: it is made at the end of a
session, made again by ``evalkit rescore``, and rendered by the reports, which compute nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from statistics import fmean
from types import MappingProxyType

import evalkit
from evalkit.golden.looks import Look
from evalkit.golden.model import ANSWERED, Task
from evalkit.golden.perturbations import Perturbed, variants
from evalkit.golden.scoring import measurement_of
from evalkit.judging import comparison as pairing
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.judging.early_stopping import settled
from evalkit.judging.lineage import Lineage, Rung, follow
from evalkit.judging.measurement_change import MeasurementChange, change
from evalkit.judging.planned import Lineup, declared_comparisons, planned_comparisons
from evalkit.judging.recommendation import Rivalry, Side, recommend
from evalkit.judging.relation_check import Rate, held, rates
from evalkit.judging.verdict import judge
from evalkit.models.backend import Spec
from evalkit.models.latency import P50
from evalkit.runs.model_run import COST, model_run_of, read_numbers, scored_examples
from evalkit.runs.record import InTurn, ModelRun, Participant, Run, TaskResult, Unbeaten


def judge_task(
    task: Task,
    split: str,
    participants: Sequence[Participant],
    book: AnswerBook,
    frozen: bool,
    margin: float,
    lineage: tuple[str, Sequence[str]] | None = None,
    turns: pairing.Turns = MappingProxyType({}),
    unchanged: Sequence[str] = (),
) -> TaskResult:
    """Judges one task from its book of answers.

    ``margin`` is for pairs that were only asked for, ``lineage`` is a name with its rungs. ``turns`` has those that
    were asked in turn, with the examples of the judged split that they were asked. ``unchanged`` is what
    ``unchanged_adapters`` says of the participants.
    """
    answers = {participant.name: _scored_answers(task, split, participant, book) for participant in participants}
    model_runs = tuple(
        model_run_of(task, split, participant, answers[participant.name]) for participant in participants
    )
    whole = _run_whole(task, split, participants, turns)
    backends = [participant.name for participant in participants if participant.role == "backend"]
    rungs = lineage[1] if lineage else ()
    against = [participant.name for participant in participants if participant.role == "against"]
    parents = {participant.name: participant.parent for participant in participants}
    lineup = Lineup(backends, against, parents, rungs)
    planned = [plan for plan in planned_comparisons(task, lineup, margin) if {plan.candidate, plan.against} <= whole]
    looks = {
        participant.name: Look(participant.look)
        for participant in participants
        if participant.look and participant.name in whole
    }
    comparisons = tuple(pairing.comparisons(task, planned, answers, split, turns, looks))
    thresholds = {split if name == "test" else name: least for name, least in task.thresholds.items()}
    verdicts = tuple(
        judge(model_run.name, model_run.rates, thresholds, comparisons, model_run.failed, tuple(model_run.unanswered))
        for model_run in model_runs
        if model_run.participant.role == "backend" and model_run.name in whole
    )
    real = [participant.name for participant in participants if participant.role != "floor"]
    changed = variants(task, split)
    return TaskResult(
        task=task.name,
        title=task.title,
        split=split,
        examples=len(task.splits.get(split, ())),
        frozen=frozen,
        checksum=task.checksum,
        primary=task.primary,
        model_runs=model_runs,
        comparisons=comparisons,
        agreements=tuple(
            pairing.agreement(one, two, answers, split)
            for one, two in combinations(real, 2)
            if not {one, two} <= set(rungs)
        ),
        unbeaten=tuple(_unbeaten(model_runs, split)),
        unjudged=tuple(
            f"{candidate} against {rival} on {score}"
            for _, candidate, rival, score in declared_comparisons(task, lineup)
            if rival not in {*answers}
        ),
        verdicts=verdicts,
        idle=tuple(unchanged),
        relations=tuple(
            rate
            for participant in participants
            if participant.role == "backend"
            for rate in _relations(task, participant, changed, answers[participant.name], book)
        ),
        looks=tuple(
            f"{name}: {look}"
            for name, look in looks.items()
            if any(comparison.candidate == name and comparison.declared for comparison in comparisons)
        ),
        rivals=tuple(
            recommend(
                _side(model_runs, backend),
                _side(model_runs, rival),
                Rivalry(answers, split, task.primary, margin, turns.get(rival)),
                next((verdict.status for verdict in verdicts if verdict.backend == backend), None),
            )
            for backend in backends
            for rival in against
            if rival not in rungs and {backend, rival} <= whole
        ),
        in_turn=tuple(
            InTurn(
                name,
                len(asked),
                len(task.splits.get(split, ())),
                settled(one for one in comparisons if one.against == name),
            )
            for name, asked in turns.items()
            if asked
        ),
        lineage=_lineage(task, split, *lineage, participants, whole, answers, book) if lineage else None,
    )


def comparisons_with(
    rival: str,
    task: Task,
    split: str,
    participants: Sequence[Participant],
    book: AnswerBook,
    margin: float,
    rungs: Collection[str],
    turns: pairing.Turns,
) -> list[pairing.Comparison]:
    """What ``judge_task`` would say of ``rival``, and nothing else: whether it is settled is asked again and again.

    Alternatives to what is declared of it are judged too, because they share its level.
    """
    backends = [participant.name for participant in participants if participant.role == "backend"]
    against = [participant.name for participant in participants if participant.role == "against"]
    parents = {participant.name: participant.parent for participant in participants}
    whole = _run_whole(task, split, participants, turns)
    wanted = planned_comparisons(task, Lineup(backends, against, parents, rungs), margin)
    judged = [plan for plan in wanted if {plan.candidate, plan.against} <= whole]
    families = {plan.family for plan in judged if plan.against == rival and plan.family}
    planned = [plan for plan in judged if plan.against == rival or plan.family in families]
    names = {name for plan in planned for name in (plan.candidate, plan.against)}
    answers = {one.name: _scored_answers(task, split, one, book) for one in participants if one.name in names}
    looks = {
        participant.name: Look(participant.look)
        for participant in participants
        if participant.look and participant.name in whole
    }
    found = pairing.comparisons(task, planned, answers, split, turns, looks)
    return [one for one in found if one.against == rival]


def _side(model_runs: Iterable[ModelRun], name: str) -> Side:
    model_run = next(model_run for model_run in model_runs if model_run.name == name)
    cost, p50 = (model_run.measurements[row].value if row in model_run.measurements else None for row in (COST, P50))
    probe = model_run.participant.probe
    seconds = fmean(probe.seconds) if probe is not None and probe.seconds else None
    return Side(name, cost, p50, seconds, model_run.participant.cost_per_hour)


def unchanged_adapters(participants: Iterable[Participant], book: AnswerBook) -> Iterator[str]:
    """A sentence for each adapter that changed nothing: every answer is the very text of the base it sits on.

    Known before anything is scored. Base is the parent that is in the run and has no adapter itself.
    """
    known = {participant.name: participant for participant in participants}
    for participant in known.values():
        base = known.get(participant.parent or "")
        if base is None or not Spec.parse(participant.spec).adapter or Spec.parse(base.spec).adapter:
            continue
        stored = book.stored((*participant.stored_under, *base.stored_under))
        pairs = [
            (stored[own].completion.text, stored[other].completion.text)
            for example in sorted(participant.keys.keys() & base.keys.keys())
            for own, other in zip(participant.keys[example], base.keys[example], strict=False)
            if own in stored and other in stored
        ]
        if pairs and all(own == other for own, other in pairs):
            yield (
                f"{participant.name}: its adapter changes nothing: all {len(pairs)} answers are the very text of "
                f"{base.name}. Was it trained, and is it the right folder?"
            )


def _lineage(
    task: Task,
    split: str,
    name: str,
    rungs: Sequence[str],
    participants: Sequence[Participant],
    whole: Collection[str],
    answers: Mapping[str, Mapping[str, Answer]],
    book: AnswerBook,
) -> Lineage | None:
    present = {participant.name: participant for participant in participants}
    if not any(present[rung].problem is None and rung in whole for rung in rungs if rung in present):
        return None  # a part of the split was selected: nothing is said of steps
    asked = [example.id for example in task.splits.get(split, ())]
    found = []
    for rung in (present[name] for name in rungs if name in present):
        problem = rung.problem
        if problem is None and (open_ones := [name for name in asked if name not in answers[rung.name]]):
            reason = rung.reasons.get(open_ones[0], "it was not asked")
            problem = f"{len(open_ones)} of {len(asked)} examples stayed unanswered ({open_ones[0]}: {reason})"
        again = book.answers(rung.name, rung.again)
        found.append(Rung(rung.name, rung.parent, rung.decoding, again, problem))
    return follow(name, task, split, found, answers, lambda before, after: _changes(task, before, after))


def _relations(
    task: Task,
    participant: Participant,
    changed: Mapping[str, Perturbed],
    before: Mapping[str, Answer],
    book: AnswerBook,
) -> list[Rate]:
    tried = {name: one for name, one in changed.items() if name in participant.keys}
    after = book.answers(participant.name, {name: participant.keys[name] for name in tried})
    answered = {name: one for name, one in tried.items() if name in after and one.of.id in before}
    found = [(one, held(task, participant.name, one, before[one.of.id], after[name])) for name, one in answered.items()]
    return rates(task, participant.name, found, [one for name, one in tried.items() if name not in answered])


def _scored_answers(task: Task, split: str, participant: Participant, book: AnswerBook) -> dict[str, Answer]:
    """The answers of ``participant`` to the examples that are scored: perturbed ones have no expected answer."""
    scored = scored_examples(task, split)
    return book.answers(participant.name, {name: keys for name, keys in participant.keys.items() if name in scored})


def _run_whole(task: Task, split: str, participants: Iterable[Participant], turns: pairing.Turns) -> set[str]:
    """Who was asked all of the judged split, or in turn as much of it as was needed."""
    judged = [example.id for example in task.splits.get(split, ())]
    whole = {one.name for one in participants if one.problem is None and all(name in one.keys for name in judged)}
    return whole | {one.name for one in participants if turns.get(one.name)}


def _changes(task: Task, before: Sequence[Answer], after: Sequence[Answer]) -> dict[str, MeasurementChange]:
    return {
        rule.name: change(measurement_of(rule), read_numbers(rule.field, before), read_numbers(rule.field, after))
        for rule in task.measurements.values()
    }


def _unbeaten(model_runs: Sequence[ModelRun], split: str) -> Iterator[Unbeaten]:
    floors = [
        model_run for model_run in model_runs if model_run.participant.role == "floor" and model_run.name != "oracle"
    ]
    for model_run in model_runs:
        for score, own in model_run.rates.get(split, {}).items() if model_run.participant.role == "backend" else ():
            best = (
                max(
                    (
                        (rate.value, floor.name)
                        for floor in floors
                        if (rate := floor.rates.get(split, {}).get(score)) is not None and rate.value is not None
                    ),
                    default=None,  # no floor has that score: the task has no data for any
                )
                if score not in ANSWERED
                else None
            )
            if best is not None and own.value is not None and own.value <= best[0]:
                yield Unbeaten(model_run.name, score, own.value, best[1], best[0])


def make_run(identity: str, judged: Iterable[TaskResult], command: str, outcomes: Mapping[str, int]) -> Run:
    """The run as it is stored and reported, with what it was run on."""
    return Run(
        id=identity,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        environment={
            "evalkit": evalkit.__version__,
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
        },
        outcomes=dict(outcomes),
        tasks=tuple(judged),
    )
