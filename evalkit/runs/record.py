"""A run as data, typed and versioned: a small header of the run as a whole, and a row for each model and example.

This is the one module that writes the form in which runs are stored, and the one that reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol

from evalkit.errors import StoreError
from evalkit.golden.looks import PLANNED
from evalkit.judging.comparison import Agreement, Comparison
from evalkit.judging.confusion import Confusion
from evalkit.judging.corrected import Correction
from evalkit.judging.lineage import Lineage
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.not_judged import NotJudged
from evalkit.judging.not_obeyed import NotObeyed
from evalkit.judging.notes import LookSpent, ServedAs, UnchangedAdapter
from evalkit.judging.own_reasoning import OwnReasoning
from evalkit.judging.recommendation import Recommendation
from evalkit.judging.regression import Regression
from evalkit.judging.relation_check import Rate
from evalkit.judging.slices import ScoreSlices
from evalkit.judging.verdict import Verdict
from evalkit.judging.wholesale import Wholesale
from evalkit.models.latency import Probe
from evalkit.models.pricing import Price
from evalkit.runs.older_runs import UPGRADED, upgraded
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_VERSION = 2
"""The version of the stored form. It grows by one with each change that an older reader would misread; the versions
before it are read too (``older_runs``), so a field that is new has a default."""

Role = Literal["backend", "against", "floor"]


@dataclass(frozen=True, slots=True)
class Participant:
    """One model in a run of one task.

    ``problem`` says why the model could not be run at all (a floor that the task has no data for). ``asked`` tells how
    it was asked, where that is not as the task says and once. ``decoding`` is what its sampler does beside what is
    asked. ``price`` is what its
    tokens cost, ``cost_per_hour`` what the machine does that it runs on; ``probe`` is what its latency was found to be.
    ``moves`` is true where its name stands for another model from time to time. ``candidate`` is a digest of the model
    and of how it is asked. ``look`` is its number among those that
    were shown on the test split, 0 where it spends no look; ``planned_looks`` is how many that split is for,
    ``looks_left`` how many of them are left, ``look_choices`` among how many comparisons this one could be chosen
    after something was seen. ``recorded`` is true where its answers are recorded: nobody tells how they were drawn.
    ``wavers`` is true where an answer may depend on what shares its batch.
    ``thinking`` is whether it was told to reason, or not to; None where nobody did.
    ``joined`` is true where it takes part because the task declares it, though nobody named it. ``obeyed`` is what
    its answers fit if they were held to the schema that it was asked with, None where it was asked with none or nobody
    knows; ``left_out`` are the keywords of the task's schema that it could not be held to.
    ``retries`` is how often it was to be asked again after an answer that is not strict. ``adapter_own`` is what its
    adapter's folder has of its own, and it is asked with: "chat template", "tokenizer with 2 new tokens".
    """

    name: str
    role: Role
    spec: str
    fingerprint: str
    parent: str | None = None
    problem: str | None = None
    asked: str = ""
    decoding: Mapping[str, Any] = field(default_factory=dict)
    price: Price | None = None
    cost_per_hour: float | None = None
    probe: Probe | None = None
    moves: bool = False
    candidate: str = ""
    look: int = 0
    planned_looks: int = PLANNED
    looks_left: int = 0
    look_choices: int = 1
    recorded: bool = False
    wavers: bool = False
    joined: bool = False
    thinking: bool | None = None
    obeyed: Mapping[str, Any] | None = None
    left_out: tuple[str, ...] = ()
    retries: int = 0
    adapter_own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Participation:
    """Where the answers of a participant are stored. It is not in a run's header: its rows have that.

    ``keys`` are by example id, one for each of its samples. ``reasons`` say why an example stayed unanswered.
    ``again`` are the keys of second answers to some examples, of a rung of a lineage. Where an answer took several
    attempts its key is that of the last one; ``earlier`` has the keys of the attempts before it, by that key.
    """

    participant: Participant
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    again: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    earlier: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def attempts(self, key: str) -> tuple[str, ...]:
        """The keys of all attempts at the answer of ``key``, the first one first: itself alone as a rule."""
        return (*self.earlier.get(key, ()), key)

    @property
    def name(self) -> str:
        """What the model is called in this run."""
        return self.participant.name

    @property
    def role(self) -> Role:
        """Whether it is tested, compared with, or a floor."""
        return self.participant.role

    @property
    def stored_under(self) -> list[str]:
        """Every key that one of its answers has."""
        return [key for keys in (*self.keys.values(), *self.again.values(), *self.earlier.values()) for key in keys]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model's figures on one task. ``complete`` is true when every example of the judged split was selected.

    Rates and measurements rest on examples, each with the mean of its samples; ``defects`` are counted by answer, and
    an example is unanswered where one of its samples is. ``slices`` and ``confusions`` are of the judged split, and
    only of models that are tested or that a hypothesis names. ``not_obeyed`` is set where its answers show that nothing
    held it to its schema. ``wholesale`` is what nearly all of its answers have in common that speaks of how it was
    asked.
    ``asked_again`` is how many examples of the judged split were asked again after an answer that was not strict,
    ``more_attempts`` how many attempts that took.
    """

    participant: Participant
    complete: bool
    selected: int
    rates: Mapping[str, Mapping[str, Estimate]]
    measurements: Mapping[str, Estimate]
    defects: Mapping[str, int]
    failed: tuple[str, ...]
    known_fails: Mapping[str, str]
    unanswered: Mapping[str, str]
    slices: tuple[ScoreSlices, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    own_reasoning: OwnReasoning | None = None
    """What is seen of its own reasoning, where there is any, or was to be."""
    not_obeyed: NotObeyed | None = None
    asked_again: int = 0
    more_attempts: int = 0
    wholesale: tuple[Wholesale, ...] = ()

    @property
    def name(self) -> str:
        """What the model is called in this run."""
        return self.participant.name


@dataclass(frozen=True, slots=True)
class Unbeaten:
    """A field on which a backend's rate is not above a floor's: that of `words`, or the best of those that read nothing
    (the oracle is a ceiling, not a floor). Of an error that is measured: where it is not below. ``n`` and ``floor_n``
    are the examples that such a measurement rests on, 0 for a rate."""

    backend: str
    score: str
    value: float
    floor: str
    floor_value: float
    n: int = 0
    floor_n: int = 0


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
    model_runs: tuple[ModelRun, ...]
    comparisons: tuple[Comparison, ...]
    agreements: tuple[Agreement, ...]
    unbeaten: tuple[Unbeaten, ...]
    unjudged: tuple[NotJudged, ...]
    verdicts: tuple[Verdict, ...]
    regression: Regression | None = None
    """What was lost since a baseline, where the session asked for one."""
    lineage: Lineage | None = None
    """What each step from rung to rung lost, where the session asked for that."""
    unchanged_adapters: tuple[UnchangedAdapter, ...] = ()
    """Each adapter that changed no answer of its base."""
    rivals: tuple[Recommendation, ...] = ()
    """Each tested model beside each that it is compared with."""
    relations: tuple[Rate, ...] = ()
    """How often each relation holds for each tested model, where it was tried."""
    looks: tuple[LookSpent, ...] = ()
    """What each tested model spends of the test split."""
    in_turn: tuple[InTurn, ...] = ()
    """Who was asked until all was settled, where the session was to stop early."""
    no_verdicts: tuple[NoVerdict, ...] = ()
    """Each tested model of which nothing is decided, with the reason."""
    corrections: tuple[Correction, ...] = ()
    """How many comparisons were made, those with a baseline left out: a group for each correction."""
    served_as: tuple[ServedAs, ...] = ()
    """Each model that its server calls otherwise than it was asked for."""

    problem: str = ""
    """Why the task could not be judged at all; empty where it was."""

    def verdict(self, backend: str) -> Verdict | None:
        """The verdict on ``backend``, None where nothing is decided of it."""
        return next((verdict for verdict in self.verdicts if verdict.backend == backend), None)

    def no_verdict(self, backend: str) -> NoVerdict | None:
        """Why nothing is decided of ``backend``; None where it has a verdict."""
        return next((item for item in self.no_verdicts if item.backend == backend), None)

    @property
    def whole(self) -> bool:
        """Whether a tested model was asked all of the judged split, so that the figures are about it."""
        return bool(self.verdicts) or any(item.code is not WhyNone.PART for item in self.no_verdicts)


@dataclass(frozen=True, slots=True)
class Run:
    """The header of a run: what was run, on what, when, and what came of each task. ``created`` is ISO 8601, UTC.

    ``outcomes`` counts the tests by how they ended.
    """

    id: str
    created: str
    command: str
    environment: Mapping[str, str]
    outcomes: Mapping[str, int]
    tasks: tuple[TaskResult, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer as the model gave it, and what was read from it.

    ``text`` is what is judged: prefill and completion, the reasoning (``thinking``) set apart. ``value`` is the object
    that was read from it, None where none could be. Tokens, ``seconds`` and ``usage`` are those of ``Completion``,
    summed over all attempts at it; ``earlier`` are the texts of those before the one that is judged.
    """

    text: str
    value: Mapping[str, Any] | None
    defects: tuple[str, ...]
    finish_reason: str
    thinking: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: Mapping[str, float] | None = None
    usage: Mapping[str, int] | None = None
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowScore:
    """How right an answer is in one score, from 0 to 1, and why not fully; the mean over the samples."""

    value: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What one model answered to one example.

    ``keys`` are where its samples are stored, ``again`` where second answers are, of a rung of a lineage. Without
    ``samples`` it is ``unanswered``, for the reason that stands there. ``of`` is the example of which this one is a
    perturbed form; such a row has no scores. ``earlier`` has the keys of the attempts before one of those, by its key.
    """

    task: str
    model: str
    example: str
    keys: tuple[str, ...]
    split: str = ""
    group: str = ""
    tags: tuple[str, ...] = ()
    must_pass: bool = False
    input: Mapping[str, Any] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    scores: Mapping[str, RowScore] = field(default_factory=dict)
    unanswered: str = ""
    again: tuple[str, ...] = ()
    of: str = ""
    earlier: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def defects(self) -> tuple[str, ...]:
        """What is wrong with its samples, each once."""
        return tuple(dict.fromkeys(defect for sample in self.samples for defect in sample.defects))


class Rows(Protocol):
    """Gives the rows of a run, read as they are asked for, by task, then by model; of one where it is named."""

    def __call__(self, task: str | None = None, model: str | None = None, /) -> Iterable[Row]: ...


def no_rows(_task: str | None = None, _model: str | None = None, /) -> Iterable[Row]:
    """The rows of a run that has none at hand."""
    return ()


def dump_run(run: Run) -> dict[str, Any]:
    """``run`` as it is stored: JSON-able, its version first."""
    return {"schema_version": run.schema_version, **asdict(run)}


def is_older(table: Mapping[str, Any]) -> bool:
    """Whether a run was stored before there was a typed record of it."""
    return "schema_version" not in table


def load_run(table: Mapping[str, Any]) -> Run:
    """The run that ``dump_run`` made ``table`` of, in today's form whatever its version.

    Raises StoreError where it is of a version that can't be read.
    """
    from pydantic import ValidationError

    name, version = table.get("id", "?"), table.get("schema_version")
    if is_older(table):
        raise StoreError(
            f"run {name} was stored by an older evalkit (0.1.0), in a form that is not read any more. Its answers are "
            f"still there: `evalkit rescore {name}` makes it anew"
        )
    if version not in (*UPGRADED, SCHEMA_VERSION):
        raise StoreError(
            f"run {name} is of version {version}, this evalkit reads up to version {SCHEMA_VERSION}: a newer evalkit "
            "stored it; take that one"
        )
    if version in UPGRADED:
        table = {**upgraded(table, version), "schema_version": SCHEMA_VERSION}
    try:
        return _adapter().validate_python(table)
    except ValidationError as error:
        raise StoreError(f"run {name} can't be read: {error}") from error


def dump_row(row: Row) -> str:
    """``row`` as one line of JSON. ASCII, so that half a surrogate pair in an answer is kept as what it is."""
    return json.dumps(row, default=_fields)


def _fields(item: Any) -> dict[str, Any]:
    """One of the data classes of a row as a table: ``asdict`` takes six times as long, for it copies all below."""
    return {each.name: getattr(item, each.name) for each in fields(item)}


def load_row(line: str) -> Row:
    """The row that ``dump_row`` made ``line`` of."""
    return _row_adapter().validate_python(json.loads(line))


@cache
def _adapter() -> TypeAdapter[Run]:
    # Loading pydantic takes a while, and only who reads a stored run needs it.
    from pydantic import TypeAdapter

    return TypeAdapter(Run)


@cache
def _row_adapter() -> TypeAdapter[Row]:
    from pydantic import TypeAdapter

    return TypeAdapter(Row)
