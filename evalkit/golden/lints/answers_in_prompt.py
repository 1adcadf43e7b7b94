"""Held-out answers that the prompt gives away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from evalkit._internal.counts import counted
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import judged, strings, text_of
from evalkit.golden.model import Task
from evalkit.golden.near_duplicates import normal
from evalkit.golden.scoring import kind_of

_LEAST = 20
"""Shorter texts, such as the name of a class, belong into a prompt."""


def check(task: Task) -> Iterator[Finding]:
    prompt = normal(f"{task.prompt.system}\n{task.prompt.user}")
    for split in ("test", "dev", "reference"):
        copied: Counter[str] = Counter()
        examples = judged(task.splits.get(split, ()))
        for example in examples:
            text_asked = normal(text_of(example))
            if any(text in prompt for text in _long(example.input)):
                yield Finding("error", example.where, f"the prompt holds the input of {example.id}", _REMEDY)
            for name, value in example.expected.items():
                answers = [] if _is_class(task, name) else list(_long(value))
                if any(answer in prompt for answer in answers):
                    yield Finding("error", example.where, f"the prompt holds the {name} of {example.id}", _REMEDY)
                copied[name] += any(answer in text_asked for answer in answers)
        for name, count in copied.items():
            if count:
                yield Finding(
                    "warning", task.place(f"{split}.jsonl"),
                    f"the input holds the {name} of {count} of {counted(len(examples), 'example')}, word for word",
                    "What is copied need not be understood: use other words, or waive it where a quotation is meant.",
                )  # fmt: skip


def _long(value: object) -> Iterator[str]:
    """The texts in ``value`` that nobody writes a second time by chance."""
    return (text for text in map(normal, strings(value)) if len(text) >= _LEAST)


_REMEDY = "Who is told the answer is not tested: write the example, or the prompt, anew."


def _is_class(task: Task, name: str) -> bool:
    """Whether a field's values are named by the schema, and so rightly by the prompt."""
    return any(rule.field == name and kind_of(rule) in ("class", "set") for rule in task.field_scores)
