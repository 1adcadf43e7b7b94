"""A small task with two relations, and answers to its examples: one turns a word, one shouts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit.golden.model import Example, Task
from evalkit.judging.answer import Answer, Grader
from evalkit.models.backend import Completion
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

TURNED = """
[relations.turned]
relation = "swap"
input = "text"
words = [["good", "awful"]]
negates = "strength"
free = ["mood"]

[relations.loud]
relation = "case"
input = ["text"]
to = "upper"
"""


def turned_task(project: MiniProject) -> Task:
    """The mini task, with a sentence for every example and two relations."""
    words = ["good", "awful", "plain"]
    lines = [json.loads(line) for line in (project.folder / "test.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        line["input"]["text"] = f"What a {words[number % 3]} day number {number} was."
    project.split("test", lines)
    project.change("golden/mood/schema.json", '"minimum": 0', '"minimum": -1')
    project.write("golden/mood/task.toml", (project.folder / "task.toml").read_text() + TURNED)
    return project.task()


def answered(task: Task, example: Example, value: Mapping[str, Any] | str) -> Answer:
    text = value if isinstance(value, str) else json.dumps(value)
    return Grader(task).grade("tuned", example, render(task, example), Completion(text, "stop"))
