"""Where this session's answers are stored, and the books that they are read into, one for each task."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evalkit.errors import ConfigError, NotAnswered
from evalkit.golden.model import Example, Task
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.models.budget import Budget
from evalkit.models.cache import Store
from evalkit.models.generate import generate
from evalkit.models.request import render
from evalkit.session.participants import Participants
from evalkit.session.plan import RequestPlan, Selection


class SessionAnswers:
    """The answers of one session, called ``identity``. ``open_store`` gives the project's store.

    ``selection`` is what is asked in this session: all of a model's answers are read from the store at once.
    """

    def __init__(
        self, plan: RequestPlan, participants: Participants, open_store: Callable[[], Store], identity: str
    ) -> None:
        self.plan = plan
        self.participants = participants
        self.identity = identity
        self.selection: Selection = {}
        self._open_store = open_store
        self._books: dict[str, AnswerBook] = {}
        self._reasons: dict[str, str] | None = None
        self._read: set[tuple[str, str]] = set()

    @property
    def store(self) -> Store:
        """The project's store."""
        return self._open_store()

    def keys(self, task: Task, model: str, examples: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Where ``model``'s answers to ``examples`` are stored: for each example a key for each of its samples."""
        opened, requests = self.participants.model(model, task), self.plan.of(task, model)
        return {example: tuple(opened.key(request) for request in requests[example]) for example in examples}

    def second_keys(self, task: Task, model: str) -> dict[str, tuple[str, ...]]:
        """Where the second answers of a rung of a lineage are stored."""
        opened = self.participants.model(model, task)
        return {example: (opened.key(request),) for example, request in self.plan.again(task, model).items()}

    def book(self, task: Task) -> AnswerBook:
        """The book of answers to ``task``."""
        if task.name not in self._books:
            perturbed = {name: item.example for name, item in self.plan.perturbed(task).items()}
            examples = {**self.plan.scored(task), **perturbed}
            self._books[task.name] = AnswerBook(task, examples, self.store.get)
        return self._books[task.name]

    def answer(self, task: Task, model: str, example: str) -> Answer:
        """The answer of ``model`` to ``example``. Raises NotAnswered with why there is none, or one too few."""
        book = self.book(task)
        self._read_all(task, model)
        keys = self.keys(task, model, [example])[example]
        answer = book.answer(model, example, keys)
        if answer is None:
            stored = book.stored(keys)
            missing = next(key for key in keys if key not in stored)
            raise NotAnswered(f"{model} did not answer {example}: {self.reasons.get(missing, 'it was never asked')}")
        return answer

    def _read_all(self, task: Task, model: str) -> None:
        """Reads all of ``model``'s answers at once, before the first of them is looked at."""
        if (task.name, model) not in self._read:
            self._read.add((task.name, model))
            keys = self.keys(task, model, self.selection.get(task.name, {}).get(model, ()))
            self.book(task).stored(key for samples in keys.values() for key in samples)

    @property
    def reasons(self) -> dict[str, str]:
        """Why what was asked in vain stayed unanswered, by key. Read once, until ``asked_more`` is called."""
        if self._reasons is None:
            self._reasons = self.store.failures(self.identity)
        return self._reasons

    def asked_more(self) -> None:
        """Forgets what stayed unanswered, because more was asked since it was read."""
        self._reasons = None
        self._read.clear()

    def ask_again(self, task: Task, model: str, example: Example, budget: Budget) -> Answer:
        """The answer of ``model`` to an example that no split has, from the store where it was asked before."""
        opened = self.participants.model(model, task)
        if opened.backend.by_example:
            raise ConfigError(f"{model}: answers that were recorded are to these examples only; name a model")
        request = render(task, example, opened.alias.asking)
        generate([(opened, [request])], self.store, self.identity, budget=budget)
        self.asked_more()
        key = opened.key(request)
        stored = self.store.get([key])
        if key not in stored:
            raise NotAnswered(self.reasons[key])
        return self.book(task).grade(model, example, stored[key])
