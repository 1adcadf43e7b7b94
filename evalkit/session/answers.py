"""Where this session's answers are stored, and the books that they are read into, one for each task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from evalkit.errors import ConfigError, NotAnswered
from evalkit.golden.model import Example, Task
from evalkit.judging.answer import Answer
from evalkit.judging.book import AnswerBook
from evalkit.models.backend import Completion
from evalkit.models.budget import Budget
from evalkit.models.cache import Store
from evalkit.models.generate import OnProgress, generate, unsettled
from evalkit.models.request import Request, render
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
        self._followed: dict[tuple[str, Request], Request | None] = {}
        self._read: set[tuple[str, str]] = set()

    @property
    def store(self) -> Store:
        """The project's store."""
        return self._open_store()

    def keys(self, task: Task, model: str, examples: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Where ``model``'s answers to ``examples`` are stored: for each example a key for each of its samples."""
        requests = self.plan.of(task, model)
        return self._keys(task, model, {example: requests[example] for example in examples})

    def second_keys(self, task: Task, model: str) -> dict[str, tuple[str, ...]]:
        """Where the second answers of a rung of a lineage are stored."""
        return self._keys(task, model, {name: (request,) for name, request in self.plan.again(task, model).items()})

    def _keys(self, task: Task, model: str, asked: Mapping[str, Sequence[Request]]) -> dict[str, tuple[str, ...]]:
        """The keys of the last attempts at what is ``asked``, by example. One that is due is not stored."""
        opened = self.participants.model(model, task)
        chains = iter(self.attempts(task, model, [request for requests in asked.values() for request in requests]))
        keys = {}
        for example, requests in asked.items():
            of_example = [[opened.key(attempt) for attempt in next(chains)] for _ in requests]
            for *earlier, last in of_example:
                if earlier:
                    self.book(task).earlier[last] = tuple(earlier)
            keys[example] = tuple(attempts[-1] for attempts in of_example)
        return keys

    def earlier(self, task: Task, *keys: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Of those of ``keys`` that took several attempts, the keys of the attempts before the last."""
        known = self.book(task).earlier
        last = [key for by_example in keys for of_example in by_example.values() for key in of_example]
        return {key: known[key] for key in last if key in known}

    def attempts(self, task: Task, model: str, requests: Sequence[Request]) -> list[tuple[Request, ...]]:
        """For each of ``requests`` the attempts at an answer: itself, those that were made after it, and the one that
        is due where the last answer is not strict and there are retries left."""
        opened = self.participants.model(model, task)
        chains: list[tuple[Request, ...]] = [(request,) for request in requests]
        for made in range(1, opened.alias.asking.retries + 1):
            if made > max(map(len, chains), default=0):
                break  # nobody has come so far
            stored = self.book(task).stored(opened.key(chain[-1]) for chain in chains)
            for place, chain in enumerate(chains):
                if len(chain) == made and (answer := stored.get(opened.key(chain[-1]))) is not None:
                    following = self._following(task, model, chain[-1], answer.completion)
                    chains[place] = chain if following is None else (*chain, following)
        return chains

    def _following(self, task: Task, model: str, request: Request, answer: Completion) -> Request | None:
        """What ``model`` is asked after its stored ``answer``, which is read once."""
        if (model, request) not in self._followed:
            self._followed[model, request] = self.book(task).next_attempt(request, answer)
        return self._followed[model, request]

    def open_requests(self, task: Task, model: str, requests: Sequence[Request]) -> list[Request]:
        """The attempts at ``requests`` that are due, and did not fail in this session."""
        last = [chain[-1] for chain in self.attempts(task, model, requests)]
        return list(unsettled(self.participants.model(model, task), last, self.store, self.identity).values())

    def ask_on(
        self, task: Task, model: str, requests: Sequence[Request], on_progress: OnProgress, budget: Budget
    ) -> None:
        """Asks ``model`` again where its answer to one of ``requests`` is not strict, as often as it has retries."""
        opened = self.participants.model(model, task)
        while opened.alias.asking.retries and (due := self.open_requests(task, model, requests)):
            generate([(opened, due)], self.store, self.identity, on_progress, budget)

    def book(self, task: Task) -> AnswerBook:
        """The book of answers to ``task``."""
        if task.name not in self._books:
            perturbed = {name: item.example for name, item in self.plan.perturbed(task).items()}
            examples = {**self.plan.scored(task), **perturbed}
            self._books[task.name] = AnswerBook(task, examples, self.store.get, self.store.unreadable)
        return self._books[task.name]

    def answer(self, task: Task, model: str, example: str) -> Answer:
        """The answer of ``model`` to ``example``. Raises NotAnswered with why there is none, or one too few."""
        book = self.book(task)
        self._read_all(task, model)
        keys = self.keys(task, model, [example])[example]
        answer = book.answer(model, example, keys)
        if answer is None:
            if (problem := book.problem(keys)) is not None:
                raise NotAnswered(f"{model} on {example}: {problem}")
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
        self.ask_on(task, model, [request], lambda _: None, budget)
        self.asked_more()
        [attempts] = self.attempts(task, model, [request])
        key = opened.key(attempts[-1])
        stored = self.store.get([key])
        if key not in stored:
            raise NotAnswered(self.reasons[key])
        return self.book(task).grade(model, example, stored[key])
