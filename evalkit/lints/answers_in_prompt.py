"""Held-out answers that the prompt gives away."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.lints import Finding, judged, text_of
from evalkit.near_duplicates import normal
from evalkit.tasks import Task

_LEAST = 20
"""Shorter texts, such as the name of a class, belong into a prompt."""


def check(task: Task) -> Iterator[Finding]:
    prompt = normal(f"{task.prompt.system}\n{task.prompt.user}")
    for split in ("test", "dev"):
        for example in judged(task.splits.get(split, ())):
            own = normal(text_of(example))
            if len(own) >= _LEAST and own in prompt:
                yield Finding("error", example.where, f"the prompt holds the input of {example.id}", _REMEDY)
            for name, value in example.expected.items():
                answer = normal(value) if isinstance(value, str) else ""
                if len(answer) < _LEAST or _is_class(task, name):
                    continue
                place = "prompt" if answer in prompt else "input" if answer in own else ""
                if place:
                    yield Finding("error", example.where, f"the {place} holds the {name} of {example.id}", _REMEDY)


_REMEDY = "Who is told the answer is not tested: write the example, or the prompt, anew."


def _is_class(task: Task, name: str) -> bool:
    """Whether a field's values are named by the schema, and so rightly by the prompt."""
    return any(rule.field == name and rule.scorer in ("exact", "set", "grounded") for rule in task.scores.values())
