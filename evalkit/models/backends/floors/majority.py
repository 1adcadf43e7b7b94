"""The majority floor: for each field the value that `train` has most, whatever the input.

Fields of numbers with more than twelve different values take the median instead, of those that are not null; where
most are null, null. Error objects are left out, and so are fields that most examples do not have.
"""

from __future__ import annotations

from evalkit.errors import MissingModel
from evalkit.golden.schema import compiled
from evalkit.models.backend import Backend, Opening
from evalkit.models.backends.floors.constant import Constant
from evalkit.models.typical import answered, typical_answer


def open_backend(opening: Opening) -> Backend:
    """The constant object of train's commonest values.

    Raises MissingModel where the task has no train split, or where the schema refuses that object: a floor that
    nobody can read is beaten by anything.
    """
    answers = [example.expected for example in answered(opening.task)]
    if not answers:
        raise MissingModel(f"{opening.spec}: {opening.task.name} has no train.jsonl to take a majority from")
    value = typical_answer(answers)
    violation = compiled(opening.task.schema).violation(value)
    if violation:
        raise MissingModel(f"{opening.spec}: the commonest values of {opening.task.name} make no answer: {violation}")
    return Constant(value)
