"""Puts a run together from stored completions: every figure that a report shows is from here.

A run is a pure function of the task, the completions and what was selected: it is made at the end of a
session, made again by ``evalkit rescore``, and rendered by the reports, which compute nothing.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from statistics import fmean

import evalkit
from evalkit.golden.model import ANSWERED, Task
from evalkit.golden.perturbations import perturbed_examples
from evalkit.golden.scoring import measurement_of
from evalkit.judging import comparison as pairing
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.judging.comparison import Comparison
from evalkit.judging.early_stopping import settled
from evalkit.judging.lineage import Lineage, follow
from evalkit.judging.lineage_steps import LineageTerms, MissingRung, Rung
from evalkit.judging.measurement_change import MeasurementChange, change
from evalkit.judging.notes import LookSpent, ServedAs, UnchangedAdapter
from evalkit.judging.planned import declared_comparisons
from evalkit.judging.readings import readings_of
from evalkit.judging.recommendation import PairTerms, Recommendation, Side, recommend, recommend_peers
from evalkit.judging.relation_check import Rate, held, rates
from evalkit.judging.verdict import Verdict
from evalkit.models.backend import Spec
from evalkit.models.latency import P50
from evalkit.models.served_name import is_same_model
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.comparison_count import count_comparisons
from evalkit.runs.details import detailed, with_details
from evalkit.runs.model_run import COST, model_run_of
from evalkit.runs.record import InTurn, ModelRun, Participation, Run, TaskResult, Unbeaten
from evalkit.runs.verdicts import figures_of, figures_of_lineage, not_judged_of, verdicts_of
from evalkit.stats.intervals import Estimate

NOT_ESTIMABLE = Estimate(None, None, None, 0)


def judge_task(asked_task: AskedTask, unchanged: Sequence[UnchangedAdapter] = ()) -> TaskResult:
    """Judges one task. ``unchanged`` is what ``unchanged_adapters`` says of those who took part."""
    task, split = asked_task.task, asked_task.split
    answers = {part.name: asked_task.answers(part) for part in asked_task.participations}
    parts = [asked_task.explained(part) for part in asked_task.participations]  # the answers were read now
    model_runs = tuple(model_run_of(task, split, part, answers[part.name]) for part in parts)
    not_held = {model_run.name for model_run in model_runs if model_run.not_obeyed is not None}
    held = [plan for plan in asked_task.planned if plan.against not in not_held]
    only_figures = [plan for plan in asked_task.planned if plan.against in not_held]
    comparisons = (
        *asked_task.compared(held, answers),
        *figures_of(asked_task.compared(only_figures, answers)),
    )
    not_judged = not_judged_of(asked_task, model_runs)
    verdicts, no_verdicts = verdicts_of(asked_task, answers, model_runs, comparisons, not_judged)
    rivals = tuple(_recommendations(asked_task, answers, model_runs, verdicts))
    lineage = _lineage(asked_task, *asked_task.lineage, answers) if asked_task.lineage else None
    return TaskResult(
        task=task.name,
        title=task.title,
        split=split,
        examples=len(asked_task.judged),
        frozen=asked_task.frozen,
        checksum=task.checksum,
        primary=task.primary,
        model_runs=with_details(task, split, model_runs, answers, detailed(task, asked_task.lineup)),
        comparisons=comparisons if asked_task.why_no_verdict is None else figures_of(comparisons),
        agreements=tuple(_agreements(asked_task, answers)),
        unbeaten=tuple(_unbeaten(task, model_runs, split)),
        unjudged=not_judged,
        verdicts=verdicts,
        no_verdicts=no_verdicts,
        unchanged_adapters=tuple(unchanged),
        relations=tuple(_relations(asked_task, answers)),
        looks=tuple(_looks(asked_task, comparisons)),
        rivals=rivals,
        in_turn=tuple(_in_turn(asked_task, comparisons)),
        lineage=lineage,
        corrections=count_comparisons(comparisons, model_runs, rivals, lineage),
        served_as=tuple(_served_as(asked_task, answers)),
    )


def unjudged_task(asked_task: AskedTask, problem: str) -> TaskResult:
    """What is kept of a task that could not be judged because of a ``problem`` of ours: who was asked what, so that
    ``evalkit rescore`` judges it once that is mended."""
    task, split = asked_task.task, asked_task.split
    judged = asked_task.judged
    model_runs = [
        ModelRun(
            participant=part.participant,
            complete=all(name in part.keys for name in judged),
            selected=sum(name in part.keys for name in judged),
            rates={}, measurements={}, defects={}, failed=(), known_fails={}, unanswered=dict(part.reasons),
        )
        for part in asked_task.participations
    ]  # fmt: skip
    return TaskResult(
        task=task.name, title=task.title, split=split, examples=len(judged), frozen=asked_task.frozen,
        checksum=task.checksum, primary=task.primary, model_runs=tuple(model_runs), comparisons=(), agreements=(),
        unbeaten=(), unjudged=not_judged_of(asked_task, model_runs), verdicts=(), problem=problem,
    )  # fmt: skip


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


def _agreements(asked_task: AskedTask, answers: pairing.Answers) -> Iterator[pairing.Agreement]:
    rungs = set(asked_task.lineup.rungs)
    real = [part.name for part in asked_task.participations if part.role != "floor"]
    for first, second in combinations(real, 2):
        if not {first, second} <= rungs:
            yield pairing.agreement(first, second, answers, asked_task.split)


def _looks(asked_task: AskedTask, comparisons: Sequence[Comparison]) -> Iterator[LookSpent]:
    judged = {comparison.candidate for comparison in comparisons if comparison.declared}
    for part in asked_task.participations:
        participant, has_level = part.participant, part.name in asked_task.looks and part.name in judged
        if participant.look:
            yield LookSpent(
                part.name, participant.look, participant.planned_looks, participant.looks_left, has_level,
                participant.look_choices,
            )  # fmt: skip


def _served_as(asked_task: AskedTask, answers: pairing.Answers) -> Iterator[ServedAs]:
    for part in asked_task.participations:
        asked = Spec.parse(part.participant.spec).place
        attempts = [
            attempt for answer in answers[part.name].values() for sample in answer.each for attempt in sample.attempts
        ]
        names = Counter(attempt.completion.model for attempt in attempts if attempt.completion.model)
        if len(names) > 1 or not all(is_same_model(asked, name) for name in names):
            yield ServedAs(part.name, asked, dict(names.most_common()))


def _recommendations(
    asked_task: AskedTask, answers: pairing.Answers, model_runs: Sequence[ModelRun], verdicts: Sequence[Verdict]
) -> Iterator[Recommendation]:
    lineup = asked_task.lineup
    # Who was not held to its schema is nobody that one could pick.
    whole = asked_task.whole - {model_run.name for model_run in model_runs if model_run.not_obeyed is not None}
    statuses = {verdict.backend: verdict.status for verdict in verdicts}
    declared = {(plan.candidate, plan.against) for plan in declared_comparisons(asked_task.task, lineup)}

    def terms(turn: Sequence[str] | None = None) -> PairTerms:
        return PairTerms(answers, asked_task.split, asked_task.task.primary, asked_task.margin, turn)

    for backend in lineup.backends:
        for rival in lineup.against:
            is_wanted = rival not in lineup.joined or (backend, rival) in declared
            if rival not in lineup.rungs and is_wanted and {backend, rival} <= whole:
                yield recommend(
                    _side(model_runs, backend),
                    _side(model_runs, rival),
                    terms(asked_task.turns.get(rival)),
                    statuses.get(backend),
                )
    yield from recommend_peers(
        [_side(model_runs, name) for name in lineup.backends if name in whole], terms(), statuses
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
            for last, base_last in zip(part.keys[example], base.keys[example], strict=False)
            for key, base_key in [(part.attempts(last)[0], base.attempts(base_last)[0])]
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
        unanswered = [example for example in judged if problem is None and example not in answers[part.name]]
        missing = None
        if problem is not None or unanswered:
            first = unanswered[0] if unanswered else ""
            why = asked_task.why_unanswered(part, first) if first else ""
            missing = MissingRung(problem or "", len(unanswered), len(judged), first, why)
        again = asked_task.book.answers(part.name, part.again)
        settings = None if participant.recorded else participant.decoding
        followed.append(Rung(part.name, participant.parent, settings, again, missing))
    task = asked_task.task
    terms = LineageTerms(task, asked_task.split, asked_task.margin, lambda *pair: _changes(task, *pair))
    lineage = follow(name, followed, answers, terms)
    return lineage if asked_task.why_no_verdict is None else figures_of_lineage(lineage)


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
        rule.name: change(measurement_of(rule), readings_of(rule, before), readings_of(rule, after))
        for rule in task.measurements.values()
    }


def _unbeaten(task: Task, model_runs: Sequence[ModelRun], split: str) -> Iterator[Unbeaten]:
    """What tested models do no better than `words`, and than the best of the floors that read nothing."""
    floors = [each for each in model_runs if each.participant.role == "floor" and each.name != "oracle"]
    reading = [floor for floor in floors if floor.name == "words"]
    blind = [floor for floor in floors if floor.name != "words"]
    for model_run in model_runs:
        if model_run.participant.role == "backend":
            for score, estimate in model_run.rates.get(split, {}).items():
                for group in (reading, blind) if score not in ANSWERED else ():
                    best = _best([(floor.name, floor.rates.get(split, {}).get(score)) for floor in group])
                    if best is not None and estimate.value is not None and estimate.value <= best[0]:
                        yield Unbeaten(model_run.name, score, estimate.value, best[1], best[0])
            for name in (name for name, rule in task.measurements.items() if measurement_of(rule).is_error):
                estimate = model_run.measurements.get(name, NOT_ESTIMABLE)
                for group in (reading, blind):
                    lowest = _best([(floor.name, floor.measurements.get(name)) for floor in group], least=True)
                    if lowest is not None and estimate.value is not None and estimate.value >= lowest[0]:
                        yield Unbeaten(
                            model_run.name, name, estimate.value, lowest[1], lowest[0], estimate.n, lowest[2]
                        )


def _best(figures: Iterable[tuple[str, Estimate | None]], least: bool = False) -> tuple[float, str, int] | None:
    """The highest (or the ``least``) of the floors' figures, the floor and its n; None where there is none."""
    known = [
        (estimate.value, name, estimate.n) for name, estimate in figures if estimate and estimate.value is not None
    ]
    return (min if least else max)(known, default=None)


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
