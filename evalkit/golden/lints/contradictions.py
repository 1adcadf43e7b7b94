"""Inputs that are the same to a reader, with labels that are not."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import judged, text_of
from evalkit.golden.model import Example, Task
from evalkit.golden.near_duplicates import near_pairs
from evalkit.golden.scoring import kind_of, scorer_of, values_match
from evalkit.scorers.score import InputScorer

_NEAR = 0.95


def check(task: Task) -> Iterator[Finding]:
    scorers = [(rule.field, scorer_of(rule)) for rule in task.field_scores if kind_of(rule) != "text"]
    examples = judged(example for split in task.splits.values() for example in split)
    for first, second, _ in near_pairs(examples, [text_of(example) for example in examples], _NEAR):
        differ = sorted({field for field, scorer in scorers if _other(first, second, field, scorer)})
        if differ and first.group != second.group:
            labels = ", ".join(f"{name} {first.expected[name]!r} and {second.expected[name]!r}" for name in differ)
            yield Finding(
                "error", second.where, f"{second.id} asks what {first.id} ({first.where}) asks, and expects another "
                f"answer: {labels}", "Settle which is right; a pair that is meant to differ belongs into one group.",
            )  # fmt: skip


def _other(first: Example, second: Example, name: str, scorer: InputScorer) -> bool:
    """Whether what one expects would be wrong on the other, as the task scores it: 0.5 and 0.55 may be the same."""
    if name not in first.expected or name not in second.expected:
        return False
    return not values_match(scorer, second.expected[name], first.expected[name], first.input)
