"""What nearly all answers of a model have in common is told as what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalkit.judging.answer import Answer, Grader
from evalkit.judging.wholesale import FEWEST, Kind, Wholesale, wholesale
from evalkit.judging.wording import wholesale as worded
from evalkit.models.backend import Completion, FinishReason
from evalkit.models.request import Message, Request, render
from evalkit.reports.notes import notes

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD, BAD = '{"mood": "good", "strength": 0.5}', '{"mood": "bad", "strength": 0.5}'
Write = Callable[[int, Request], str | Completion]


def answers(project: MiniProject, write: Write) -> list[Answer]:
    """The answers to the test split, of which ``write`` gives each."""
    task = project.task()
    grader, found = Grader(task), []
    for number, example in enumerate(task.splits["test"]):
        request = render(task, example)
        written = write(number, request)
        completion = Completion(written, "stop") if isinstance(written, str) else written
        found.append(grader.grade("tuned", example, request, completion))
    return found


def kinds(items: Sequence[Wholesale]) -> dict[Kind, tuple[int, int]]:
    return {item.kind: (item.count, item.n) for item in items}


def in_chatml(messages: Sequence[Message]) -> str:
    return "".join(f"<|im_start|>{one.role}\n{one.content}<|im_end|>\n" for one in messages) + "<|im_start|>assistant\n"


def without_marks(messages: Sequence[Message]) -> str:
    return "".join(f"{one.role}\n{one.content}\n" for one in messages) + "assistant\n"


def alternating(number: int) -> str:
    return (GOOD, BAD)[number % 2]


@pytest.mark.parametrize(
    "prompt",
    [
        in_chatml,
        without_marks,
        lambda messages: " ".join(one.content for one in messages),
        lambda messages: f"{messages[-1].content}\n",
        lambda messages: f"[INST] <<SYS>>\n{messages[0].content}\n<</SYS>>\n\n{messages[1].content} [/INST]",
        lambda messages: f"system\nToday is 1 May 2026.\n\n{messages[0].content}user\n{messages[1].content}assistant\n",
    ],
    ids=["template", "special tokens skipped", "the messages alone", "the user's alone", "Llama 2", "a date"],
)
def test_answers_that_begin_with_the_prompt_look_like_a_mistake_of_the_harness(
    project: MiniProject, prompt: Callable[[Sequence[Message]], str]
) -> None:
    found = answers(project, lambda number, request: prompt(request.messages) + alternating(number))
    assert kinds(wholesale(found)) == {"prompt_in_front": (12, 12)}


def test_a_prompt_that_is_known_is_found_as_it_was_rendered(project: MiniProject) -> None:
    def write(number: int, request: Request) -> Completion:
        rendered = f"<s>Ǿ {request.messages[0].content}|{request.messages[1].content}|"
        return Completion(rendered + alternating(number), "stop", rendered=rendered)

    assert kinds(wholesale(answers(project, write))) == {"prompt_in_front": (12, 12)}


@pytest.mark.parametrize(
    "written",
    [
        lambda request: f"{GOOD}\n{request.messages[-1].content}",
        lambda request: f"The text is: {request.messages[-1].content}. It is good. {GOOD}",
        lambda request: f"{request.messages[0].content} {GOOD}",
    ],
    ids=["behind the object", "quoted in a sentence", "the system message alone"],
)
def test_an_answer_that_quotes_the_question_is_none(project: MiniProject, written: Callable[[Request], str]) -> None:
    assert "prompt_in_front" not in kinds(wholesale(answers(project, lambda _, request: written(request))))


def test_some_answers_that_begin_with_the_prompt_are_the_models_own(project: MiniProject) -> None:
    def write(number: int, request: Request) -> str:
        return (without_marks(request.messages) if number % 2 else "") + alternating(number // 2)

    assert wholesale(answers(project, write)) == ()


def test_a_system_message_that_the_template_leaves_out_is_told_of_one_model(project: MiniProject) -> None:
    def write(number: int, request: Request) -> Completion:
        turns = request.messages[1:] if number else request.messages
        return Completion(alternating(number), "stop", rendered=in_chatml(turns))

    assert kinds(wholesale(answers(project, write))) == {"no_system": (11, 12)}


def test_of_prompts_that_are_not_known_nothing_is_said(project: MiniProject) -> None:
    assert wholesale(answers(project, lambda number, _: alternating(number))) == ()


@pytest.mark.parametrize(
    ("text", "finish", "found"),
    [
        (GOOD, "stop", {"same_text": (12, 12)}),
        ("", "stop", {"empty": (12, 12)}),
        ("Let me", "length", {"same_text": (12, 12), "cut": (12, 12)}),
    ],
)
def test_answers_that_are_all_alike_are_told(
    project: MiniProject, text: str, finish: FinishReason, found: dict[Kind, tuple[int, int]]
) -> None:
    assert kinds(wholesale(answers(project, lambda *_: Completion(text, finish)))) == found


def test_one_text_is_no_wonder_where_one_is_right(project: MiniProject) -> None:
    found = answers(project, lambda *_: GOOD)
    alike = [replace(one, example=replace(one.example, expected=found[0].example.expected)) for one in found]
    assert wholesale(alike) == ()


@pytest.mark.parametrize("kind", FEWEST)
def test_of_few_answers_nothing_is_said(project: MiniProject, kind: Kind) -> None:
    def write(_: int, request: Request) -> Completion:
        by_kind = {"prompt_in_front": without_marks(request.messages), "same_text": GOOD, "cut": "Let me"}
        rendered = in_chatml(request.messages[1:]) if kind == "no_system" else None
        return Completion(by_kind.get(kind, ""), "length" if kind == "cut" else "stop", rendered=rendered)

    found = answers(project, write)
    assert kind in kinds(wholesale(found[: FEWEST[kind]]))
    assert kind not in kinds(wholesale(found[: FEWEST[kind] - 1]))


@pytest.mark.parametrize("kind", FEWEST)
def test_each_has_a_sentence_with_its_figures(kind: Kind) -> None:
    told = worded("tuned", Wholesale(kind, 70, 70, 96))
    assert told.startswith("tuned: ")
    assert "70" in told
    assert "{" not in told


def test_a_report_of_recorded_answers_says_that_they_begin_with_the_prompt(project: MiniProject) -> None:
    task = project.task()
    texts = {
        example.id: without_marks(render(task, example).messages) + GOOD
        for split in task.splits.values()
        for example in split
    }
    project.answers("tuned", texts)
    told = [line for line in notes(project.asked(("tuned",)).judged("mood")) if "begin with the whole prompt" in line]
    assert [line.partition(" answers ")[0] for line in told] == ["tuned: 12 of 12"]
