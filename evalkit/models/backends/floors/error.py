"""The floor that always refuses: the commonest error object of the task, whatever the input."""

from __future__ import annotations

from collections import Counter

from evalkit.errors import MissingModel
from evalkit.models.backend import Backend, Opening
from evalkit.models.backends.floors.constant import Constant


def open_backend(opening: Opening) -> Backend:
    """The constant error object. Raises MissingModel where the task knows none."""
    codes = Counter(
        str(example.expected["error"])
        for split in ("train", "malformed")
        for example in opening.task.splits.get(split, ())
        if "error" in example.expected
    )
    if not codes:
        raise MissingModel(f"{opening.spec}: {opening.task.name} expects no error object anywhere")
    return Constant({"error": min(codes, key=lambda code: (-codes[code], code))})
