"""Scores of a whole answer that ask for a free text word for word."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.golden.lints.finding import Finding
from evalkit.golden.model import Task
from evalkit.golden.scoring import kind_of


def check(task: Task) -> Iterator[Finding]:
    for rule in task.scores.values():
        texts = [member.name for member in rule.members if kind_of(member) == "text"]
        if rule.scorer == "whole" and texts:
            yield Finding(
                "warning", task.place("task.toml"),
                f"[scores.{rule.name}] asks that {' and '.join(texts)} be the reference text, word for word",
                "Nobody writes a text twice alike: name the other scores in its `of`.",
            )  # fmt: skip
