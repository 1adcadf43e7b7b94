"""What a check of golden data is: it looks at one task and says what is wrong with its examples.

A check is one file of this folder, or an entry point in the group ``evalkit.lints``; its name is what a waiver in
task.toml says. The file has one function

    def check(task: Task) -> Iterator[Finding]

which asks no model. A finding has a place and a remedy; one that is meant to be so is waived, with a reason:

    [[waivers]]
    lint = "shortcuts"
    about = "Salesforce"
    reason = "the platform is named in the request: that is the task"
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from evalkit.components import find, names
from evalkit.tasks import Example, Task


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
            waiver = next((one for one in task.waivers if one.lint == name and one.about in repr(finding)), None)
            unused.discard(waiver)
            yield replace(finding, lint=name, waived=waiver.reason if waiver else "")
    for waiver in task.waivers:
        if waiver in unused:
            yield Finding(
                "warning", f"{task.folder.parent.name}/{task.name}/task.toml",
                f"the waiver of {waiver.lint} about {waiver.about!r} waives nothing", "Take it away.", "waivers",
            )  # fmt: skip


def text_of(example: Example) -> str:
    """All text of an example's input, in the order of its line."""
    return "\n".join(value for value in example.input.values() if isinstance(value, str))


_CLASSES = ("exact", "sign", "bool")
_NUMBERS = ("number", "magnitude", "sign")


def classes_of(task: Task) -> list[str]:
    """The fields of ``task`` whose values are a few classes."""
    return list(
        dict.fromkeys(rule.field for rule in task.scores.values() if rule.scorer in _CLASSES and rule.field != "error")
    )


def fields_of(task: Task) -> list[str]:
    """The fields of ``task`` that are classes or numbers."""
    numbers = [rule.field for rule in task.scores.values() if rule.scorer in _NUMBERS]
    return list(dict.fromkeys([*classes_of(task), *numbers]))


def judged(examples: Iterable[Example]) -> list[Example]:
    """Those that expect a judgement, not an error object."""
    return [example for example in examples if "error" not in example.expected]
