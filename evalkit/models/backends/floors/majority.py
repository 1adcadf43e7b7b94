"""The majority floor: for each field the value that `train` has most, whatever the input.

Fields of numbers with more than twelve different values take the median instead, of those that are not null; where
most are null, null. Error objects are left out, and so are fields that most examples do not have.
"""

from __future__ import annotations

from evalkit.models.backend import Backend, Opening
from evalkit.models.backends.floors.constant import Constant
from evalkit.models.typical import learned


def open_backend(opening: Opening) -> Backend:
    """The constant object of train's commonest values.

    Raises MissingModel where the task has no train split, or where the schema refuses that object: a floor that
    nobody can read is beaten by anything.
    """
    _, value = learned(opening.task, opening.spec, "take a majority from")
    return Constant(value)
