"""Inputs that are the same to a reader, with labels that are not."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.lints import Finding, judged, text_of
from evalkit.near_duplicates import near_pairs
from evalkit.tasks import Example, Task

_NEAR = 0.95
_FREE = ("text", "embedding")
"""Scorers of free text, which two people never write alike."""


def check(task: Task) -> Iterator[Finding]:
    free = {rule.field for rule in task.scores.values() if rule.scorer in _FREE}
    fields = sorted({rule.field for rule in task.scores.values()} - free - {"error"})
    examples = judged(example for split in task.splits.values() for example in split)
    for first, second, _ in near_pairs(examples, [text_of(example) for example in examples], _NEAR):
        differ = [name for name in fields if _other(first, second, name)]
        if differ and first.group != second.group:
            told = ", ".join(f"{name} {first.expected[name]!r} and {second.expected[name]!r}" for name in differ)
            yield Finding(
                "error", second.where, f"{second.id} asks what {first.id} ({first.where}) asks, and expects another "
                f"answer: {told}", "Settle which is right; a pair that is meant to differ belongs into one group.",
            )  # fmt: skip


def _other(first: Example, second: Example, name: str) -> bool:
    return name in first.expected and name in second.expected and first.expected[name] != second.expected[name]
