"""Puts a run together from stored completions: every figure that a report shows is from here.

A run is a pure function of the task, the completions and what was selected: it is made at the end of a
session, made again by ``evalkit rescore``, and rendered by the reports, which compute nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations
from statistics import fmean

import evalkit
from evalkit.golden.looks import Look
from evalkit.golden.model import ANSWERED, Task
from evalkit.golden.perturbations import perturbed_examples
from evalkit.golden.scoring import measurement_of
from evalkit.judging import comparison as pairing
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.judging.comparison import Comparison
from evalkit.judging.early_stopping import settled
from evalkit.judging.lineage import Lineage, Rung, follow
from evalkit.judging.measurement_change import MeasurementChange, change
from evalkit.judging.notes import LookSpent, NotJudged, UnchangedAdapter
from evalkit.judging.planned import Lineup, Planned, declared_comparisons, planned_comparisons
from evalkit.judging.recommendation import Recommendation, Rivalry, Side, recommend
from evalkit.judging.relation_check import Rate, held, rates
from evalkit.judging.verdict import Verdict, judge
from evalkit.models.backend import Spec
from evalkit.models.latency import P50
from evalkit.runs.model_run import COST, model_run_of, read_numbers, scored_examples
from evalkit.runs.record import InTurn, ModelRun, Participation, Role, Run, TaskResult, Unbeaten


@dataclass(frozen=True, slots=True)
class AskedTask:
    """One task as it was asked: who took part, and the book with their answers.

    ``frozen`` tells whether its data are those that were frozen, ``margin`` is for pairs that were only asked for,
    ``lineage`` is a name with its rungs. ``turns`` has those that were asked in turn, with the examples of the judged
    split that they were asked.
    """

    task: Task
    split: str
    participations: Sequence[Participation]
    book: AnswerBook
    margin: float
    frozen: bool = True
    lineage: tuple[str, Sequence[str]] | None = None
    turns: pairing.Turns = field(default_factory=dict)

    @property
    def judged(self) -> list[str]:
        """The examples of the judged split."""
        return [example.id for example in self.task.splits.get(self.split, ())]

    @property
    def lineup(self) -> Lineup:
        """Who is tested and who is compared with."""
        return Lineup(
            self._of_role("backend"),
            self._of_role("against"),
            {part.name: part.participant.parent for part in self.participations},
            self.lineage[1] if self.lineage else (),
        )

    def _of_role(self, role: Role) -> list[str]:
        return [part.name for part in self.participations if part.role == role]

    @property
    def whole(self) -> frozenset[str]:
        """Who was asked all of the judged split, or in turn as much of it as was needed."""
        judged = self.judged
        return frozenset(
            part.name
            for part in self.participations
            if self.turns.get(part.name)
            or (part.participant.problem is None and all(name in part.keys for name in judged))
        )

    @property
    def looks(self) -> dict[str, Look]:
        """The looks that are spent, by model."""
        whole = self.whole
        return {
            part.name: Look(part.participant.look)
            for part in self.participations
            if part.participant.look and part.name in whole
        }

    @property
    def planned(self) -> list[Planned]:
        """What is compared: of what the task declares and what was asked for, that of which both sides were run."""
        whole = self.whole
        return [
            plan
            for plan in planned_comparisons(self.task, self.lineup, self.margin)
            if {plan.candidate, plan.against} <= whole
        ]

    def answers(self, part: Participation) -> dict[str, Answer]:
        """Its answers to the examples that are scored: perturbed ones have no expected answer."""
        scored = scored_examples(self.task, self.split)
        return self.book.answers(part.name, {name: keys for name, keys in part.keys.items() if name in scored})

    def compared(self, planned: Sequence[Planned], answers: pairing.Answers) -> list[Comparison]:
        """Every planned pair, judged."""
        return list(pairing.comparisons(self.task, planned, answers, self.split, self.turns, self.looks))


def judge_task(asked_task: AskedTask, unchanged: Sequence[UnchangedAdapter] = ()) -> TaskResult:
    """Judges one task. ``unchanged`` is what ``unchanged_adapters`` says of those who took part."""
    task, split = asked_task.task, asked_task.split
    answers = {part.name: asked_task.answers(part) for part in asked_task.participations}
    model_runs = tuple(model_run_of(task, split, part, answers[part.name]) for part in asked_task.participations)
    comparisons = tuple(asked_task.compared(asked_task.planned, answers))
    verdicts = tuple(_verdicts(asked_task, model_runs, comparisons))
    return TaskResult(
        task=task.name,
        title=task.title,
        split=split,
        examples=len(asked_task.judged),
        frozen=asked_task.frozen,
        checksum=task.checksum,
        primary=task.primary,
        model_runs=model_runs,
        comparisons=comparisons,
        agreements=tuple(_agreements(asked_task, answers)),
        unbeaten=tuple(_unbeaten(model_runs, split)),
        unjudged=tuple(_unjudged(asked_task)),
        verdicts=verdicts,
        unchanged_adapters=tuple(unchanged),
        relations=tuple(_relations(asked_task, answers)),
        looks=tuple(_looks(asked_task, comparisons)),
        rivals=tuple(_recommendations(asked_task, answers, model_runs, verdicts)),
        in_turn=tuple(_in_turn(asked_task, comparisons)),
        lineage=_lineage(asked_task, *asked_task.lineage, answers) if asked_task.lineage else None,
    )


def comparisons_with(rival: str, asked_task: AskedTask) -> list[Comparison]:
    """What ``judge_task`` would say of ``rival``, and nothing else: whether it is settled is asked again and again.

    Alternatives to what is declared of it are judged too, because they share its level.
    """
    planned = asked_task.planned
    families = {plan.family for plan in planned if plan.against == rival and plan.family}
    needed = [plan for plan in planned if plan.against == rival or plan.family in families]
    names = {name for plan in needed for name in (plan.candidate, plan.against)}
    answers = {part.name: asked_task.answers(part) for part in asked_task.participations if part.name in names}
    return [comparison for comparison in asked_task.compared(needed, answers) if comparison.against == rival]


def _verdicts(
    asked_task: AskedTask, model_runs: Iterable[ModelRun], comparisons: Sequence[Comparison]
) -> Iterator[Verdict]:
    thresholds = {
        asked_task.split if name == "test" else name: least for name, least in asked_task.task.thresholds.items()
    }
    whole = asked_task.whole
    for model_run in model_runs:
        if model_run.participant.role == "backend" and model_run.name in whole:
            failed, unanswered = model_run.failed, tuple(model_run.unanswered)
            yield judge(model_run.name, model_run.rates, thresholds, comparisons, failed, unanswered)


def _agreements(asked_task: AskedTask, answers: pairing.Answers) -> Iterator[pairing.Agreement]:
    rungs = set(asked_task.lineup.rungs)
    real = [part.name for part in asked_task.participations if part.role != "floor"]
    for first, second in combinations(real, 2):
        if not {first, second} <= rungs:
            yield pairing.agreement(first, second, answers, asked_task.split)


def _unjudged(asked_task: AskedTask) -> Iterator[NotJudged]:
    present = {part.name for part in asked_task.participations}
    for _, candidate, rival, score in declared_comparisons(asked_task.task, asked_task.lineup):
        if rival not in present:
            yield NotJudged(candidate, rival, score)


def _looks(asked_task: AskedTask, comparisons: Sequence[Comparison]) -> Iterator[LookSpent]:
    for name, look in asked_task.looks.items():
        if any(comparison.candidate == name and comparison.declared for comparison in comparisons):
            yield LookSpent(name, look.number)


def _recommendations(
    asked_task: AskedTask, answers: pairing.Answers, model_runs: Sequence[ModelRun], verdicts: Sequence[Verdict]
) -> Iterator[Recommendation]:
    lineup, whole = asked_task.lineup, asked_task.whole
    statuses = {verdict.backend: verdict.status for verdict in verdicts}
    for backend in lineup.backends:
        for rival in lineup.against:
            if rival not in lineup.rungs and {backend, rival} <= whole:
                yield recommend(
                    _side(model_runs, backend),
                    _side(model_runs, rival),
                    Rivalry(
                        answers,
                        asked_task.split,
                        asked_task.task.primary,
                        asked_task.margin,
                        asked_task.turns.get(rival),
                    ),
                    statuses.get(backend),
                )


def _in_turn(asked_task: AskedTask, comparisons: Sequence[Comparison]) -> Iterator[InTurn]:
    for name, examples in asked_task.turns.items():
        if examples:
            with_it = (comparison for comparison in comparisons if comparison.against == name)
            yield InTurn(name, len(examples), len(asked_task.judged), settled(with_it))


def _side(model_runs: Iterable[ModelRun], name: str) -> Side:
    model_run = next(model_run for model_run in model_runs if model_run.name == name)
    cost, p50 = (model_run.measurements[row].value if row in model_run.measurements else None for row in (COST, P50))
    probe = model_run.participant.probe
    seconds = fmean(probe.seconds) if probe is not None and probe.seconds else None
    return Side(name, cost, p50, seconds, model_run.participant.cost_per_hour)


def unchanged_adapters(participations: Iterable[Participation], book: AnswerBook) -> Iterator[UnchangedAdapter]:
    """Each adapter that changed nothing: every answer is the very text of the base it sits on.

    Known before anything is scored. Base is the parent that is in the run and has no adapter itself.
    """
    parts = {part.name: part for part in participations}
    for part in parts.values():
        base = parts.get(part.participant.parent or "")
        if base is None or not Spec.parse(part.participant.spec).adapter or Spec.parse(base.participant.spec).adapter:
            continue
        stored = book.stored((*part.stored_under, *base.stored_under))
        pairs = [
            (stored[key].completion.text, stored[base_key].completion.text)
            for example in sorted(part.keys.keys() & base.keys.keys())
            for key, base_key in zip(part.keys[example], base.keys[example], strict=False)
            if key in stored and base_key in stored
        ]
        if pairs and all(key == base_key for key, base_key in pairs):
            yield UnchangedAdapter(part.name, base.name, len(pairs))


def _lineage(asked_task: AskedTask, name: str, rungs: Sequence[str], answers: pairing.Answers) -> Lineage | None:
    parts = {part.name: part for part in asked_task.participations}
    whole = asked_task.whole
    if not any(parts[rung].participant.problem is None and rung in whole for rung in rungs if rung in parts):
        return None  # a part of the split was selected: nothing is said of steps
    judged = asked_task.judged
    followed = []
    for part in (parts[rung] for rung in rungs if rung in parts):
        participant = part.participant
        problem = participant.problem
        if problem is None and (unanswered := [example for example in judged if example not in answers[part.name]]):
            reason = part.reasons.get(unanswered[0], "it was not asked")
            problem = f"{len(unanswered)} of {len(judged)} examples stayed unanswered ({unanswered[0]}: {reason})"
        again = asked_task.book.answers(part.name, part.again)
        followed.append(Rung(part.name, participant.parent, participant.decoding, again, problem))
    return follow(
        name,
        asked_task.task,
        asked_task.split,
        followed,
        answers,
        lambda before, after: _changes(asked_task.task, before, after),
    )


def _relations(asked_task: AskedTask, answers: pairing.Answers) -> Iterator[Rate]:
    changed = perturbed_examples(asked_task.task, asked_task.split)
    for part in asked_task.participations:
        if part.role != "backend":
            continue
        before = answers[part.name]
        tried = {name: perturbed for name, perturbed in changed.items() if name in part.keys}
        after = asked_task.book.answers(part.name, {name: part.keys[name] for name in tried})
        both = {name: perturbed for name, perturbed in tried.items() if name in after and perturbed.of.id in before}
        results = [
            (perturbed, held(asked_task.task, part.name, perturbed, before[perturbed.of.id], after[name]))
            for name, perturbed in both.items()
        ]
        yield from rates(
            asked_task.task, part.name, results, [perturbed for name, perturbed in tried.items() if name not in both]
        )


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
        for score, estimate in (
            model_run.rates.get(split, {}).items() if model_run.participant.role == "backend" else ()
        ):
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
            if best is not None and estimate.value is not None and estimate.value <= best[0]:
                yield Unbeaten(model_run.name, score, estimate.value, best[1], best[0])


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
