"""The typical answer of a task: field by field what `train` has most, as the floors that learn from it give it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Any

from evalkit.errors import MissingModel
from evalkit.golden.model import Example, Task
from evalkit.golden.schema import compiled
from evalkit.models.backend import Spec
from evalkit.models.request import canonical

_FEW = 12


def answered(task: Task) -> list[Example]:
    """The examples of train that expect an answer, and no error object."""
    return [example for example in task.splits.get("train", ()) if "error" not in example.expected]


def learned(task: Task, spec: Spec, purpose: str) -> tuple[list[Example], dict[str, Any]]:
    """What a floor learns from, and the typical answer there. ``purpose`` is what it needs them for.

    Raises MissingModel where the task has no train split, or where the schema refuses that answer: a floor that nobody
    can read is beaten by anything.
    """
    examples = answered(task)
    if not examples:
        raise MissingModel(f"{spec}: {task.name} has no train.jsonl to {purpose}")
    value = typical_answer([example.expected for example in examples])
    if violation := compiled(task.schema).violation(value):
        raise MissingModel(f"{spec}: the commonest values of {task.name} make no answer: {violation}")
    return examples, value


def typical_answer(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each field with the value that ``answers`` have most; fields that most of them lack are left out.

    >>> typical_answer([{"mood": "good"}, {"mood": "bad"}, {"mood": "bad", "why": "rain"}])
    {'mood': 'bad'}
    """
    fields = dict.fromkeys(field for answer in answers for field in answer)
    values = {field: [answer[field] for answer in answers if field in answer] for field in fields}
    return {field: typical(given) for field, given in values.items() if 2 * len(given) > len(answers)}


def typical(values: Sequence[Any]) -> Any:
    """The commonest of ``values``, whatever their order; of numbers with more than twelve different ones the median,
    nulls left out where they are not most.

    >>> typical(["b", "a", "b"]), typical([2, 1]), typical(range(15))
    ('b', 1, 7)
    """
    spelled = {canonical(value): value for value in values}
    amounts = [value for value in values if value is not None]
    are_numbers = all(isinstance(value, int | float) for value in amounts)
    if are_numbers and len({*map(canonical, amounts)}) > _FEW and 2 * len(amounts) >= len(values):
        return median_low(amounts)
    # The smallest spelling breaks a tie, so that the order of train does not matter.
    counts = Counter(canonical(value) for value in values)
    return spelled[min(counts, key=lambda text: (-counts[text], text))]
