"""Reads and scores one completion: a pure function of what was stored and of what the task expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean
from typing import Any

from evalkit.golden.model import ANSWERED, Example, ScoreRule, Task
from evalkit.golden.schema import compiled
from evalkit.golden.scoring import composite_of, scorer_of
from evalkit.judging.attempts import Spent, spent
from evalkit.judging.output import Output, parse
from evalkit.models.backend import Completion
from evalkit.models.request import Request
from evalkit.scorers.score import Score


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model answered to one example, read and scored.

    ``scores`` holds "strict", "extractable" and every field that the example's expected answer has. Where the
    example was asked several times it is the weakest of its ``samples``, with the means of their scores. ``earlier``
    are the attempts before it, of a model that is asked again after an answer that is not strict.
    """

    backend: str
    example: Example
    request: Request
    completion: Completion
    output: Output
    scores: Mapping[str, Score]
    samples: tuple[Answer, ...] = ()
    earlier: tuple[Answer, ...] = ()

    @property
    def attempts(self) -> tuple[Answer, ...]:
        """All attempts at it, the first one first: itself alone where it was not asked again."""
        return (*self.earlier, self)

    @property
    def spent(self) -> Spent:
        """What all attempts at it took together."""
        return spent([attempt.completion for attempt in self.attempts])

    @property
    def each(self) -> tuple[Answer, ...]:
        """Its samples, one by one: itself where the example was asked once."""
        return self.samples or (self,)

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
        """What is wrong with the text, by the names of ``evalkit.judging.defects.DEFECTS``."""
        return self.output.defects

    def __repr__(self) -> str:
        return f"<answer of {self.backend} to {self.example.id}: {self.text[:200]!r}>"


def is_right(primary: str, scores: Mapping[str, float]) -> bool:
    """Whether an example that must pass does: strict, and right in the ``primary`` score (or in every score it has,
    where it does not have that one, as an error object has not). ``scores`` are values by name.

    >>> is_right("team", {"strict": 1.0, "extractable": 1.0, "team": 1.0, "urgency": 0.0})
    True
    """
    names = [primary] if primary in scores else [name for name in scores if name not in ANSWERED]
    return all(scores.get(name) == 1.0 for name in ("strict", *names))


def averaged(samples: Sequence[Answer]) -> Answer:
    """One answer for all samples of an example, so that the example counts once.

    A score is the mean over the samples, and so right only where all of them are. Text, value and defects are those
    of the weakest sample: one that can't be read, else one that is not strict, else the one that scores least. So it
    is strict, or extractable, only where all of them are.
    """
    if len(samples) == 1:
        return samples[0]
    weakest = min(samples, key=_strength)
    scores = {name: _mean([sample.scores[name] for sample in samples]) for name in weakest.scores}
    return replace(weakest, scores=scores, samples=tuple(samples))


def _strength(sample: Answer) -> tuple[bool, bool, float]:
    mean_score = fmean(score.value for score in sample.scores.values())
    return sample.extractable, sample.strict, mean_score


def _mean(scores: Sequence[Score]) -> Score:
    worst, right = min(scores, key=lambda score: score.value), sum(map(bool, scores))
    if worst:
        return worst
    why = f"right in {right} of {len(scores)} samples; {worst.why}"
    return replace(worst, value=fmean(score.value for score in scores), why=why)


class Grader:
    """Scores the completions of one task. Compiles its schema and its scorers once."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._schema = compiled(task.schema)
        self._values: dict[str, Mapping[str, Any]] = {}
        self._scorers = {rule.name: scorer_of(rule) for rule in task.field_scores}
        self._composites = {rule.name: composite_of(rule) for rule in task.scores.values() if rule.members}

    def read(self, request: Request, completion: Completion) -> Output:
        """What stands in ``completion``, whatever is expected."""
        output = parse(
            completion,
            prefill=request.prefill,
            schema=self._schema,
            messages=request.messages,
            reasoning=request.reasoning,
        )
        if output.value is None:
            return output
        # The same text is the same object: a session holds one of each.
        known = self._values.setdefault(output.answer, output.value)
        return output if known is output.value or known != output.value else replace(output, value=known)

    def grade(self, backend: str, example: Example, request: Request, completion: Completion) -> Answer:
        """Reads and scores ``completion``. Never raises for anything that a model wrote."""
        output = self.read(request, completion)
        scores = {
            "strict": _answered("strict", output.strict, output.why),
            "extractable": _answered("extractable", output.extractable, output.why),
        }
        rules = self.task.scores_of(example)
        of_fields = {rule.name: self._score(rule, output, example) for rule in rules if not rule.members}
        for rule in rules:
            composite = rule.name not in of_fields
            scores[rule.name] = self._composed(rule, of_fields, output, example) if composite else of_fields[rule.name]
        return Answer(backend, example, request, completion, output, scores)

    def _score(self, rule: ScoreRule, output: Output, example: Example) -> Score:
        expected = example.expected[rule.field]
        if output.value is None:
            return Score(rule.name, 0.0, None, expected, _unreadable(output))
        if rule.field not in output.value:
            instead = ", ".join(output.value) or "nothing"
            return Score(rule.name, 0.0, None, expected, f"the answer has no {rule.field!r}; it has {instead}")
        got = output.value[rule.field]
        judgement = self._scorers[rule.name](got, expected, example.input)
        return _score(rule.name, judgement.value, got, expected, judgement.why)

    def _composed(self, rule: ScoreRule, of_fields: Mapping[str, Score], output: Output, example: Example) -> Score:
        members = [member for member in rule.members if member.name in of_fields]
        names = dict.fromkeys(member.field for member in members)
        expected = {name: example.expected[name] for name in names}
        if output.value is None:
            return Score(rule.name, 0.0, None, expected, _unreadable(output))
        got = {name: output.value[name] for name in names if name in output.value}
        judgement = self._composites[rule.name]([of_fields[member.name] for member in members])
        return Score(rule.name, judgement.value, got, expected, judgement.why)


def _score(name: str, value: float, got: Any, expected: Any, why: str) -> Score:
    """The score. Those of plain values are shared by all answers that have the same."""
    plain = isinstance(got, _PLAIN) and isinstance(expected, _PLAIN) and len(why) < _SHORT
    if plain and not (type(got) is float and got == 0):  # -0.0 equals 0.0, and is written otherwise
        return _shared_score(name, value, got, expected, why)
    return Score(name, value, got, expected, why)


# Typed, or 1, 1.0 and True would be one.
_shared_score = lru_cache(65_536, typed=True)(Score)
_PLAIN = (str, int, float, bool, type(None))
_SHORT = 200


@lru_cache(4096)
def _answered(name: str, value: bool, why: str) -> Score:
    """A score of the answer as a whole. Most answers share one."""
    return Score(name, float(value), value, True, why)


def _unreadable(output: Output) -> str:
    return f"the answer could not be read: {', '.join(output.defects) or 'no object'}"
