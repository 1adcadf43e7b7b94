"""Whatever a model writes is read and scored, and is strict exactly where a judge of its own finds it so."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from campaigns.drawn_answers import OPEN_TASK, DrawnAnswer, draw
from campaigns.storm import Storm
from campaigns.strict_reader import NotStrict, read_object
from jsonschema import Draft202012Validator

from evalkit.golden.loader import load_task
from evalkit.golden.model import Task
from evalkit.golden.schema import Schema
from evalkit.judging.answer import Grader
from evalkit.judging.defects import DEFECTS
from evalkit.judging.output import Output, parse
from evalkit.models.request import render

ROOT = Path(__file__).parents[2]
ANYTHING = Schema({"type": "object"})


@lru_cache
def tasks() -> dict[str, Task]:
    return {folder.name: load_task(folder) for folder in sorted((ROOT / "golden").iterdir()) if folder.is_dir()}


@lru_cache
def grader(task: str) -> Grader:
    return Grader(tasks()[task])


@lru_cache
def validator(task: str) -> Draft202012Validator:
    return Draft202012Validator({"type": "object"} if task == OPEN_TASK else tasks()[task].schema)


def strictly_read(task: str, text: str) -> dict[str, Any] | None:
    """The object that ``text`` is, where the other judge takes it."""
    try:
        value = read_object(text)
    except NotStrict:
        return None
    return value if validator(task).is_valid(value) else None


def outcome(case: DrawnAnswer) -> str:
    """What came of an answer; what may not come fails."""
    output = read(case)
    judged = case.judged if case.judged is not None else output.answer
    assert output.answer.strip() == judged.strip(), "other text was taken for the answer"
    wanted = strictly_read(case.task, judged)
    if case.completion.finish_reason in ("refusal", "tool_call") or "unclosed_thinking" in output.defects:
        wanted = None
    assert output.strict == (wanted is not None), f"strict is {output.strict}: {output.defects}, {output.why}"
    assert not output.strict or output.value == wanted
    assert output.strict == (not output.defects) == (not output.why)
    assert set(output.defects) <= set(DEFECTS)
    assert output.value is None or validator(case.task).is_valid(output.value)
    assert "\n" not in output.why
    assert len(output.why) < 1000
    return f"{case.kind}: {'strict' if output.strict else 'extractable' if output.extractable else 'unread'}"


def read(case: DrawnAnswer) -> Output:
    if case.example is None:
        return parse(case.completion, prefill=case.prefill, schema=ANYTHING)
    request = render(tasks()[case.task], case.example)
    answer = grader(case.task).grade("fuzzed", case.example, replace(request, prefill=case.prefill), case.completion)
    assert all(isfinite(score.value) and 0 <= score.value <= 1 for score in answer.scores.values())
    assert answer.extractable or not any(score.value for score in answer.scores.values())
    assert json.dumps([[score.value, score.got, score.why] for score in answer.scores.values()])
    return answer.output


@pytest.mark.storm
@pytest.mark.parametrize("part", range(10))
def test_every_answer_is_read_and_strict_where_the_other_judge_says_so(storm: Storm, part: int) -> None:  # noqa: ARG001
    storm.run(25_000, lambda random: draw(tasks(), random), outcome, most_each=1)
    assert storm.tried["right: strict"] > 0.05 * storm.tried.total()
