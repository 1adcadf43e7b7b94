"""The floor that counts words: TF-IDF and logistic regression for each closed field, trained on `train`.

Closed are the fields of classes, and those of numbers whose score names ``anchors``; every other field has its typical
value, as in `majority`. It answers with an error object where train has such and the words speak for one. What it
reads is what the user says in the prompt, so that it knows no more than a model. A model that is no better has not
read.

It is fitted at the first question, and not again while it lasts. Docs: docs/verdicts.md, "Floors".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evalkit._internal.files import text_digest
from evalkit.errors import MissingModel
from evalkit.golden.model import Task
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.backends.floors.constant import completion_of
from evalkit.models.bag_of_words.closed_fields import ClosedField, closed_fields
from evalkit.models.request import Request, canonical
from evalkit.models.typical import learned

if TYPE_CHECKING:
    from evalkit.models.bag_of_words.objects import AnswerByWords  # NumPy, and SciPy

VERSION = 2
"""Of the way of learning. It grows by one with each change that gives other answers."""


def open_backend(opening: Opening) -> Backend:
    """The classifiers of a task, to be fitted.

    Raises MissingModel where the task has no train split, no closed field, or where the schema refuses the typical
    answer: a floor that nobody can read is beaten by anything.
    """
    task, spec = opening.task, opening.spec
    examples, base = learned(task, spec, "learn from")
    fields = closed_fields(task, examples)
    if not fields:
        raise MissingModel(f"{spec}: {task.name} has no field of classes, and no number with anchors, to tell by words")
    fingerprint = {"floor": "words", "learned": _digest(task), "version": VERSION}
    return Words(task, base, fields, fingerprint, opening.shared)


@dataclass(frozen=True, slots=True)
class Words:
    """Counts words. ``shared`` keeps what was fitted, as long as the run lasts."""

    task: Task
    base: Mapping[str, Any]
    fields: Sequence[ClosedField]
    fingerprint: Mapping[str, Any]
    shared: dict[Any, Any]
    by_example: bool = False
    constrains: bool = True
    interactive: bool = False

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        answers = self._fitted().answers([request.messages[-1].content for request in requests])
        for request, answer in zip(requests, answers, strict=True):
            yield request, completion_of(answer, request)

    def close(self) -> None:
        """Nothing is held."""

    def _fitted(self) -> AnswerByWords:
        from evalkit.models.bag_of_words.objects import fit_answers

        place = ("words", self.fingerprint["learned"])
        if place not in self.shared:
            self.shared[place] = fit_answers(self.task, self.base, self.fields)
        fitted: AnswerByWords = self.shared[place]
        return fitted


def _digest(task: Task) -> str:
    """Of all that is learned from: the examples of train in any order, how they are asked, what is scored of them."""
    examples = sorted(canonical([each.input, each.expected, each.group]) for each in task.splits["train"])
    scores = [asdict(rule) for rule in task.scores.values()]
    return text_digest(canonical([examples, asdict(task.prompt), scores, task.schema]))
