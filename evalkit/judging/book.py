"""The book of answers: what the models answered to the examples of one task, read and graded once.

Whoever needs an answer asks the book: tests, verdicts, ``evalkit show`` and ``rescore``, lineages and relations. So
one stored completion has one Answer in a process, whoever looks at it and however often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from evalkit.errors import describe_error
from evalkit.golden.model import Example, Task
from evalkit.judging.answer import Answer, Grader, averaged
from evalkit.judging.attempts import next_attempt
from evalkit.models.backend import Completion
from evalkit.models.cache import StoredCompletion
from evalkit.models.request import Request

ReadStored = Callable[[Iterable[str]], Mapping[str, StoredCompletion]]
"""Gives the stored completions of the keys that it is handed; keys that are not stored are left out."""


class AnswerBook:
    """The answers to one task. ``examples`` are all that may have been asked, perturbed ones too, by id.

    An answer is known by its model, its example and its keys: where its samples are stored. A completion that was not
    stored when it was first asked for is looked for again the next time. Of a sample that took several attempts the key
    is that of the last one; ``earlier`` has those of the attempts before it, by that key, from who knows them.
    """

    def __init__(
        self,
        task: Task,
        examples: Mapping[str, Example],
        read: ReadStored,
        unreadable: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``unreadable`` says by key what is wrong with stored completions that ``read`` left out."""
        self.task = task
        self.examples = examples
        self._read = read
        self._grader = Grader(task)
        self.earlier: dict[str, tuple[str, ...]] = {}
        self._unreadable = unreadable
        self._ungraded: dict[str, str] = {}
        self._stored: dict[str, StoredCompletion] = {}
        self._answers: dict[tuple[str, str, tuple[str, ...]], Answer] = {}

    def stored(self, keys: Iterable[str]) -> Mapping[str, StoredCompletion]:
        """Every completion that was read so far, those of ``keys`` among them where they are stored.

        Hand it all keys of a model at once: those that it has not are read in one go.
        """
        missing = list(dict.fromkeys(key for key in keys if key not in self._stored))
        if missing:
            self._stored.update(self._read(missing))
        return self._stored

    def answer(self, model: str, example: str, keys: Sequence[str]) -> Answer | None:
        """What ``model`` answered to ``example``, averaged over its samples; None where one of them is not stored, or
        can't be read (``problem`` tells)."""
        place = (model, example, tuple(keys))
        if place not in self._answers:
            every = [key for last in keys for key in (*self.earlier.get(last, ()), last)]
            stored = self.stored(every)
            if not all(key in stored for key in every) or any(key in self._ungraded for key in keys):
                return None
            samples = [sample for key in keys if (sample := self._sample(model, example, key)) is not None]
            if len(samples) < len(keys):
                return None
            self._answers[place] = averaged(samples)
        return self._answers[place]

    def problem(self, keys: Iterable[str]) -> str | None:
        """Why an answer that is stored under ``keys`` can't be read or scored; None where nothing is wrong with it."""
        every = [key for last in keys for key in (*self.earlier.get(last, ()), last)]
        return next((told[key] for told in (self._unreadable, self._ungraded) for key in every if key in told), None)

    def _sample(self, model: str, example: str, key: str) -> Answer | None:
        """The one sample that is stored under ``key``; None where it can't be scored: that is our mistake, and one
        answer must not take the others with it."""
        try:
            return self.sample(model, example, key)
        except Exception as error:
            self._ungraded[key] = (
                f"its answer is stored and could not be scored ({describe_error(error)}). This is a mistake of "
                f"evalkit: report it with what `evalkit show` prints; `evalkit rescore` scores it once that is mended"
            )
            return None

    def answers(self, model: str, keys: Mapping[str, Sequence[str]]) -> dict[str, Answer]:
        """The answers of ``model`` by example, from the keys by example. Examples without an answer, and those that
        the task does not know (any more), are left out."""
        self.stored(key for samples in keys.values() for key in samples)
        answers = {name: self.answer(model, name, samples) for name, samples in keys.items() if name in self.examples}
        return {name: answer for name, answer in answers.items() if answer is not None}

    def sample(self, model: str, example: str, key: str) -> Answer:
        """The one sample that is stored under ``key``. Raises KeyError where there is none."""
        stored, known = self.stored((*self.earlier.get(key, ()), key)), self.examples[example]
        attempts = [self.grade(model, known, stored[each]) for each in (*self.earlier.get(key, ()), key)]
        return replace(attempts[-1], earlier=tuple(attempts[:-1])) if len(attempts) > 1 else attempts[0]

    def next_attempt(self, request: Request, completion: Completion) -> Request | None:
        """What a model is asked after it answered ``request`` so; None where that can be used."""
        try:
            return next_attempt(request, self._grader.read(request, completion))
        except Exception:
            return None  # told as the ``problem`` of the answer, which is scored by the same reading

    def grade(self, model: str, example: Example, stored: StoredCompletion) -> Answer:
        """What ``stored`` is worth as an answer to ``example``, which may be one that the task does not have."""
        return self._grader.grade(model, example, stored.request, stored.completion)
