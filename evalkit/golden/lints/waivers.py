"""Runs every check on a task, and takes account of what the task waives.

A finding that is meant to be so is waived in task.toml, with a reason:

    [[waivers]]
    lint = "shortcuts"
    about = "train.jsonl: the word 'salesforce'"
    reason = "the platform is named in the request: that is the task"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from evalkit._internal.registry import find, names
from evalkit.golden.lints.finding import Finding
from evalkit.golden.model import Task


def lint(task: Task) -> Iterator[Finding]:
    """Everything that the checks find in ``task``, check by check in the order of their names; and each waiver that
    waives nothing."""
    unused = set(task.waivers)
    for name in sorted(names("lints")):
        for finding in find("lints", name).check(task):
            matching = [waiver for waiver in task.waivers if waiver.lint == name and _is_about(waiver.about, finding)]
            unused -= set(matching)
            yield replace(finding, lint=name, waived=matching[0].reason if matching else "")
    for waiver in task.waivers:
        if waiver in unused:
            yield Finding(
                "warning", task.place("task.toml"),
                f"the waiver of {waiver.lint} about {waiver.about!r} waives nothing", "Take it away.", "waivers",
            )  # fmt: skip


def _is_about(about: str, finding: Finding) -> bool:
    """Whether the words of a waiver stand in place and words of a finding, as words: x-1 is not about x-12."""
    return re.search(rf"(?<![\w.-]){re.escape(about)}(?![\w-])", f"{finding.where}: {finding.what}") is not None
