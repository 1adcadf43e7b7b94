"""One model's figures on one task, from its stored answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from evalkit.golden.model import ANSWERED, Example, Task
from evalkit.golden.scoring import measurement_of
from evalkit.judging.answer import Answer, is_right
from evalkit.judging.not_obeyed import not_obeyed
from evalkit.judging.own_reasoning import OwnReasoning, own_reasoning
from evalkit.judging.readings import readings_of
from evalkit.judging.wholesale import wholesale
from evalkit.models.latency import cost_of_time, mean, measured
from evalkit.runs.record import ModelRun, Participant, Participation
from evalkit.stats.intervals import Estimate
from evalkit.stats.rates import rate

ALSO = ("reference", "malformed")
"""The splits that are run beside the judged one and have lines of their own."""

THINKING = "thinking (characters)"
"""The measurement that a model has whose answers come with reasoning: its mean length."""

COST = "USD per 1,000 calls"
"""The measurement that a model has whose price is known: its mean cost, by what its API says that it used, or by the
seconds that its latency probe took on a machine of known ``cost_per_hour``."""


def scored_examples(task: Task, split: str) -> dict[str, Example]:
    """The examples that a run may ask: the judged split's, then those of ``ALSO``, by id."""
    return {example.id: example for name in (split, *ALSO) for example in task.splits.get(name, ())}


def model_run_of(task: Task, split: str, part: Participation, answers: Mapping[str, Answer]) -> ModelRun:
    """The figures of one model on the judged split and on those beside it."""
    judged = [answer for answer in answers.values() if answer.example.split == split]
    members = [example.id for example in task.splits.get(split, ())]
    scored = scored_examples(task, split)
    defects = Counter(defect for answer in judged for sample in answer.each for defect in sample.defects)
    scores = {
        name: {sample.name: sample.value for sample in answer.scores.values()} for name, answer in answers.items()
    }
    right = {name: is_right(task.primary, values) for name, values in scores.items()}
    reasoning = own_reasoning(task, part.name, part.participant.thinking, judged)
    return ModelRun(
        participant=part.participant,
        complete=all(name in part.keys for name in members),
        selected=sum(name in part.keys for name in members),
        rates=_rates(task, (split, *ALSO), answers.values()),
        measurements=_measurements(task, judged, part.participant) | _lengths(reasoning),
        own_reasoning=reasoning,
        defects=dict(defects.most_common()),
        not_obeyed=not_obeyed(part.name, answers.values(), part.participant.obeyed),
        wholesale=wholesale(judged) if part.role != "floor" else (),
        failed=tuple(
            name
            for name, answer in answers.items()
            if answer.example.must_pass and not answer.example.known_fail and not right[name]
        ),
        known_fails={
            name: "is right now: take its known_fail away" if right[name] else answer.example.known_fail
            for name, answer in answers.items()
            if answer.example.known_fail
        },
        unanswered={
            name: part.reasons.get(name, "not asked")
            for name in part.keys
            if name in scored and name not in answers  # a rescored run may know examples that are gone
        },
        asked_again=sum(any(sample.earlier for sample in answer.each) for answer in judged),
        more_attempts=sum(len(sample.earlier) for answer in judged for sample in answer.each),
    )


def _rates(task: Task, splits: Sequence[str], answers: Collection[Answer]) -> dict[str, dict[str, Estimate]]:
    rates = {}
    for split in splits:
        these = [answer for answer in answers if answer.example.split == split]
        scores = [score for score in (*ANSWERED, *task.scores) if any(score in answer.scores for answer in these)]
        if these:
            rates[split] = {score: rate_of(these, score) for score in scores}
    return rates


def rate_of(answers: Sequence[Answer], score: str) -> Estimate:
    """The rate of a score over those of ``answers`` that have it."""
    those = [answer for answer in answers if score in answer.scores]
    return rate([answer.scores[score].value for answer in those], [answer.example.group for answer in those])


def _lengths(reasoning: OwnReasoning | None) -> dict[str, Estimate]:
    """How the length of its own reasoning goes with its answers (Spearman's rho)."""
    ties = reasoning.ties if reasoning else ()
    return {
        f"thinking length to {tie.name}{' too high' if tie.field else ''} (rho)": Estimate(tie.rho, None, None, tie.n)
        for tie in ties
    }


def _measurements(task: Task, answers: Sequence[Answer], participant: Participant) -> dict[str, Estimate]:
    measurements = {
        rule.name: measurement_of(rule).estimate(readings_of(rule, answers)) for rule in task.measurements.values()
    }
    each = [(sample, answer.example.id) for answer in answers for sample in answer.each]
    # How much was reasoned before the answers, over those that were reasoned about; and what an answer costs.
    thought = [
        (float(len(sample.output.thinking)), name) for sample, name in each if sample.output.thinking is not None
    ]
    price, probe = participant.price, participant.probe
    paid = [(1000 * price.of(usage), name) for sample, name in each if price and (usage := sample.spent.usage)]
    measurements |= {
        name: mean(*zip(*values, strict=True)) for name, values in ((THINKING, thought), (COST, paid)) if values
    }
    if probe is not None and probe.problem is None and participant.cost_per_hour is not None and not paid:
        measurements[COST] = cost_of_time(probe, participant.cost_per_hour)
    return measurements | (measured(probe) if probe else {})
