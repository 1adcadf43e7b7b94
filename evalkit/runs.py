"""Puts a run together from stored completions: every figure that a report shows is computed here.

A run is a pure function of the task, the completions and what was selected: it is made at the end of a
session, made again by ``evalkit rescore``, and rendered by the reports, which compute nothing.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from statistics import fmean
from typing import Any, Literal

import evalkit
from evalkit import gates, metrics
from evalkit.answers import Answer, Marker, averaged, is_right
from evalkit.measures import MEASURES, Rows
from evalkit.prompts import canonical
from evalkit.regressions import Regression
from evalkit.scorers.number import as_number
from evalkit.stats.holm import holm
from evalkit.stats.intervals import Estimate
from evalkit.store import Kept
from evalkit.tasks import ANSWERED, Example, Hypothesis, Task

FLOORS = ("empty", "majority", "error", "oracle")
"""The backends that stand beside every model, whether asked for or not."""

ALSO = ("reference", "malformed")
"""The splits that are run beside the judged one and have lines of their own."""

Role = Literal["backend", "against", "floor"]


@dataclass(frozen=True, slots=True)
class Entrant:
    """One model in a run of one task: where the answers to which examples are stored.

    ``keys`` are by example id, one for each of its samples. ``reasons`` say why an example stayed unanswered.
    ``problem`` says why the model could not be run at all (a floor that the task has no data for). ``asked`` tells how
    it was asked, where that is not as the task says and once.
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

    @classmethod
    def stored(cls, table: Mapping[str, Any]) -> Entrant:
        """An entrant as a stored run has it; the first runs had one key an example."""
        keys = {name: (found,) if isinstance(found, str) else tuple(found) for name, found in table["keys"].items()}
        return cls(**{**table, "keys": keys})


@dataclass(frozen=True, slots=True)
class Column:
    """One model's figures on one task. ``complete`` is true when every example of the judged split was selected.

    Rates and measurements rest on examples, each with the mean of its samples; ``defects`` are counted by answer, and
    an example is unanswered where one of its samples is.
    """

    entrant: Entrant
    complete: bool
    selected: int
    rates: Mapping[str, Mapping[str, Estimate]]
    measurements: Mapping[str, Estimate]
    defects: Mapping[str, int]
    failed: tuple[str, ...]
    known_fails: Mapping[str, str]
    unanswered: Mapping[str, str]
    examples: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two models gave the same answer: the same text, and the same object. Counted sample by sample."""

    first: str
    second: str
    same_text: int
    same_object: int
    n: int


@dataclass(frozen=True, slots=True)
class Unbeaten:
    """A field on which a backend's rate is not above the best floor's (the oracle is a ceiling, not a floor)."""

    backend: str
    score: str
    value: float
    floor: str
    floor_value: float


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that a run says of one task."""

    task: str
    title: str
    split: str
    examples: int
    frozen: bool
    checksum: str
    primary: str
    columns: tuple[Column, ...]
    comparisons: tuple[gates.Comparison, ...]
    agreements: tuple[Agreement, ...]
    unbeaten: tuple[Unbeaten, ...]
    unjudged: tuple[str, ...]
    verdicts: tuple[gates.Verdict, ...]
    regression: Regression | None = None
    """What was lost since a baseline, where the session asked for one."""

    def verdict(self, backend: str) -> gates.Verdict | None:
        """The verdict on ``backend``, None where its judged split was not run whole."""
        return next((verdict for verdict in self.verdicts if verdict.backend == backend), None)


def scored_examples(task: Task, split: str) -> dict[str, Example]:
    """The examples that a run may ask: the judged split's, then those of ``ALSO``, by id."""
    return {example.id: example for name in (split, *ALSO) for example in task.splits.get(name, ())}


def planned_comparisons(
    task: Task, backends: Sequence[str], against: Sequence[str], parents: Mapping[str, str | None]
) -> list[tuple[Hypothesis | None, str, str, str]]:
    """What is compared in a run: ``(hypothesis, candidate, against, score)``.

    Declared hypotheses whose two sides are in the run, then every asked-for pair that none of them covers.
    """
    present = {*backends, *against, *FLOORS}
    declared = [pair for pair in _declared(task, backends, parents) if pair[2] in present]
    covered = {(candidate, rival) for _, candidate, rival, _ in declared}
    asked: list[tuple[Hypothesis | None, str, str, str]] = [
        (None, candidate, rival, task.primary)
        for candidate in backends
        for rival in against
        if (candidate, rival) not in covered and candidate != rival
    ]
    return [*declared, *asked]


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


def judge_task(task: Task, split: str, entrants: Sequence[Entrant], kept: Mapping[str, Kept], frozen: bool) -> Judged:
    """Scores and judges one task from stored completions (``kept``, by key)."""
    marker = Marker(task)
    examples = scored_examples(task, split)
    answers = {entrant.name: _answers(marker, entrant, examples, kept) for entrant in entrants}
    columns = tuple(_column(task, split, entrant, answers[entrant.name]) for entrant in entrants)
    whole = {column.entrant.name for column in columns if column.complete and column.entrant.problem is None}
    backends = [entrant.name for entrant in entrants if entrant.role == "backend"]
    against = [entrant.name for entrant in entrants if entrant.role == "against"]
    parents = {entrant.name: entrant.parent for entrant in entrants}
    planned = [one for one in planned_comparisons(task, backends, against, parents) if {one[1], one[2]} <= whole]
    comparisons = tuple(_comparisons(task, planned, answers, split))
    thresholds = {split if name == "test" else name: least for name, least in task.thresholds.items()}
    verdicts = tuple(
        gates.judge(column.entrant.name, column.rates, thresholds, comparisons, column.failed, tuple(column.unanswered))
        for column in columns
        if column.entrant.role == "backend" and column.entrant.name in whole
    )
    real = [entrant.name for entrant in entrants if entrant.role != "floor"]
    return Judged(
        task=task.name,
        title=task.title,
        split=split,
        examples=len(task.splits.get(split, ())),
        frozen=frozen,
        checksum=task.checksum,
        primary=task.primary,
        columns=columns,
        comparisons=comparisons,
        agreements=tuple(_agreement(one, two, answers, split) for one, two in combinations(real, 2)),
        unbeaten=tuple(_unbeaten(columns, split)),
        unjudged=tuple(
            f"{candidate} against {rival} on {score}"
            for _, candidate, rival, score in _declared(task, backends, parents)
            if rival not in {*answers}
        ),
        verdicts=verdicts,
    )


def _answers(
    marker: Marker, entrant: Entrant, examples: Mapping[str, Example], kept: Mapping[str, Kept]
) -> dict[str, Answer]:
    return {
        name: averaged(
            [marker.mark(entrant.name, examples[name], kept[key].request, kept[key].completion) for key in keys]
        )
        for name, keys in entrant.keys.items()
        if name in examples and all(key in kept for key in keys)
    }


def _column(task: Task, split: str, entrant: Entrant, answers: Mapping[str, Answer]) -> Column:
    judged = [answer for answer in answers.values() if answer.example.split == split]
    members = [example.id for example in task.splits.get(split, ())]
    known = scored_examples(task, split)
    defects = Counter(defect for answer in judged for one in answer.each for defect in one.defects)
    scores = {name: {one.name: one.value for one in answer.scores.values()} for name, answer in answers.items()}
    right = {name: is_right(task.primary, values) for name, values in scores.items()}
    return Column(
        entrant=entrant,
        complete=all(name in entrant.keys for name in members),
        selected=sum(name in entrant.keys for name in members),
        rates=_rates(task, (split, *ALSO), answers.values()),
        measurements=_measurements(task, judged),
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


def _measurements(task: Task, answers: Sequence[Answer]) -> dict[str, Estimate]:
    found = {}
    for rule in task.measurements.values():
        # A schema may allow null or text beside a number: these have no value, as an unreadable answer has none.
        rows = [
            (got, expected, answer.example.id)
            for answer in answers
            for one in answer.each
            if (got := as_number((one.value or {}).get(rule.field))) is not None
            and (expected := as_number(answer.example.expected.get(rule.field))) is not None
        ]
        read = Rows.of([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
        found[rule.name] = MEASURES[rule.measure](read, rule.options)
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two models on the examples that both answered, by one score, before anything is decided."""

    hypothesis: Hypothesis | None
    candidate: str
    against: str
    score: str
    paired: metrics.Paired
    readable: gates.Readable
    missing: int
    lost: tuple[str, ...]


def _comparisons(
    task: Task,
    planned: Iterable[tuple[Hypothesis | None, str, str, str]],
    answers: Mapping[str, Mapping[str, Answer]],
    split: str,
) -> Iterator[gates.Comparison]:
    pairs = [_pair(task, *one, answers, split) for one in planned]
    adjusted = {name: _alternatives(task, name, pairs) for name in {pair.candidate for pair in pairs}}
    found = [
        gates.compare(
            pair.hypothesis, pair.candidate, pair.against, pair.score, pair.paired, pair.readable, pair.missing,
            pair.lost, adjusted[pair.candidate].get(pair.hypothesis) if pair.hypothesis else None,
        )
        for pair in pairs
    ]  # fmt: skip
    shown = {
        (one.candidate, one.family)
        for one in found
        if one.family and all(other.status is gates.Status.SHIP for other in found if _same_hypothesis(one, other))
    }
    for one in found:
        excused = (one.candidate, one.family) in shown and one.status is not gates.Status.SHIP
        yield replace(one, excused=True) if excused else one


def _same_hypothesis(one: gates.Comparison, other: gates.Comparison) -> bool:
    return (one.candidate, one.where, one.score) == (other.candidate, other.where, other.score)


def _alternatives(task: Task, candidate: str, pairs: Sequence[_Pair]) -> dict[Hypothesis, float | None]:
    """Holm's p for each hypothesis of a family: all that the task declares count, judged in this run or not.

    A win over several rivals is shown when each is beaten, so its p is the largest of them.
    """
    declared = [one for one in task.hypotheses if one.family and one.candidate in (None, candidate)]
    found: dict[Hypothesis, float | None] = {}
    for family in {one.family for one in declared}:
        raw: dict[str, float | None] = {}
        for one in (one for one in declared if one.family == family):
            own = [pair.paired.p for pair in pairs if pair.candidate == candidate and pair.hypothesis == one]
            raw[f"{one.where} {one.score}"] = max((p for p in own if p is not None), default=None)
        adjusted = holm(raw)
        found |= {one: adjusted[f"{one.where} {one.score}"] for one in declared if one.family == family}
    return found


def _pair(
    task: Task,
    hypothesis: Hypothesis | None,
    candidate: str,
    rival: str,
    score: str,
    answers: Mapping[str, Mapping[str, Answer]],
    split: str,
) -> _Pair:
    ours, theirs = answers[candidate], answers[rival]
    asked = {example.id: example.group for example in task.splits.get(split, ())}
    answered = sorted(name for name in asked if name in ours and name in theirs)
    both = [name for name in answered if score in ours[name].scores]

    def scores(of: Mapping[str, Answer], names: Sequence[str]) -> list[float]:
        return [of[name].scores[score].value for name in names]

    def readably(of: Mapping[str, Answer]) -> dict[str, float]:
        found = {name: [one.scores[score].value for one in of[name].each if one.extractable] for name in both}
        return {name: fmean(values) for name, values in found.items() if values}

    ours_read, theirs_read = readably(ours), readably(theirs)
    read = [name for name in both if name in ours_read and name in theirs_read]
    groups = [asked[name] for name in read]
    readable = gates.Readable.of([ours_read[name] for name in read], [theirs_read[name] for name in read], groups)
    return _Pair(
        hypothesis, candidate, rival, score,
        metrics.paired(scores(ours, both), scores(theirs, both), [asked[name] for name in both]),
        readable,
        len(asked) - len(answered),
        tuple(name for name in both if ours[name].scores[score].value < theirs[name].scores[score].value),
    )  # fmt: skip


def _unbeaten(columns: Sequence[Column], split: str) -> Iterator[Unbeaten]:
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


def _agreement(one: str, two: str, answers: Mapping[str, Mapping[str, Answer]], split: str) -> Agreement:
    both = [
        pair
        for name, answer in answers[one].items()
        if answer.example.split == split and name in answers[two]
        for pair in zip(answer.each, answers[two][name].each, strict=False)
    ]
    return Agreement(
        one,
        two,
        same_text=sum(first.text == second.text for first, second in both),
        same_object=sum(
            first.value is not None and second.value is not None and canonical(first.value) == canonical(second.value)
            for first, second in both
        ),
        n=len(both),
    )


def make_run(identity: str, judged: Iterable[Judged], command: str, outcomes: Mapping[str, int]) -> dict[str, Any]:
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
