"""Recorded answers, by example id."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import ConfigError, MissingModel, NotAnswered
from evalkit.models.backend import Backend, Completion, Opening, Spec, fingerprint_of
from evalkit.models.backends.replay import open_backend
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject


def opened(project: MiniProject, *lines: Any, name: str = "a.jsonl") -> Backend:
    project.write(name, "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return open_backend(Opening(Spec.parse(f"replay:{name}"), project.task(), project.root))


def said(project: MiniProject, backend: Backend, sample: int = 0) -> list[Completion | Exception]:
    task = project.task()
    requests = [render(task, example, sample=sample) for example in task.splits["test"][:2]]
    return [result for _, result in backend.answer(requests)]


def test_each_example_has_its_recorded_answer(project: MiniProject) -> None:
    lines = [{"id": "t-02", "text": "two", "finish_reason": "length"}, {"id": "t-01", "text": "one"}]
    assert said(project, opened(project, *lines)) == [Completion("one", "recorded"), Completion("two", "length")]


def test_samples_are_told_apart(project: MiniProject) -> None:
    backend = opened(project, *({"id": "t-01", "text": f"draw {n}", "sample": n} for n in (0, 1)))
    assert [said(project, backend, n)[0] for n in (0, 1)] == [
        Completion("draw 0", "recorded"), Completion("draw 1", "recorded"),
    ]  # fmt: skip


def test_an_empty_answer_is_an_answer(project: MiniProject) -> None:
    assert said(project, opened(project, {"id": "t-01", "text": ""}))[0] == Completion("", "recorded")


def test_an_example_that_is_not_recorded_is_not_answered(project: MiniProject) -> None:
    missing = said(project, opened(project, {"id": "t-01", "text": "one"}))[1]
    assert isinstance(missing, NotAnswered)
    assert str(missing) == f"{project.root / 'a.jsonl'} has no answer for t-02, sample 0"


def test_other_answers_are_another_model(project: MiniProject) -> None:
    marks = {fingerprint_of(opened(project, {"id": "t-01", "text": text})) for text in ("one", "two", "one")}
    assert len(marks) == 2


def test_an_answer_is_about_its_example_not_about_its_prompt(project: MiniProject) -> None:
    backend = opened(project, {"id": "t-01", "text": "one"}, {"id": "t-99", "text": "ninety-nine"})
    first = render(project.task(), project.task().splits["test"][0])
    results = dict(backend.answer([first, replace(first, example_id="t-99")]))
    assert backend.by_example
    assert [result.text for result in results.values() if isinstance(result, Completion)] == ["one", "ninety-nine"]


def test_half_a_surrogate_pair_can_be_recorded(project: MiniProject) -> None:
    assert said(project, opened(project, r'{"id": "t-01", "text": "\ud83d"}'))[0] == Completion("\ud83d", "recorded")


def test_a_plus_in_a_file_name_is_no_adapter(project: MiniProject) -> None:
    assert said(project, opened(project, {"id": "t-01", "text": "one"}, name="a+b.jsonl"))[0] == Completion(
        "one", "recorded"
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "not valid JSON: it ends before all of it is closed"),
        ("{'id': 't-02'}", "not valid JSON: JSON has no single quotes"),
        ('{"id": "t-02", "text": NaN}', "NaN is not JSON"),
        ('{"id": "t-02", "text": "x", "sample": 1e400}', "1e400 is too large"),
        ('{"id": "t-02", "text": "x", "text": "y"}', "key 'text' stands twice"),
        pytest.param('{"text": ' + "[" * 5000 + "]" * 5000 + "}", "nested deeper than 100", id="5,000 brackets"),
        ("[]", r"got '\[\]', expected {\"id\": \"...\", \"text\": \"...\"}"),
        ({"id": "t-02"}, 'expected {"id"'),
        ({"id": 2, "text": "x"}, 'expected {"id"'),
        (
            {"id": "t-02", "text": "x", "finish_reason": "bored"},
            "finish_reason is 'bored' and sample 0, expected one of",
        ),
        ({"id": "t-02", "text": "x", "sample": "one"}, "sample 'one', expected one of .* and a number"),
        ({"id": "t-01", "text": "again"}, "'t-01', sample 0, is answered twice"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(project: MiniProject, line: Any, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"a.jsonl:3: {what}" if what[0] in "n'" else rf"a.jsonl:3: .*{what}"):
        opened(project, {"id": "t-01", "text": "one"}, "", line)


@pytest.mark.parametrize("spec", ["replay", "replay:", "replay:nowhere.jsonl", "replay:golden"])
def test_without_a_file_the_model_is_missing(project: MiniProject, spec: str) -> None:
    with pytest.raises(MissingModel, match=rf"^{spec.rstrip(':')}: no file .*; expected JSONL with an id and a text"):
        open_backend(Opening(Spec.parse(spec), project.task(), project.root))


def test_a_file_that_is_not_utf_8_is_told(project: MiniProject) -> None:
    (project.root / "a.jsonl").write_bytes(b'{"id": "t-01", "text": "caf\xe9"}\n')
    with pytest.raises(ConfigError, match=r"a.jsonl:1: not UTF-8: byte 0xe9"):
        open_backend(Opening(Spec.parse("replay:a.jsonl"), project.task(), project.root))
