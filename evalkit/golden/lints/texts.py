"""The texts of golden examples, as checks read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from evalkit.golden.model import Example, Task


def text_of(example: Example) -> str:
    """An example's input as text, in the order of its line; what is no text as JSON."""
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        for value in example.input.values()
    )


def strings(*values: object) -> Iterator[str]:
    """Every text that is somewhere in ``values``."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from strings(*value.values())
        elif isinstance(value, list | tuple):
            yield from strings(*value)


def judged(examples: Iterable[Example]) -> list[Example]:
    """Those that expect a judgement, not an error object."""
    return [example for example in examples if "error" not in example.expected]


def held_out(task: Task) -> list[Example]:
    """Those of every split that a model is judged by, and that expect a judgement."""
    return judged(example for split in ("test", "dev", "reference") for example in task.splits.get(split, ()))
