"""One session: which models face which examples, asked once, judged from the store.

The pytest plugin and the command line both drive this; neither decides anything itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from evalkit.errors import ConfigError, EvalkitError, HarnessError, UnknownName, UnusableModel
from evalkit.golden.lints.finding import Finding
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import Perturbed
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.judging.comparison import Comparison
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.notes import LooksAhead, UnchangedAdapter
from evalkit.judging.relation_check import RelationResult, held
from evalkit.judging.verdict import Verdict
from evalkit.models.budget import Budget
from evalkit.models.cache import Store
from evalkit.models.config import Config
from evalkit.models.generate import OnProgress
from evalkit.runs.model_run import ALSO
from evalkit.runs.record import Row, TaskResult
from evalkit.runs.store import RunStore
from evalkit.session.answers import SessionAnswers
from evalkit.session.asking import Asking
from evalkit.session.checks import check_options, check_samples, check_task
from evalkit.session.options import SessionOptions
from evalkit.session.participants import Participants
from evalkit.session.plan import RequestPlan, Selection
from evalkit.session.records import ParticipantRecords
from evalkit.session.results import TaskResults, comparison_of, verdict_of
from evalkit.session.tasks import GoldenTasks


class EvalSession:
    """The models and tasks of one pytest session, or of one command. A task that nobody asks for is not read.

    ``identity`` is shared by all processes of a session.
    """

    def __init__(self, config: Config, options: SessionOptions, identity: str) -> None:
        self.config = config
        self.options = options
        self.identity = identity
        self.broken: EvalkitError | None = None
        self.budget = Budget(config.prices, options.max_cost)
        self.tasks = GoldenTasks(config.root / config.golden)
        self.participants = Participants(config, options, self.budget)
        self._checked: set[str] = set()
        self._plan = RequestPlan(config, options.split, options.samples, self.participants.rungs)
        self._answers = SessionAnswers(self._plan, self.participants, lambda: self.store, identity)
        self._records = ParticipantRecords(self._answers, options)
        self._results = TaskResults(self._answers, self._records, options)
        self._asking = Asking(options, self.tasks, self._answers, self._records, self._results, self.budget)

    # -- what there is ------------------------------------------------------------------------------

    @property
    def golden(self) -> Path:
        """The folder of the golden tasks."""
        return self.tasks.folder

    @property
    def split(self) -> str:
        """The split that is judged."""
        return self.options.split

    @property
    def selection(self) -> Selection:
        """What is asked in this session."""
        return self._answers.selection

    def task(self, name: str) -> Task:
        """The golden task called ``name``, read once. Raises SetupError."""
        return self.tasks.task(name)

    def checked_task(self, name: str) -> Task:
        """The same, and nothing of it can't be asked or judged in this session. Checked once. Raises SetupError."""
        task = self.task(name)
        if name not in self._checked:
            check_task(task, self._plan, self.participants)
            self._checked.add(name)
        return task

    def example(self, task: Task, name: str) -> Example:
        """The example, or the perturbed form of one, that has this id."""
        return self._plan.example(task, name)

    def perturbed(self, task: Task) -> dict[str, Perturbed]:
        """The changed examples by which the relations of ``task`` are tried in this session, by id."""
        return self._plan.perturbed(task)

    def scored(self, task: Task) -> dict[str, Example]:
        """The examples that this session may ask of ``task``, by id."""
        return self._plan.scored(task)

    def findings(self, task: Task) -> tuple[Finding, ...]:
        """What ``evalkit lint`` finds in the examples of ``task``, waived or not; notes are left out."""
        return self.tasks.findings(task)

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
        examples = [example for name in names for example in task.splits.get(name, ())]
        if not examples:
            raise ConfigError(f"{task.folder}: no examples in {', '.join(f'{name}.jsonl' for name in names)}")
        return examples

    # -- mistakes -----------------------------------------------------------------------------------

    def check_options(self) -> None:
        """Finds what is wrong whatever the tasks are: names, options, no task at all. Raises SetupError."""
        self.tasks.need_some()
        check_options(self.config, self.options, self.participants)

    def check_selected(self) -> None:
        """Finds what is seen only when every task that is used was read. Raises SetupError."""
        check_samples(self.tasks.read.values(), self.options.samples)

    def check(self) -> None:
        """Finds every mistake that can be found without asking a model, in all of golden/. Raises SetupError."""
        self.check_options()
        tasks = self.tasks.all()
        for task in tasks:
            self.checked_task(task.name)
        self.check_selected()
        self.participants.check_models(tasks)

    # -- asking -------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> Store:
        """The project's store."""
        return Store(self.config.store)

    def need_store(self) -> None:
        """Raises StoreError where the store can't be opened, or may only be read."""
        self.store.need_writing()

    @cached_property
    def runs(self) -> RunStore:
        """The project's runs."""
        return RunStore(self.config.store)

    def looks_ahead(self, selection: Selection) -> list[LooksAhead]:
        """Which looks at test splits it may spend to ask what ``selection`` needs. Raises SetupError.

        Told before anything is asked: what was seen was seen.
        """
        if self.split != "test":
            return []
        self._answers.selection = self._asking.complete(selection)
        tasks = map(self.task, sorted(self.selection))
        told = [self._results.looks_ahead(task, self.tasks.is_frozen(task)) for task in tasks]
        return [item for item in told if item is not None]

    def ask(self, selection: Selection, on_progress: OnProgress) -> None:
        """Generates what ``selection`` needs and the store does not have; whoever comes second waits and reads.

        A backend whose judged split is selected whole is asked every scored example, and so are the models it
        is compared with. Harness errors stay in the store, or in ``broken``: ``answer`` raises them. Raises
        UnusableModel where a model that was named answered nothing.
        """
        try:
            self._answers.selection = self._asking.complete(selection)
            self._asking.ask(on_progress)
        except UnusableModel as error:
            self.broken = error
            raise
        except EvalkitError as error:
            self.broken = error
        except Exception as error:  # whatever it is, it is told by the tests that have no answer, not by a crash
            self.broken = HarnessError(f"{type(error).__name__}: {error}")
        finally:
            self._answers.asked_more()

    def joining(self, selection: Selection) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Who will be asked though nobody named it: the task, the model, and those that it is declared of."""
        for task_name, asked in self._asking.complete(selection).items():
            for name, candidates in self.participants.joining(self.task(task_name)).items():
                if name in asked:
                    yield task_name, name, candidates

    def answer(self, task_name: str, backend: str, example: str) -> Answer:
        """The scored answer of ``backend`` to ``example``, averaged where it was asked several times.

        Raises HarnessError with why there is none, or one too few.
        """
        self._raise_broken()
        return self._answers.answer(self.task(task_name), backend, example)

    def book(self, task: Task) -> AnswerBook:
        """The answers to ``task`` that this session has read so far."""
        return self._answers.book(task)

    def relation(self, task_name: str, backend: str, name: str) -> RelationResult:
        """What a relation is found to be on one example. Raises HarnessError where one of two answers is missing."""
        task = self.task(task_name)
        perturbed = self.perturbed(task)[name]
        before, after = (self.answer(task_name, backend, example.id) for example in (perturbed.of, perturbed.example))
        return held(task, backend, perturbed, before, after)

    def ask_again(self, task: Task, backend: str, example: Example) -> Answer:
        """The answer of ``backend`` to an example that no split has, from the store where it was asked before."""
        return self._answers.ask_again(task, backend, example, self.budget)

    def _raise_broken(self) -> None:
        if self.broken is not None:
            raise self.broken

    # -- judging ------------------------------------------------------------------------------------

    def judged(self, task_name: str) -> TaskResult:
        """Everything that this session says of a task, from the store. Raises what broke the session."""
        self._raise_broken()
        task = self.task(task_name)
        return self._results.of(task, self.tasks.is_frozen(task))

    def rows(self, task_name: str) -> Iterator[Row]:
        """The rows of what ``judged`` says of a task: each model's answer to each example, one after the other."""
        self.judged(task_name)
        return self._results.rows(task_name)

    def judge_selection(self, selection: Selection) -> list[TaskResult]:
        """Judges every task of ``selection`` (as another process of this session collected it)."""
        self._answers.selection = self._asking.complete(selection)
        self._asking.leave_out_unusable()  # another process may have asked
        return [self.judged(name) for name in sorted(self.selection)]

    def unchanged_adapters(self) -> list[UnchangedAdapter]:
        """Each adapter that changed no answer, once they are asked and before they are graded."""
        if self.broken is not None:
            return []
        return [item for name in sorted(self.selection) for item in self._results.unchanged(self.task(name))]

    def no_verdict(self, task_name: str, backend: str) -> NoVerdict | None:
        """Why nothing is decided of ``backend`` though it was asked all of the split; None where a verdict is due."""
        without = self.judged(task_name).no_verdict(backend)
        return None if without is None or without.code is WhyNone.PART else without

    def verdict(self, task_name: str, backend: str) -> Verdict:
        """The verdict on ``backend``. Raises HarnessError where its judged split was not run whole."""
        return verdict_of(self.judged(task_name), backend)

    def comparison(self, task_name: str, candidate: str, rival: str, score: str) -> Comparison:
        """The comparison of that pair. Raises HarnessError where one of the two was not run whole."""
        return comparison_of(self.judged(task_name), candidate, rival, score)

    # -- the end ------------------------------------------------------------------------------------

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
