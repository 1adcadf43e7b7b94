"""Published figures of several fields are those of the composite scores."""

from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.judging.answer import Grader
from evalkit.models.backend import Completion
from evalkit.models.request import render
from evalkit.stats.rates import rate

if TYPE_CHECKING:
    from conftest import MiniProject

SCORES = """
[scores.names]
scorer = "set"
both_empty = 1

[scores.facts]
scorer = "set"
both_empty = 1

[scores.size]
scorer = "number"
tolerance = 0

[scores.why]
scorer = "exact"

[scores.overall]
scorer = "mean"
of = ["names", "facts"]

[scores.all_four]
scorer = "whole"
of = ["names", "facts", "size", "why"]
"""

SCHEMA = {
    "type": "object",
    "required": ["names", "facts", "size", "why"],
    "properties": {
        "names": {"$ref": "#/$defs/texts"},
        "facts": {"$ref": "#/$defs/texts"},
        "size": {"type": "integer"},
        "why": {"type": "string"},
    },
    "$defs": {"texts": {"type": "array", "items": {"type": "string"}}},
}

PAIRS: list[tuple[Any, Any]] = [
    ((["a", "b"], ["x"], 3, "s"), (["a", "b"], ["x"], 3, "s")),
    ((["a"], ["x", "y"], 3, "s"), (["a", "b"], ["x"], 3, "s")),
    (([], [], 1, "s"), ([], ["x"], 1, "s")),
    ((["c"], ["x"], 2, "s"), (["a"], ["x"], 3, "t")),
    (None, (["a"], ["x"], 3, "s")),
    ((["B", "A"], ["X"], 3, "s"), (["a", "b"], ["x"], 3, "s")),
]
"""Got and expected, of which one was not readable."""


def f1(got: list[str], expected: list[str]) -> float:
    ours, theirs = ({text.lower() for text in texts} for texts in (got, expected))
    return 2 * len(ours & theirs) / (len(ours) + len(theirs)) if ours or theirs else 1.0


def answer(values: Any) -> dict[str, Any]:
    return dict(zip(SCHEMA["properties"], values, strict=True))


def test_overall_f1_is_the_mean_of_each_examples_mean_and_exact_match_is_of_all_fields(project: MiniProject) -> None:
    head, tail = '[input]\nrequired = ["text"]\n[prompt]\nsystem = "s"\nuser = "u"\n', '[primary]\nscore = "overall"\n'
    project.write("golden/mood/task.toml", head + SCORES + tail)
    project.write("golden/mood/schema.json", json.dumps(SCHEMA))
    for split in ("train", "reference", "malformed"):
        (project.folder / f"{split}.jsonl").unlink()
    lines = [{"id": f"t-{n}", "input": {"text": "x"}, "expected": answer(e)} for n, (_, e) in enumerate(PAIRS)]
    project.split("test", lines)
    task = project.task()
    grader = Grader(task)
    graded = [
        grader.grade("m", example, render(task, example), Completion(json.dumps(got and answer(got)), "stop"))
        for example, (got, _) in zip(task.splits["test"], PAIRS, strict=True)
    ]
    overall, exact = ([each.scores[name].value for each in graded] for name in ("overall", "all_four"))
    by_hand = [fmean((f1(got[0], e[0]), f1(got[1], e[1]))) if got else 0.0 for got, e in PAIRS]
    assert overall == pytest.approx(by_hand)
    assert exact == [1, 0, 0, 0, 0, 1]
    figure = rate(overall, [example.group for example in task.splits["test"]])
    assert figure.value == pytest.approx(fmean(by_hand))
    assert figure.n == 6
