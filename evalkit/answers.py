"""Reads and scores one completion: a pure function of what was stored and of what the task expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.backends import Completion
from evalkit.components import find
from evalkit.parsing import Output, parse
from evalkit.prompts import Request
from evalkit.schemas import Schema
from evalkit.scorers import Score, Scorer
from evalkit.tasks import Example, ScoreRule, Task


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model answered to one example, read and scored.

    ``scores`` holds "strict", "extractable" and every field that the example's expected answer has.
    """

    backend: str
    example: Example
    request: Request
    completion: Completion
    output: Output
    scores: Mapping[str, Score]

    @property
    def text(self) -> str:
        """The raw text that is judged: prefill and completion, reasoning set apart."""
        return self.output.answer

    @property
    def value(self) -> Mapping[str, Any] | None:
        """The JSON object that was dug out, or None."""
        return self.output.value

    @property
    def strict(self) -> bool:
        """Whether the whole answer is one JSON object that the schema accepts."""
        return self.output.strict

    @property
    def extractable(self) -> bool:
        """Whether such an object could be dug out of it."""
        return self.output.extractable

    @property
    def defects(self) -> tuple[str, ...]:
        """What is wrong with the text, by the names of ``parsing.DEFECTS``."""
        return self.output.defects

    def __repr__(self) -> str:
        return f"<answer of {self.backend} to {self.example.id}: {self.text[:200]!r}>"


class Marker:
    """Scores the completions of one task. Compiles its schema and its scorers once."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._schema = Schema(task.schema)
        self._scorers: Mapping[str, Scorer] = {
            rule.name: find("scorers", rule.scorer).make_scorer(rule.options) for rule in task.scores.values()
        }

    def mark(self, backend: str, example: Example, request: Request, completion: Completion) -> Answer:
        """Reads and scores ``completion``. Never raises for anything that a model wrote."""
        output = parse(completion, prefill=request.prefill, schema=self._schema, messages=request.messages)
        scores = {
            "strict": Score("strict", float(output.strict), output.strict, True, output.why),
            "extractable": Score("extractable", float(output.extractable), output.extractable, True, output.why),
        }
        for rule in self.task.scores_of(example):
            scores[rule.name] = self._score(rule, output, example.expected[rule.field])
        return Answer(backend, example, request, completion, output, scores)

    def _score(self, rule: ScoreRule, output: Output, expected: Any) -> Score:
        if output.value is None:
            named = ", ".join(output.defects) or "no object"
            return Score(rule.name, 0.0, None, expected, f"the answer could not be read: {named}")
        if rule.field not in output.value:
            instead = ", ".join(output.value) or "nothing"
            return Score(rule.name, 0.0, None, expected, f"the answer has no {rule.field!r}; it has {instead}")
        got = output.value[rule.field]
        judgement = self._scorers[rule.name](got, expected)
        return Score(rule.name, judgement.value, got, expected, judgement.why)
