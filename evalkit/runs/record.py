"""A run as data: a small header that says everything of the run as a whole, typed and versioned.

This is the one module that writes the form in which runs are stored, and the one that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from evalkit.errors import StoreError
from evalkit.judging.comparison import Agreement, Comparison
from evalkit.judging.lineage import Lineage
from evalkit.judging.recommendation import Recommendation
from evalkit.judging.regression import Regression
from evalkit.judging.relation_check import Rate
from evalkit.judging.verdict import Verdict
from evalkit.models.latency import Probe
from evalkit.models.pricing import Price
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_VERSION = 1
"""The version of the stored form. It grows by one with each change that an older reader would misread."""

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

    @property
    def stored_under(self) -> list[str]:
        """Every key that one of its answers has."""
        return [key for keys in (*self.keys.values(), *self.again.values()) for key in keys]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model's figures on one task. ``complete`` is true when every example of the judged split was selected.

    Rates and measurements rest on examples, each with the mean of its samples; ``defects`` are counted by answer, and
    an example is unanswered where one of its samples is.
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
    examples: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """What the model is called in this run."""
        return self.participant.name


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
    model_runs: tuple[ModelRun, ...]
    comparisons: tuple[Comparison, ...]
    agreements: tuple[Agreement, ...]
    unbeaten: tuple[Unbeaten, ...]
    unjudged: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
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

    def verdict(self, backend: str) -> Verdict | None:
        """The verdict on ``backend``, None where its judged split was not run whole."""
        return next((verdict for verdict in self.verdicts if verdict.backend == backend), None)


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
class TaskRequest:
    """What a run asked of one task: enough to score the answers again. ``lineage`` is a name with its rungs,
    ``in_turn`` are the models that were asked until all was settled."""

    task: str
    split: str
    participants: tuple[Participant, ...]
    lineage: tuple[str, tuple[str, ...]] | None
    in_turn: frozenset[str]


def dump_run(run: Run) -> dict[str, Any]:
    """``run`` as it is stored: JSON-able, its version first."""
    return {"schema_version": run.schema_version, **asdict(run)}


def is_older(table: Mapping[str, Any]) -> bool:
    """Whether a run was stored before there was a typed record of it."""
    return "schema_version" not in table


def load_run(table: Mapping[str, Any]) -> Run:
    """The run that ``dump_run`` made ``table`` of. Raises StoreError where it is of a version that can't be read."""
    from pydantic import ValidationError

    name, version = table.get("id", "?"), table.get("schema_version")
    if is_older(table):
        raise StoreError(
            f"run {name} was stored by an older evalkit (0.1.0), in a form that is not read any more. Its answers are "
            f"still there: `evalkit rescore {name}` makes it anew"
        )
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"run {name} is of version {version}, this evalkit reads version {SCHEMA_VERSION}: a newer evalkit stored "
            "it; take that one"
        )
    try:
        return _adapter().validate_python(table)
    except ValidationError as error:
        raise StoreError(f"run {name} can't be read: {error}") from error


def load_requests(table: Mapping[str, Any]) -> list[TaskRequest]:
    """What the run of this header asked, whatever evalkit stored it. Raises StoreError as ``load_run``."""
    if is_older(table):
        return [_older_request(task) for task in table["tasks"]]
    return [
        TaskRequest(
            result.task,
            result.split,
            tuple(model_run.participant for model_run in result.model_runs),
            (result.lineage.name, result.lineage.rungs) if result.lineage is not None else None,
            frozenset(item.model for item in result.in_turn),
        )
        for result in load_run(table).tasks
    ]


def _older_request(task: Mapping[str, Any]) -> TaskRequest:
    lineage = task.get("lineage")
    return TaskRequest(
        task["task"],
        task["split"],
        tuple(_older_participant(column["entrant"]) for column in task["columns"]),
        (lineage["name"], tuple(lineage["rungs"])) if lineage else None,
        frozenset(item["model"] for item in task.get("in_turn", ())),
    )


def _older_participant(table: Mapping[str, Any]) -> Participant:
    """Of a run without a version. The first of them had one key an example, and none to ask again."""
    keys = {name: (found,) if isinstance(found, str) else tuple(found) for name, found in table["keys"].items()}
    again = {name: tuple(found) for name, found in table.get("again", {}).items()}
    price = Price(**table["price"]) if table.get("price") else None
    probe = Probe.stored(table["probe"]) if table.get("probe") else None
    return Participant(**{**table, "keys": keys, "again": again, "price": price, "probe": probe})


@cache
def _adapter() -> TypeAdapter[Run]:
    # Loading pydantic takes a while, and only who reads a stored run needs it.
    from pydantic import TypeAdapter

    return TypeAdapter(Run)
