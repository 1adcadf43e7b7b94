"""What a check of golden data is: it looks at one task and says what is wrong with its examples.

A check is one file of this folder, or an entry point in the group ``evalkit.lints``; its name is what a waiver in
task.toml says. The file has one function

    def check(task: Task) -> Iterator[Finding]

which asks no model. A finding has a place and a remedy; one that is meant to be so is waived, with a reason:

    [[waivers]]
    lint = "shortcuts"
    about = "train.jsonl: the word 'salesforce'"
    reason = "the platform is named in the request: that is the task"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from evalkit._internal.registry import find, names
from evalkit.golden.model import Example, Task
from evalkit.scorers.number import as_number


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """Something in golden data that may make its figures mean less. ``lint`` and ``waived``, the reason of a waiver,
    are filled in by ``lint``."""

    level: Literal["error", "warning", "note"]
    where: str
    what: str
    remedy: str
    lint: str = ""
    waived: str = ""

    def __repr__(self) -> str:
        told = f"{self.where}: {self.level}: {self.what}. {self.remedy} ({self.lint})"
        return f"{told} Waived: {self.waived}" if self.waived else told

    @property
    def counts(self) -> bool:
        """Whether somebody should do something about it."""
        return self.level != "note" and not self.waived


def lint(task: Task) -> Iterator[Finding]:
    """Everything that the checks find in ``task``, check by check in the order of their names; and each waiver that
    waives nothing."""
    unused = set(task.waivers)
    for name in sorted(names("lints")):
        for finding in find("lints", name).check(task):
            own = [one for one in task.waivers if one.lint == name and _is_about(one.about, finding)]
            unused -= set(own)
            yield replace(finding, lint=name, waived=own[0].reason if own else "")
    for waiver in task.waivers:
        if waiver in unused:
            yield Finding(
                "warning", task.place("task.toml"),
                f"the waiver of {waiver.lint} about {waiver.about!r} waives nothing", "Take it away.", "waivers",
            )  # fmt: skip


def _is_about(about: str, finding: Finding) -> bool:
    """Whether the words of a waiver stand in place and words of a finding, as words: x-1 is not about x-12."""
    return re.search(rf"(?<![\w.-]){re.escape(about)}(?![\w-])", f"{finding.where}: {finding.what}") is not None


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


_CLASSES = ("exact", "sign", "bool")
_NUMBERS = ("number", "magnitude")
_MOST = 50
"""A field of more different values than this has no classes, but answers."""


def classed(task: Task, examples: Iterable[Example]) -> Iterator[tuple[str, list[Example], list[str]]]:
    """The fields of ``task`` that are a few classes, each with the examples that have it and their classes: of a field
    that is scored by its sign, the sign."""
    examples = judged(examples)
    for field, scorer in {rule.field: rule.scorer for rule in task.scores.values() if rule.scorer in _CLASSES}.items():
        rows = [example for example in examples if field in example.expected]
        labels = [_class(example.expected[field], scorer) for example in rows]
        if field != "error" and 0 < len(set(labels)) <= _MOST:
            yield field, rows, labels


def _class(value: object, scorer: str) -> str:
    if scorer == "sign" and isinstance(value, int | float):
        return "above 0" if value > 0 else "below 0" if value < 0 else "0"
    return str(value)


def numbered(task: Task, examples: Iterable[Example]) -> Iterator[tuple[str, list[Example], list[float]]]:
    """The fields of ``task`` that are numbers, each with the examples that have one."""
    examples = judged(examples)
    for field in dict.fromkeys(rule.field for rule in task.scores.values() if rule.scorer in _NUMBERS):
        rows = [example for example in examples if as_number(example.expected.get(field)) is not None]
        if rows:
            yield field, rows, [float(example.expected[field]) for example in rows]


def one_of_each_group(examples: Iterable[Example]) -> list[Example]:
    """The first example of each group: what belongs together is one piece of evidence."""
    return list({example.group: example for example in reversed(list(examples))}.values())[::-1]


def judged(examples: Iterable[Example]) -> list[Example]:
    """Those that expect a judgement, not an error object."""
    return [example for example in examples if "error" not in example.expected]
