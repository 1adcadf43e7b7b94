"""One session: which models face which examples, asked once, judged from the store.

The pytest plugin and the command line both drive this; neither decides anything itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from filelock import FileLock

from evalkit.errors import (
    ConfigError,
    EvalkitError,
    GoldenError,
    HarnessError,
    NotAnswered,
    UnknownName,
)
from evalkit.golden import freeze as frozen
from evalkit.golden import looks
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.waivers import lint
from evalkit.golden.loader import find_tasks, load_all
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import Perturbed
from evalkit.judging.answer import Answer, Grader
from evalkit.judging.book import AnswerBook
from evalkit.judging.comparison import Comparison
from evalkit.judging.early_stopping import settled, steps, turn
from evalkit.judging.relation_check import RelationResult, held
from evalkit.judging.verdict import Verdict
from evalkit.models.backends.floors import FLOORS
from evalkit.models.budget import Budget
from evalkit.models.cache import Store
from evalkit.models.config import Config
from evalkit.models.generate import Model, OnProgress, generate, probe_latency, unsettled
from evalkit.models.latency import Probe
from evalkit.models.pricing import Price
from evalkit.models.request import Request, render
from evalkit.runs.build import comparisons_with, judge_task, unchanged_adapters
from evalkit.runs.model_run import ALSO
from evalkit.runs.record import Participant, Role, TaskResult
from evalkit.runs.store import RunStore
from evalkit.session.participants import Participants
from evalkit.session.plan import RequestPlan

Selection = dict[str, dict[str, list[str]]]
"""``{task: {backend: [example ids]}}``, JSON-able: what of a suite was selected."""


@dataclass(slots=True)
class Requested:
    """Collects what the selected tests need."""

    _wanted: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)

    @property
    def selection(self) -> Selection:
        """What was wished for so far, each example once, in the order of the wishes."""
        return {
            task: {backend: list(examples) for backend, examples in backends.items()}
            for task, backends in self._wanted.items()
        }

    def add(self, task: str, backend: str, examples: Iterable[str]) -> None:
        wanted = self._wanted.setdefault(task, {}).setdefault(backend, {})
        wanted.update(dict.fromkeys(examples))


class EvalSession:
    """The models and tasks of one pytest session, or of one command.

    ``backends`` are tested and judged, ``against`` are only compared with; both are aliases or specs. ``split``
    is the judged split. ``identity`` is shared by all processes of a session. ``samples`` is how often each example is
    asked, where its task draws answers. ``lineage`` names one of pyproject.toml, whose rungs are compared. ``max_cost``
    is what may be spent, in US dollars. ``latency`` is how many examples each model is asked one by one, to see how
    long it takes. ``sequential`` asks those that are only compared with in turn, until all is settled.
    """

    def __init__(
        self,
        config: Config,
        backends: Sequence[str],
        against: Sequence[str],
        split: str,
        identity: str,
        samples: int = 1,
        lineage: str | None = None,
        max_cost: float | None = None,
        latency: int = 0,
        sequential: bool = False,
    ) -> None:
        self.config = config
        self.split = split
        self.identity = identity
        self.samples = samples
        self.latency = latency
        self.sequential = sequential
        self.selection: Selection = {}
        self.broken: EvalkitError | None = None
        self._tasks: dict[str, Task] = {}
        self.budget = Budget(config.prices, max_cost)
        known = (self.task(name) for name in find_tasks(self.golden))
        self.participants = Participants(config, backends, against, lineage, known, self.budget)
        self._plan = RequestPlan(config, split, samples, self.participants.rungs)
        self._books: dict[str, AnswerBook] = {}
        self._unchanged: dict[str, tuple[str, ...]] = {}
        self._failures: dict[str, str] | None = None
        self._findings: dict[str, tuple[Finding, ...]] = {}
        self._judged: dict[str, TaskResult] = {}

    # -- what there is ------------------------------------------------------------------------------

    @property
    def golden(self) -> Path:
        """The folder of the golden tasks."""
        return self.config.root / self.config.golden

    def task(self, name: str) -> Task:
        """The golden task called ``name``, read and checked once. Raises SetupError."""
        if name not in self._tasks:
            self._tasks |= load_all(self.golden, [name])
        return self._tasks[name]

    def example(self, task: Task, name: str) -> Example:
        """The example, or the variant of one, that has this id."""
        return self._plan.example(task, name)

    def variants(self, task: Task) -> dict[str, Perturbed]:
        """The changed examples by which the relations of ``task`` are tried in this session, by id."""
        return self._plan.variants(task)

    def scored(self, task: Task) -> dict[str, Example]:
        """The examples that this session may ask of ``task``, by id."""
        return self._plan.scored(task)

    def check(self) -> None:
        """Finds every mistake that can be found without asking a model. Raises SetupError.

        Reads all of golden/, renders every prompt, opens every backend for every task. A model may be there for some
        tasks alone: that is a mistake where a test asks it of another, and here where no task has it.
        """
        if not find_tasks(self.golden):
            raise ConfigError(f"{self.golden}: no golden task there (a folder with a task.toml)")
        self.participants.check_names()
        self._tasks |= load_all(self.golden)
        problems = [problem for task in self._tasks.values() if (problem := self._plan.problem(task))]
        if problems:
            raise GoldenError(problems)
        self._check_samples()
        for name in self.participants.against if self.sequential else ():
            if self.config.alias(name).options.get("batch") is True:
                raise ConfigError(f"{name}: a batch can't stop early; take --sequential or the alias's batch away")
        if self.latency < 0:
            raise ConfigError(f"--latency={self.latency}: expected a number of examples, 1 or more")
        for task in self._tasks.values():
            if not task.splits.get(self.split):
                raise ConfigError(f"{task.folder}: no {self.split}.jsonl to judge on (--split={self.split})")
            list(looks.read(task.folder))
            for hypothesis in task.hypotheses:
                self.participants.check_hypothesis(task, hypothesis)
        self.participants.check_models(list(self._tasks.values()))

    def _check_samples(self) -> None:
        if self.samples < 1:
            raise ConfigError(f"--samples={self.samples}: expected 1 or more")
        if self.samples > 1 and all(task.decoding.temperature == 0 for task in self._tasks.values()):
            raise ConfigError(
                f"--samples={self.samples}: every task is greedy, and greedy answers asked again say nothing new; set "
                f"temperature in [decoding] of task.toml, or take --samples away"
            )

    def examples(self, task: Task, splits: object) -> list[Example]:
        """The examples of ``splits`` (one name or several; "test" is the judged split) that this session can ask.

        Raises UnknownName or ConfigError where a split can't be asked, or none of them has an example.
        """
        names = (splits,) if isinstance(splits, str) else splits
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"split is {splits!r}, expected a name or a list of names")
        names = tuple(dict.fromkeys(self.split if name == "test" else name for name in names))
        for name in names:
            if name not in ("test", "dev", *ALSO):
                raise UnknownName("split", name, ("test", "dev", *ALSO), "What trains a model is never scored.")
            if name not in (self.split, *ALSO):
                raise ConfigError(f"the split {name!r} is asked with --split={name} only")
        found = [example for name in names for example in task.splits.get(name, ())]
        if not found:
            raise ConfigError(f"{task.folder}: no examples in {', '.join(f'{name}.jsonl' for name in names)}")
        return found

    # -- asking -------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> Store:
        """The project's store."""
        return Store(self.config.store)

    @cached_property
    def runs(self) -> RunStore:
        """The project's runs."""
        return RunStore(self.config.store)

    def ask(self, selection: Selection, on_progress: OnProgress) -> None:
        """Generates what ``selection`` needs and the store does not have; whoever comes second waits and reads.

        A backend whose judged split is selected whole is asked every scored example, and so are the models it
        is compared with. Harness errors stay in the store, or in ``broken``: ``answer`` raises them.
        """
        try:
            self.selection = self._completed(selection)
            wanted = [
                (self.participants.model(name, task), requests)
                for task, name, examples in self._everyone()
                if not self._in_turn(name)
                for requests in (
                    [request for example in examples for request in self._plan.of(task, name)[example]],
                    list(self._plan.again(task, name).values()),  # apart from the first, or it would be them
                )
            ]
            store = self.store  # first: it makes the folder that the lock stands in
            with FileLock(self.config.store.with_suffix(".lock")):
                self.budget.resume(store.spent(self.identity))  # another process may have asked before this one
                generate(wanted, store, self.identity, on_progress, self.budget)
                self._note_looks()
                rivals = [(task, name) for task, name, _ in self._everyone() if self._in_turn(name)]
                # Once more while anything was asked: where hypotheses are alternatives, one rival moves another's.
                while any(self._ask_in_turn(task, name, on_progress) for task, name in rivals):
                    pass
                self.participants.release()
                if self.latency:
                    probe_latency(self._timed(), store, self.identity, self.latency, on_progress, self.budget)
            self.participants.release()
        except EvalkitError as error:
            self.broken = error
        except Exception as error:  # whatever it is, it is told by the tests that have no answer, not by a crash
            self.broken = HarnessError(f"{type(error).__name__}: {error}")

    def _in_turn(self, name: str) -> bool:
        """Whether ``name`` is asked until all is settled, and no further."""
        return self.sequential and name in self.participants.against and name not in self.participants.rungs

    def _ask_in_turn(self, task: Task, name: str, on_progress: OnProgress) -> bool:
        """Asks ``name`` on until its comparisons are settled; whether it answered anything new."""
        requests, model, new = self._plan.of(task, name), self.participants.model(name, task), False
        for number, step in enumerate(steps(turn(task.splits[self.split]))):
            asked = [request for example in step for request in requests[example]]
            if not unsettled(model, asked, self.store, self.identity):
                continue  # what is there costs nothing
            if number and self._settled(task, name):
                break
            generate([(model, asked)], self.store, self.identity, on_progress, self.budget)
            new = True
            if self.store.failures(self.identity).keys() >= {model.key(request) for request in asked}:
                return False  # nobody answers any more
        return new

    def _settled(self, task: Task, name: str) -> bool:
        entrants = self._entrants(task)
        found = comparisons_with(
            name, task, self.split, entrants, self.book(task), self.config.baseline_margin, self.participants.rungs,
            self._turns(entrants),
        )  # fmt: skip
        return bool(found) and settled(found)

    def _turns(self, entrants: Sequence[Participant]) -> dict[str, list[str]]:
        return {entrant.name: list(entrant.keys) for entrant in entrants if self._in_turn(entrant.name)}

    def _asked_in_turn(self, task: Task, name: str) -> list[str]:
        """The examples of the judged split that ``name`` has been asked, in turn."""
        requests, ordered = self._plan.of(task, name), turn(task.splits[self.split])
        asked = [request for group in ordered for example in group for request in requests[example]]
        left = unsettled(self.participants.model(name, task), asked, self.store, self.identity)
        open_ones = {request.example_id for request in left.values()}
        return [example for group in takewhile(open_ones.isdisjoint, ordered) for example in group]

    def _completed(self, selection: Selection) -> Selection:
        """``selection``, with every scored example for the backends whose judged split it holds whole."""
        done: Selection = {}
        for task_name, backends in selection.items():
            task = self.task(task_name)
            judged = [example.id for example in task.splits.get(self.split, ())]
            done[task_name] = {
                name: list({**dict.fromkeys(self.scored(task)), **dict.fromkeys(examples)})
                if set(judged) <= set(examples)
                else list(examples)
                for name, examples in backends.items()
            }
            if any(set(judged) <= set(examples) for examples in done[task_name].values()):
                # Who is only compared with is asked what is compared, which may cost money, and nothing else.
                done[task_name] |= dict.fromkeys(self.participants.against, judged)
        return done

    def _everyone(self) -> Iterable[tuple[Task, str, list[str]]]:
        for task_name, names in self.selection.items():
            task = self.task(task_name)
            for name, examples in names.items():
                if self.participants.takes_part(name, task):
                    yield task, name, examples
            for floor in FLOORS:
                if self.participants.problem(floor, task) is None:
                    yield task, floor, list(self.scored(task))

    def _timed(self) -> Iterable[tuple[Model, list[Request]]]:
        """Whose latency is probed, and with what: each model's share of the judged split, floors left out."""
        for task, name, examples in self._everyone():
            if name not in FLOORS:
                judged, asked = {one.id for one in task.splits.get(self.split, ())}, self._plan.of(task, name)
                yield (
                    self.participants.model(name, task),
                    [asked[example][0] for example in examples if example in judged],
                )

    def answer(self, task_name: str, backend: str, example: str) -> Answer:
        """The scored answer of ``backend`` to ``example``, ``averaged`` where it was asked several times.

        Raises HarnessError with why there is none, or one too few.
        """
        if self.broken is not None:
            raise self.broken
        task, book = self.task(task_name), self.book(self.task(task_name))
        selected = self.selection.get(task_name, {}).get(backend, ())
        book.stored(key for name in selected for key in self._keys(task, backend, name))
        keys = self._keys(task, backend, example)
        answer = book.answer(backend, example, keys)
        if answer is None:
            stored = book.stored(keys)
            reasons = (self._reasons().get(key, "it was never asked") for key in keys if key not in stored)
            raise NotAnswered(f"{backend} did not answer {example}: {next(reasons)}")
        return answer

    def book(self, task: Task) -> AnswerBook:
        """The answers to ``task`` that this session has read so far."""
        if task.name not in self._books:
            perturbed = {name: one.example for name, one in self.variants(task).items()}
            self._books[task.name] = AnswerBook(task, {**self.scored(task), **perturbed}, self.store.get)
        return self._books[task.name]

    def _reasons(self) -> dict[str, str]:
        """Why what was asked in vain stayed unanswered, by key; read once, when all is asked."""
        if self._failures is None:
            self._failures = self.store.failures(self.identity)
        return self._failures

    def relation(self, task_name: str, backend: str, variant: str) -> RelationResult:
        """What a relation is found to be on one example. Raises HarnessError where one of two answers is missing."""
        task = self.task(task_name)
        one = self.variants(task)[variant]
        before, after = (self.answer(task_name, backend, example.id) for example in (one.of, one.example))
        return held(task, backend, one, before, after)

    def ask_again(self, task: Task, backend: str, example: Example) -> Answer:
        """The answer of ``backend`` to an example that no split has, from the store where it was asked before."""
        model = self.participants.model(backend, task)
        if model.backend.by_example:
            raise ConfigError(f"{backend}: answers that were recorded are to these examples only; name a model")
        request = render(task, example, model.alias.asking)
        generate([(model, [request])], self.store, self.identity, budget=self.budget)
        key = model.key(request)
        if key not in (kept := self.store.get([key])):
            raise NotAnswered(self.store.failures(self.identity)[key])
        return Grader(task).grade(backend, example, request, kept[key].completion)

    def _keys(self, task: Task, backend: str, example: str) -> tuple[str, ...]:
        """Where the samples of ``backend``'s answer to ``example`` are stored."""
        model = self.participants.model(backend, task)
        return tuple(model.key(request) for request in self._plan.of(task, backend)[example])

    # -- judging ------------------------------------------------------------------------------------

    def judged(self, task_name: str) -> TaskResult:
        """Everything that this session says of a task, from the store. Raises what broke the session."""
        if self.broken is not None:
            raise self.broken
        if task_name not in self._judged:
            task = self.task(task_name)
            entrants = self._entrants(task)
            whether = frozen.verify(task.folder, task.splits)
            margin, lineage = self.config.baseline_margin, self.participants.lineage
            self._judged[task_name] = judge_task(
                task, self.split, entrants, self.book(task), whether, margin, lineage, self._turns(entrants),
                self._unchanged_adapters(task, entrants),
            )  # fmt: skip
        return self._judged[task_name]

    def idle(self) -> list[str]:
        """A sentence for each adapter that changed no answer, once they are asked and before they are scored."""
        if self.broken is not None:
            return []
        tasks = [self.task(name) for name in sorted(self.selection)]
        return [sentence for task in tasks for sentence in self._unchanged_adapters(task, self._entrants(task))]

    def _unchanged_adapters(self, task: Task, entrants: Sequence[Participant]) -> tuple[str, ...]:
        if task.name not in self._unchanged:
            self._unchanged[task.name] = tuple(unchanged_adapters(entrants, self.book(task)))
        return self._unchanged[task.name]

    def verdict(self, task_name: str, backend: str) -> Verdict:
        """The verdict on ``backend``. Raises HarnessError where its judged split was not run whole."""
        found = self.judged(task_name).verdict(backend)
        if found is None:
            raise HarnessError(f"no verdict on {backend}: its {self.split} split was not run whole")
        return found

    def comparison(self, task_name: str, candidate: str, rival: str, score: str) -> Comparison:
        """The comparison of that pair. Raises HarnessError where one of the two was not run whole."""
        judged = self.judged(task_name)
        for one in judged.comparisons:
            if (one.candidate, one.against, one.score) == (candidate, rival, score):
                return one
        problems = [
            f" {c.participant.name}: {c.participant.problem}" for c in judged.model_runs if c.participant.problem
        ]
        raise HarnessError(
            f"{candidate} can't be compared with {rival}: one of them was not run whole.{''.join(problems)}"
        )

    def findings(self, task: Task) -> tuple[Finding, ...]:
        """What ``evalkit lint`` finds in the examples of ``task``, waived or not; notes are left out."""
        if task.name not in self._findings:
            self._findings[task.name] = tuple(finding for finding in lint(task) if finding.level != "note")
        return self._findings[task.name]

    def judge_selection(self, selection: Selection) -> list[TaskResult]:
        """Judges every task of ``selection`` (as another process of this session collected it)."""
        self.selection = self._completed(selection)
        return [self.judged(name) for name in sorted(self.selection)]

    def _entrants(self, task: Task) -> list[Participant]:
        failures = self.store.failures(self.identity)
        selected = self.selection.get(task.name, {})
        roles: list[tuple[str, Role]] = [(name, "backend") for name in self.participants.backends if name in selected]
        roles += [(name, "against") for name in self.participants.against if name in selected]
        roles += [(name, "floor") for name in FLOORS if name not in selected]
        probes = self.store.probes(self.identity)
        return [self._entrant(task, name, role, selected.get(name), failures, probes) for name, role in roles]

    def _entrant(
        self,
        task: Task,
        name: str,
        role: Role,
        examples: Sequence[str] | None,
        failures: Mapping[str, str],
        probes: Mapping[tuple[str, str], Probe],
    ) -> Participant:
        problem = self.participants.problem(name, task) if role == "floor" or name in self.participants.rungs else None
        if problem is not None:
            return Participant(name, role, name, "", {}, {}, self.config.alias(name).parent, problem)
        model = self.participants.model(name, task)
        keys = {
            example: self._keys(task, name, example)
            for example in (self.scored(task) if examples is None else examples)
        }
        if self._in_turn(name):
            keys = {example: keys[example] for example in self._asked_in_turn(task, name) if example in keys}
        # In reverse, so that the first of an example's samples has the say.
        reasons = {example: failures[key] for example, own in keys.items() for key in reversed(own) if key in failures}
        asked = self._plan.describe(task, name)
        return Participant(
            name, role, model.spec, model.fingerprint, keys, reasons, model.alias.parent, asked=asked,
            decoding=dict(model.backend.fingerprint.get("decoding", {})),
            again={example: (model.key(request),) for example, request in self._plan.again(task, name).items()},
            look=self._look(task, name),
            price=self._price(model),
            cost_per_hour=model.alias.cost_per_hour,
            moves=bool(model.backend.fingerprint.get("moves")),
            probe=probes.get((model.fingerprint, task.name)) if role != "floor" else None,
        )  # fmt: skip

    def _look(self, task: Task, name: str) -> int:
        """The number of a tested model among those that were judged on the test split, 0 where it spends no look."""
        spends = self.split == "test" and name in self.participants.backends
        return looks.number_of(task.folder, self.participants.candidate(task, name)) if spends else 0

    def _note_looks(self) -> None:
        """Writes down who is judged on a test split for the first time: who has answered all of it."""
        for task_name, selected in self.selection.items() if self.split == "test" else ():
            task = self.task(task_name)
            judged = {example.id for example in task.splits["test"]}
            against = tuple(name for name in selected if name not in self.participants.backends)
            for name in self.participants.tested(task):
                if not judged <= set(selected.get(name, ())):
                    continue
                keys = {key for example in judged for key in self._keys(task, name, example)}
                if self.store.known(keys) == keys:
                    digest, mark = (
                        looks.split_digest(task.splits["test"]),
                        self.participants.model(name, task).fingerprint,
                    )
                    line = looks.LookRecord(
                        looks.now(), digest, name, mark, self.participants.candidate(task, name), against, self.identity
                    )
                    looks.note(task.folder, line)

    def _price(self, model: Model) -> Price | None:
        """What an alias pays for its tokens, however its answers were once come by."""
        price = self.budget.prices.get(model.spec)
        return price.in_batch() if price and model.alias.options.get("batch") else price

    def spent(self) -> str:
        """What was spent in this session, by all its processes, for a person; empty where nothing was bought."""
        if self.config.store.exists():
            self.budget.resume(self.store.spent(self.identity))
        return self.budget.describe()

    def close(self) -> None:
        """Gives back what the backends hold, and the store."""
        self.participants.release()
        if "store" in self.__dict__:  # a cached property: it is there once it was asked for
            self.store.close()
        if "runs" in self.__dict__:
            self.runs.close()
