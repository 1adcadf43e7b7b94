"""The fields of a task's answers that have a few values to choose from, and what a value's class is.

Closed are the fields that a scorer of the kind "class" judges: two values that it takes for the same are one class. A
field of numbers is closed where a score of it names ``anchors``: each stands for the numbers that are nearest to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.golden.model import Example, ScoreRule, Task
from evalkit.golden.scoring import kind_of, scorer_of, values_match
from evalkit.models.request import canonical
from evalkit.scorers.values import as_number

MOST = 200
"""A field with more classes than this is no choice among a few."""

ABSENT = ""
"""The class of an answer that does not have the field."""


@dataclass(frozen=True, slots=True)
class ClosedField:
    """``classes`` has the class of each value that was seen, both spelled as JSON; a class is named by its value."""

    name: str
    classes: Mapping[str, str]

    def label(self, expected: Mapping[str, Any]) -> str:
        """The class of an expected answer."""
        return self.classes[canonical(expected[self.name])] if self.name in expected else ABSENT


def closed_fields(task: Task, examples: Sequence[Example]) -> list[ClosedField]:
    """The closed fields of the answers that ``examples`` expect, in the order of the contract."""
    fields = []
    ordered = sorted(examples, key=lambda each: canonical(each.expected))
    for name in dict.fromkeys(rule.field for rule in task.scores.values() if rule.field):
        having = [each for each in ordered if name in each.expected]
        rules = [rule for rule in task.scores.values() if rule.field == name]
        classes = _classes(rules, name, having)
        if having and classes is not None and len(set(classes.values())) <= MOST:
            fields.append(ClosedField(name, classes))
    return fields


def _classes(rules: Sequence[ScoreRule], name: str, examples: Sequence[Example]) -> dict[str, str] | None:
    for rule in rules:
        if rule.anchors:
            values = {canonical(each.expected[name]): each.expected[name] for each in examples}
            return {spelled: _nearest(rule.anchors, value) for spelled, value in values.items()}
    for rule in rules:
        if kind_of(rule) == "class":
            return _alike(rule, name, examples)
    return None


def _nearest(anchors: Sequence[float], value: Any) -> str:
    """The anchor that is nearest, the lower of two; what is no number is its own class."""
    number = as_number(value)
    return canonical(value) if number is None else canonical(min(anchors, key=lambda each: (abs(each - number), each)))


def _alike(rule: ScoreRule, name: str, examples: Sequence[Example]) -> dict[str, str]:
    """Each value's class: the commonest value that the scorer takes for the same."""
    scorer = scorer_of(rule)
    spellings = [canonical(example.expected[name]) for example in examples]
    counts, seen = Counter(spellings), dict(zip(reversed(spellings), reversed(examples), strict=True))
    classes: dict[str, str] = {}
    heads: list[str] = []
    for spelled in sorted(counts, key=lambda text: (-counts[text], text)):
        example = seen[spelled]
        same = (
            head
            for head in heads
            if values_match(scorer, example.expected[name], seen[head].expected[name], example.input)
        )
        classes[spelled] = next(same, spelled)
        if classes[spelled] == spelled:
            heads.append(spelled)
        if len(heads) > MOST:
            break  # it is not closed: enough is known
    return classes
