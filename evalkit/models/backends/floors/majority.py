"""The majority floor: for each field the value that `train` has most, whatever the input.

Fields of numbers with more than twelve different values take the median instead, of those that are not null; where
most are null, null. Error objects are left out, and so are fields that most examples do not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median_low
from typing import Any

from evalkit.errors import MissingModel
from evalkit.golden.schema import compiled
from evalkit.models.backend import Backend, Opening
from evalkit.models.backends.floors.constant import Constant
from evalkit.models.request import canonical

_FEW = 12


def open_backend(opening: Opening) -> Backend:
    """The constant object of train's commonest values.

    Raises MissingModel where the task has no train split, or where the schema refuses that object: a floor that
    nobody can read is beaten by anything.
    """
    answers = [example.expected for example in opening.task.splits.get("train", ()) if "error" not in example.expected]
    if not answers:
        raise MissingModel(f"{opening.spec}: {opening.task.name} has no train.jsonl to take a majority from")
    fields = dict.fromkeys(field for answer in answers for field in answer)
    values = {field: [answer[field] for answer in answers if field in answer] for field in fields}
    value = {field: _typical(given) for field, given in values.items() if 2 * len(given) > len(answers)}
    violation = compiled(opening.task.schema).violation(value)
    if violation:
        raise MissingModel(f"{opening.spec}: the commonest values of {opening.task.name} make no answer: {violation}")
    return Constant(value)


def _typical(values: Sequence[Any]) -> Any:
    spelled = {canonical(value): value for value in values}
    amounts = [value for value in values if value is not None]
    are_numbers = all(isinstance(value, int | float) for value in amounts)
    if are_numbers and len({*map(canonical, amounts)}) > _FEW and 2 * len(amounts) >= len(values):
        return median_low(amounts)
    # The smallest spelling breaks a tie, so that the order of train does not matter.
    counts = Counter(canonical(value) for value in values)
    return spelled[min(counts, key=lambda text: (-counts[text], text))]
