"""Puts a run together from stored completions: every figure that a report shows is from here.

A run is a pure function of the task, the completions and what was selected: it is made at the end of a
session, made again by ``evalkit rescore``, and rendered by the reports, which compute nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import combinations
from statistics import fmean
from types import MappingProxyType
from typing import Any

import evalkit
from evalkit.golden.looks import Look
from evalkit.golden.model import ANSWERED, Hypothesis, Task
from evalkit.golden.perturbations import Perturbed, variants
from evalkit.golden.scoring import measurement_of
from evalkit.judging import comparison as pairing
from evalkit.judging import verdict as gates
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.judging.early_stopping import settled
from evalkit.judging.lineage import Lineage, Rung, follow
from evalkit.judging.measurement_change import MeasurementChange, change
from evalkit.judging.recommendation import Recommendation, Side, rivalry
from evalkit.judging.regression import Regression
from evalkit.judging.relation_check import Rate, held, rates
from evalkit.models.backend import Spec
from evalkit.models.backends.floors import FLOORS
from evalkit.models.latency import P50
from evalkit.runs.model_run import COST, ModelRun, Participant, column_of, read_numbers, scored_examples


@dataclass(frozen=True, slots=True)
class Unbeaten:
    """A field on which a backend's rate is not above the best floor's (the oracle is a ceiling, not a floor)."""

    backend: str
    score: str
    value: float
    floor: str
    floor_value: float


@dataclass(frozen=True, slots=True)
class InTurn:
    """A model that was asked ``asked`` of ``examples``, and whether every comparison with it is settled by them."""

    model: str
    asked: int
    examples: int
    settled: bool


@dataclass(frozen=True, slots=True)
class TaskResult:
    """Everything that a run says of one task."""

    task: str
    title: str
    split: str
    examples: int
    frozen: bool
    checksum: str
    primary: str
    columns: tuple[ModelRun, ...]
    comparisons: tuple[gates.Comparison, ...]
    agreements: tuple[pairing.Agreement, ...]
    unbeaten: tuple[Unbeaten, ...]
    unjudged: tuple[str, ...]
    verdicts: tuple[gates.Verdict, ...]
    regression: Regression | None = None
    """What was lost since a baseline, where the session asked for one."""
    lineage: Lineage | None = None
    """What each step from rung to rung lost, where the session asked for that."""
    idle: tuple[str, ...] = ()
    """A sentence for each adapter that changed no answer of its base."""
    rivals: tuple[Recommendation, ...] = ()
    """Each tested model beside each that it is compared with."""
    relations: tuple[Rate, ...] = ()
    """How often each relation holds for each tested model, where it was tried."""
    looks: tuple[str, ...] = ()
    """A sentence for each tested model, on what it spends of the test split."""
    in_turn: tuple[InTurn, ...] = ()
    """Who was asked until all was settled, where the session was to stop early."""

    def verdict(self, backend: str) -> gates.Verdict | None:
        """The verdict on ``backend``, None where its judged split was not run whole."""
        return next((verdict for verdict in self.verdicts if verdict.backend == backend), None)


def planned_comparisons(
    task: Task,
    backends: Sequence[str],
    against: Sequence[str],
    parents: Mapping[str, str | None],
    margin: float,
    rungs: Collection[str] = (),
) -> list[pairing.Planned]:
    """What is compared in a run.

    Declared hypotheses whose two sides are in the run, then every asked-for pair that none of them covers: by the
    primary score, and with its parent by every score, as no loss beyond ``margin``. Those of ``rungs`` are the
    lineage's to compare.
    """
    present = {*backends, *against, *FLOORS}
    declared = [pair for pair in _declared(task, backends, parents) if pair[2] in present]
    covered = {(candidate, rival) for _, candidate, rival, _ in declared}
    asked = [
        one
        for candidate in backends
        for rival in against
        if (candidate, rival) not in covered and candidate != rival and rival not in rungs
        for one in _asked(task, candidate, rival, margin if parents.get(candidate) == rival else None)
    ]
    return [*declared, *asked]


def _asked(task: Task, candidate: str, rival: str, margin: float | None) -> Iterator[pairing.Planned]:
    if margin is None:
        yield None, candidate, rival, task.primary
        return
    for score in dict.fromkeys(rule.name for example in task.splits["test"] for rule in task.scores_of(example)):
        yield (
            Hypothesis("no_loss", candidate, (rival,), score, margin=margin, declared=False), candidate, rival, score
        )  # fmt: skip


def _declared(
    task: Task, backends: Sequence[str], parents: Mapping[str, str | None]
) -> list[tuple[Hypothesis, str, str, str]]:
    """Every pair that the task declares of these backends, whether or not the other side is in the run."""
    return [
        (hypothesis, candidate, rival, hypothesis.score)
        for hypothesis in task.hypotheses
        for candidate in backends
        if hypothesis.candidate in (None, candidate)
        for named in hypothesis.against
        for rival in [parents.get(candidate) or "its parent" if named == "parent" else named]
        if rival != candidate
    ]


def judge_task(
    task: Task,
    split: str,
    entrants: Sequence[Participant],
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
    answers = {entrant.name: _scored_answers(task, split, entrant, book) for entrant in entrants}
    columns = tuple(column_of(task, split, entrant, answers[entrant.name]) for entrant in entrants)
    whole = _run_whole(task, split, entrants, turns)
    backends = [entrant.name for entrant in entrants if entrant.role == "backend"]
    rungs = lineage[1] if lineage else ()
    against = [entrant.name for entrant in entrants if entrant.role == "against"]
    parents = {entrant.name: entrant.parent for entrant in entrants}
    wanted = planned_comparisons(task, backends, against, parents, margin, rungs)
    planned = [one for one in wanted if {one[1], one[2]} <= whole]
    looks = {entrant.name: Look(entrant.look) for entrant in entrants if entrant.look and entrant.name in whole}
    comparisons = tuple(pairing.comparisons(task, planned, answers, split, turns, looks))
    thresholds = {split if name == "test" else name: least for name, least in task.thresholds.items()}
    verdicts = tuple(
        gates.judge(column.entrant.name, column.rates, thresholds, comparisons, column.failed, tuple(column.unanswered))
        for column in columns
        if column.entrant.role == "backend" and column.entrant.name in whole
    )
    real = [entrant.name for entrant in entrants if entrant.role != "floor"]
    changed = variants(task, split)
    return TaskResult(
        task=task.name,
        title=task.title,
        split=split,
        examples=len(task.splits.get(split, ())),
        frozen=frozen,
        checksum=task.checksum,
        primary=task.primary,
        columns=columns,
        comparisons=comparisons,
        agreements=tuple(
            pairing.agreement(one, two, answers, split)
            for one, two in combinations(real, 2)
            if not {one, two} <= set(rungs)
        ),
        unbeaten=tuple(_unbeaten(columns, split)),
        unjudged=tuple(
            f"{candidate} against {rival} on {score}"
            for _, candidate, rival, score in _declared(task, backends, parents)
            if rival not in {*answers}
        ),
        verdicts=verdicts,
        idle=tuple(unchanged),
        relations=tuple(
            rate
            for entrant in entrants
            if entrant.role == "backend"
            for rate in _relations(task, entrant, changed, answers[entrant.name], book)
        ),
        looks=tuple(
            f"{name}: {look}"
            for name, look in looks.items()
            if any(one.candidate == name and one.kind != "asked" for one in comparisons)
        ),
        rivals=tuple(
            rivalry(
                _side(columns, backend),
                _side(columns, rival),
                answers,
                split,
                task.primary,
                margin,
                next((verdict.status for verdict in verdicts if verdict.backend == backend), None),
                turns.get(rival),
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
        lineage=_lineage(task, split, *lineage, entrants, whole, answers, book) if lineage else None,
    )


def comparisons_with(
    rival: str,
    task: Task,
    split: str,
    entrants: Sequence[Participant],
    book: AnswerBook,
    margin: float,
    rungs: Collection[str],
    turns: pairing.Turns,
) -> list[gates.Comparison]:
    """What ``judge_task`` would say of ``rival``, and nothing else: whether it is settled is asked again and again.

    Alternatives to what is declared of it are judged too, because they share its level.
    """
    backends = [entrant.name for entrant in entrants if entrant.role == "backend"]
    against = [entrant.name for entrant in entrants if entrant.role == "against"]
    parents = {entrant.name: entrant.parent for entrant in entrants}
    whole = _run_whole(task, split, entrants, turns)
    wanted = planned_comparisons(task, backends, against, parents, margin, rungs)
    judged = [one for one in wanted if {one[1], one[2]} <= whole]
    families = {one[0].family for one in judged if one[2] == rival and one[0] is not None and one[0].family}
    planned = [one for one in judged if one[2] == rival or (one[0] is not None and one[0].family in families)]
    names = {name for _, candidate, other, _ in planned for name in (candidate, other)}
    answers = {one.name: _scored_answers(task, split, one, book) for one in entrants if one.name in names}
    looks = {entrant.name: Look(entrant.look) for entrant in entrants if entrant.look and entrant.name in whole}
    found = pairing.comparisons(task, planned, answers, split, turns, looks)
    return [one for one in found if one.against == rival]


def _side(columns: Iterable[ModelRun], name: str) -> Side:
    column = next(column for column in columns if column.entrant.name == name)
    cost, p50 = (column.measurements[row].value if row in column.measurements else None for row in (COST, P50))
    probe = column.entrant.probe
    seconds = fmean(probe.seconds) if probe is not None and probe.seconds else None
    return Side(name, cost, p50, seconds, column.entrant.cost_per_hour)


def unchanged_adapters(entrants: Iterable[Participant], book: AnswerBook) -> Iterator[str]:
    """A sentence for each adapter that changed nothing: every answer is the very text of the base it sits on.

    Known before anything is scored. Base is the parent that is in the run and has no adapter itself.
    """
    known = {entrant.name: entrant for entrant in entrants}
    for entrant in known.values():
        base = known.get(entrant.parent or "")
        if base is None or not Spec.parse(entrant.spec).adapter or Spec.parse(base.spec).adapter:
            continue
        stored = book.stored((*entrant.stored_under, *base.stored_under))
        pairs = [
            (stored[own].completion.text, stored[other].completion.text)
            for example in sorted(entrant.keys.keys() & base.keys.keys())
            for own, other in zip(entrant.keys[example], base.keys[example], strict=False)
            if own in stored and other in stored
        ]
        if pairs and all(own == other for own, other in pairs):
            yield (
                f"{entrant.name}: its adapter changes nothing: all {len(pairs)} answers are the very text of "
                f"{base.name}. Was it trained, and is it the right folder?"
            )


def _lineage(
    task: Task,
    split: str,
    name: str,
    rungs: Sequence[str],
    entrants: Sequence[Participant],
    whole: Collection[str],
    answers: Mapping[str, Mapping[str, Answer]],
    book: AnswerBook,
) -> Lineage | None:
    present = {entrant.name: entrant for entrant in entrants}
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
    entrant: Participant,
    changed: Mapping[str, Perturbed],
    before: Mapping[str, Answer],
    book: AnswerBook,
) -> list[Rate]:
    tried = {name: one for name, one in changed.items() if name in entrant.keys}
    after = book.answers(entrant.name, {name: entrant.keys[name] for name in tried})
    answered = {name: one for name, one in tried.items() if name in after and one.of.id in before}
    found = [(one, held(task, entrant.name, one, before[one.of.id], after[name])) for name, one in answered.items()]
    return rates(task, entrant.name, found, [one for name, one in tried.items() if name not in answered])


def _scored_answers(task: Task, split: str, entrant: Participant, book: AnswerBook) -> dict[str, Answer]:
    """The answers of ``entrant`` to the examples that are scored: perturbed ones have no expected answer."""
    scored = scored_examples(task, split)
    return book.answers(entrant.name, {name: keys for name, keys in entrant.keys.items() if name in scored})


def _run_whole(task: Task, split: str, entrants: Iterable[Participant], turns: pairing.Turns) -> set[str]:
    """Who was asked all of the judged split, or in turn as much of it as was needed."""
    judged = [example.id for example in task.splits.get(split, ())]
    whole = {one.name for one in entrants if one.problem is None and all(name in one.keys for name in judged)}
    return whole | {one.name for one in entrants if turns.get(one.name)}


def _changes(task: Task, before: Sequence[Answer], after: Sequence[Answer]) -> dict[str, MeasurementChange]:
    return {
        rule.name: change(measurement_of(rule), read_numbers(rule.field, before), read_numbers(rule.field, after))
        for rule in task.measurements.values()
    }


def _unbeaten(columns: Sequence[ModelRun], split: str) -> Iterator[Unbeaten]:
    floors = [column for column in columns if column.entrant.role == "floor" and column.entrant.name != "oracle"]
    for column in columns:
        for score, own in column.rates.get(split, {}).items() if column.entrant.role == "backend" else ():
            best = (
                max(
                    (
                        (rate.value, floor.entrant.name)
                        for floor in floors
                        if (rate := floor.rates.get(split, {}).get(score)) is not None and rate.value is not None
                    ),
                    default=None,  # no floor has that score: the task has no data for any
                )
                if score not in ANSWERED
                else None
            )
            if best is not None and own.value is not None and own.value <= best[0]:
                yield Unbeaten(column.entrant.name, score, own.value, best[1], best[0])


def make_run(identity: str, judged: Iterable[TaskResult], command: str, outcomes: Mapping[str, int]) -> dict[str, Any]:
    """The run as it is stored and reported: JSON-able, complete, with what it was run on."""
    return {
        "id": identity,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "environment": {
            "evalkit": evalkit.__version__,
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
        },
        "outcomes": dict(outcomes),
        "tasks": [asdict(task) for task in judged],
    }
