"""One model's figures on one task: a column of a report, from its stored answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.golden.model import ANSWERED, Example, Task
from evalkit.golden.scoring import measurement_of
from evalkit.judging.answer import Answer, is_right
from evalkit.models.latency import Probe, cost_of_time, mean, measured
from evalkit.models.pricing import Price
from evalkit.scorers.measurements.rows import Rows
from evalkit.scorers.values import as_number
from evalkit.stats import scores as metrics
from evalkit.stats.intervals import Estimate

ALSO = ("reference", "malformed")
"""The splits that are run beside the judged one and have lines of their own."""

THINKING = "thinking (characters)"
"""The measurement that a model has whose answers come with reasoning: its mean length."""

COST = "USD per 1,000 calls"
"""The measurement that a model has whose price is known: its mean cost, by what its API says that it used, or by the
seconds that its latency probe took on a machine of known ``cost_per_hour``."""

Role = Literal["backend", "against", "floor"]


@dataclass(frozen=True, slots=True)
class Participant:
    """One model in a run of one task: where the answers to which examples are stored.

    ``keys`` are by example id, one for each of its samples. ``reasons`` say why an example stayed unanswered.
    ``problem`` says why the model could not be run at all (a floor that the task has no data for). ``asked`` tells how
    it was asked, where that is not as the task says and once. ``decoding`` is what its sampler does beside what is
    asked. ``again`` are the keys of second answers to some examples, of a rung of a lineage. ``price`` is what its
    tokens cost, ``cost_per_hour`` what the machine does that it runs on; ``probe`` is what its latency was found to be.
    ``moves`` is true where its name stands for another model from time to time. ``look`` is its number among those that
    were judged on the test split, 0 where it spends no look.
    """

    name: str
    role: Role
    spec: str
    fingerprint: str
    keys: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, str]
    parent: str | None = None
    problem: str | None = None
    asked: str = ""
    decoding: Mapping[str, Any] = field(default_factory=dict)
    again: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    price: Price | None = None
    cost_per_hour: float | None = None
    probe: Probe | None = None
    moves: bool = False
    look: int = 0

    @classmethod
    def stored(cls, table: Mapping[str, Any]) -> Participant:
        """An entrant as a stored run has it; the first runs had one key an example, and none to ask again."""
        keys = {name: (found,) if isinstance(found, str) else tuple(found) for name, found in table["keys"].items()}
        again = {name: tuple(found) for name, found in table.get("again", {}).items()}
        price = Price(**table["price"]) if table.get("price") else None
        probe = Probe.stored(table["probe"]) if table.get("probe") else None
        return cls(**{**table, "keys": keys, "again": again, "price": price, "probe": probe})

    @property
    def stored_under(self) -> Iterator[str]:
        """Every key that one of its answers has."""
        for keys in (*self.keys.values(), *self.again.values()):
            yield from keys


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model's figures on one task. ``complete`` is true when every example of the judged split was selected.

    Rates and measurements rest on examples, each with the mean of its samples; ``defects`` are counted by answer, and
    an example is unanswered where one of its samples is.
    """

    entrant: Participant
    complete: bool
    selected: int
    rates: Mapping[str, Mapping[str, Estimate]]
    measurements: Mapping[str, Estimate]
    defects: Mapping[str, int]
    failed: tuple[str, ...]
    known_fails: Mapping[str, str]
    unanswered: Mapping[str, str]
    examples: Mapping[str, Mapping[str, Any]]


def scored_examples(task: Task, split: str) -> dict[str, Example]:
    """The examples that a run may ask: the judged split's, then those of ``ALSO``, by id."""
    return {example.id: example for name in (split, *ALSO) for example in task.splits.get(name, ())}


def column_of(task: Task, split: str, entrant: Participant, answers: Mapping[str, Answer]) -> ModelRun:
    judged = [answer for answer in answers.values() if answer.example.split == split]
    members = [example.id for example in task.splits.get(split, ())]
    known = scored_examples(task, split)
    defects = Counter(defect for answer in judged for one in answer.each for defect in one.defects)
    scores = {name: {one.name: one.value for one in answer.scores.values()} for name, answer in answers.items()}
    right = {name: is_right(task.primary, values) for name, values in scores.items()}
    return ModelRun(
        entrant=entrant,
        complete=all(name in entrant.keys for name in members),
        selected=sum(name in entrant.keys for name in members),
        rates=_rates(task, (split, *ALSO), answers.values()),
        measurements=_measurements(task, judged, entrant),
        defects=dict(defects.most_common()),
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
            name: entrant.reasons.get(name, "not asked")
            for name in entrant.keys
            if name in known and name not in answers  # a rescored run may know examples that are gone
        },
        examples={
            name: {
                "split": answer.example.split,
                "group": answer.example.group,
                "scores": scores[name],
                "defects": list(dict.fromkeys(defect for one in answer.each for defect in one.defects)),
            }
            for name, answer in answers.items()
        },
    )


def _rates(task: Task, splits: Sequence[str], answers: Collection[Answer]) -> dict[str, dict[str, Estimate]]:
    rates = {}
    for split in splits:
        these = [answer for answer in answers if answer.example.split == split]
        scores = [score for score in (*ANSWERED, *task.scores) if any(score in answer.scores for answer in these)]
        if these:
            rates[split] = {score: _rate(these, score) for score in scores}
    return rates


def _rate(answers: Sequence[Answer], score: str) -> Estimate:
    those = [answer for answer in answers if score in answer.scores]
    return metrics.rate([answer.scores[score].value for answer in those], [answer.example.group for answer in those])


def _measurements(task: Task, answers: Sequence[Answer], entrant: Participant) -> dict[str, Estimate]:
    found = {
        rule.name: measurement_of(rule).estimate(read_numbers(rule.field, answers))
        for rule in task.measurements.values()
    }
    each = [(one, answer.example.id) for answer in answers for one in answer.each]
    # How much was reasoned before the answers, over those that were reasoned about; and what an answer costs.
    thought = [(float(len(one.output.thinking)), name) for one, name in each if one.output.thinking is not None]
    price, probe = entrant.price, entrant.probe
    paid = [(1000 * price.of(usage), name) for one, name in each if price and (usage := one.completion.usage)]
    found |= {name: mean(*zip(*values, strict=True)) for name, values in ((THINKING, thought), (COST, paid)) if values}
    if probe is not None and probe.problem is None and entrant.cost_per_hour is not None and not paid:
        found[COST] = cost_of_time(probe, entrant.cost_per_hour)
    return found | (measured(probe) if probe else {})


def read_numbers(field_name: str, answers: Iterable[Answer]) -> Rows:
    """What was got and expected of a number field, where there is a number: an unreadable answer has none, and a schema
    may allow null or text beside it."""
    rows = [
        (got, expected, answer.example.id)
        for answer in answers
        for one in answer.each
        if (got := as_number((one.value or {}).get(field_name))) is not None
        and (expected := as_number(answer.example.expected.get(field_name))) is not None
    ]
    return Rows.of([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
