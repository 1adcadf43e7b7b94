"""What a check of golden data is, and what it finds.

A check is one file of this folder, or an entry point in the group ``evalkit.lints``; its name is what a waiver in
task.toml says. The file has one function

    def check(task: Task) -> Iterator[Finding]

which asks no model, and looks at one task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from evalkit._internal.outside_text import one_line
from evalkit.golden.model import Task

Level = Literal["error", "warning", "note"]
"""How bad a finding is. A note is good to know, and nobody has to act on it."""


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """Something in golden data that may make its figures mean less. ``lint`` and ``waived``, the reason of a waiver,
    are filled in by ``waivers.lint``."""

    level: Level
    where: str
    what: str
    remedy: str
    lint: str = ""
    waived: str = ""

    def __repr__(self) -> str:
        text = f"{self.where}: {self.level}: {self.what}. {self.remedy} ({self.lint})"
        return one_line(f"{text} Waived: {self.waived}" if self.waived else text)

    @property
    def counts(self) -> bool:
        """Whether somebody should do something about it."""
        return self.level != "note" and not self.waived


class Lint(Protocol):
    """A check of golden data: the function ``check`` of a component of the kind "lints"."""

    def __call__(self, task: Task, /) -> Iterator[Finding]:
        """What is wrong, or worth knowing, in ``task``."""
        ...
