"""Whole answers by their words: a classifier for each closed field, one that tells what is no answer, the rest typical.

Fields are told apart from each other. Where the schema refuses what comes of that, it is the likeliest combination that
it accepts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Any

from evalkit.golden.model import Example, Task
from evalkit.golden.schema import Schema, compiled
from evalkit.models.bag_of_words.classifier import Classifier, LabelledText, train
from evalkit.models.bag_of_words.closed_fields import ABSENT, ClosedField
from evalkit.models.request import canonical, render
from evalkit.models.typical import typical

_TRIED = 1000
"""So many combinations are held against the schema before the typical answer is given."""

_Ranked = Sequence[tuple[float, str]]
"""Classes with their log-probabilities, the likeliest first."""


@dataclass(frozen=True, slots=True, eq=False)
class AnswerByWords:
    """``fields`` tell the closed fields, ``errors`` which error object it is (``ABSENT`` for none); None where train
    has none. ``error_objects`` are by that class, ``base`` is the typical answer."""

    fields: Mapping[str, Classifier]
    errors: Classifier | None
    error_objects: Mapping[str, Mapping[str, Any]]
    base: Mapping[str, Any]
    schema: Schema

    def answers(self, texts: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """The answer to each of ``texts``."""
        kinds = _ranked(self.errors, texts) if self.errors else [[(0.0, ABSENT)]] * len(texts)
        ranked = {name: _ranked(classifier, texts) for name, classifier in self.fields.items()}
        for number, kind in enumerate(kinds):
            error = self.error_objects.get(kind[0][1])
            yield self._answer({name: of[number] for name, of in ranked.items()}) if error is None else error

    def _answer(self, ranked: Mapping[str, _Ranked]) -> Mapping[str, Any]:
        for classes in islice(_combinations(list(ranked.values())), _TRIED):
            told = dict(zip(ranked, classes, strict=True))
            answer = {name: value for name, value in self.base.items() if told.get(name) != ABSENT}
            answer |= {name: json.loads(spelled) for name, spelled in told.items() if spelled != ABSENT}
            if self.schema.violation(answer) is None:
                return answer
        return self.base


def question(task: Task, example: Example) -> str:
    """What a bag of words reads of an example: what the user says in the prompt."""
    return render(task, example).messages[-1].content


def fit_answers(task: Task, base: Mapping[str, Any], fields: Sequence[ClosedField]) -> AnswerByWords:
    """Fitted to train, which holds an answer at least."""
    examples = task.splits["train"]
    kinds = {each.id: canonical(each.expected["error"]) if "error" in each.expected else ABSENT for each in examples}
    answers = [example for example in examples if kinds[example.id] == ABSENT]
    texts = {example.id: question(task, example) for example in examples}

    def labelled(example: Example, labels: Mapping[str, str]) -> LabelledText:
        text = texts[example.id]
        return LabelledText(text, labels, f"group {example.group}" if example.group else f"alone {text}")

    told_apart = len(answers) < len(examples)
    return AnswerByWords(
        train([labelled(each, {field.name: field.label(each.expected) for field in fields}) for each in answers]),
        train([labelled(each, {"error": kinds[each.id]}) for each in examples])["error"] if told_apart else None,
        {
            kind: typical([each.expected for each in examples if kinds[each.id] == kind])
            for kind in sorted({*kinds.values()} - {ABSENT})
        },
        base,
        compiled(task.schema),
    )


def _ranked(classifier: Classifier, texts: Sequence[str]) -> list[_Ranked]:
    logs = classifier.log_probabilities(texts)
    # A sort that keeps the order of equals: the commoner class comes first.
    orders = (-logs).argsort(axis=1, kind="stable")
    return [[(float(row[k]), classifier.classes[k]) for k in order] for row, order in zip(logs, orders, strict=True)]


def _combinations(ranked: Sequence[_Ranked]) -> Iterator[tuple[str, ...]]:
    """A class of each, the likeliest combination first.

    >>> list(_combinations([[(-0.1, "a"), (-2.0, "b")], [(-0.5, "x"), (-1.0, "y")]]))
    [('a', 'x'), ('a', 'y'), ('b', 'x'), ('b', 'y')]
    """

    def unlikeliness(places: tuple[int, ...]) -> float:
        return -sum(classes[place][0] for classes, place in zip(ranked, places, strict=True))

    first = (0,) * len(ranked)
    waiting, seen = [(unlikeliness(first), first)], {first}
    while waiting:
        _, places = heappop(waiting)
        yield tuple(classes[place][1] for classes, place in zip(ranked, places, strict=True))
        for number, place in enumerate(places):
            following = (*places[:number], place + 1, *places[number + 1 :])
            if place + 1 < len(ranked[number]) and following not in seen:
                seen.add(following)
                heappush(waiting, (unlikeliness(following), following))
