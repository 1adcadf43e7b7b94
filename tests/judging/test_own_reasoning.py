"""The length of a model's own reasoning against what it answers, and reasoning that is not as was asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from conftest import example
from evalkit.judging.answer import Answer, Grader, averaged
from evalkit.judging.own_reasoning import OwnReasoning, own_reasoning
from evalkit.judging.wording import own_reasoning as sentences
from evalkit.models.backend import Completion
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

COUNT = 30
DRAWN = [0.1, 0.9, 0.4, 0.6, 0.2, 0.8, 0.5, 0.3, 0.7, 0.55]
"""What is right goes up and down, whatever the length."""


class Thinker:
    """Asks the task `mood`: 30 examples, all good, whose right strength is one of ``DRAWN``."""

    def __init__(self, project: MiniProject) -> None:
        lines = [example(f"t-{n:02}", {"mood": "good", "strength": DRAWN[n % 10]}) for n in range(COUNT)]
        project.split("test", lines)
        self.task = project.task()
        self.grader = Grader(self.task)

    def answer(self, number: int, text: str, thinking: str | None = None) -> Answer:
        one = self.task.splits["test"][number]
        return self.grader.grade("m", one, render(self.task, one), Completion(text, "stop", thinking=thinking))

    def seen(self, answers: Iterable[Answer], asked: bool | None = None) -> OwnReasoning:
        found = own_reasoning(self.task, "m", asked, list(answers))
        assert found is not None
        return found


@pytest.fixture
def thinker(project: MiniProject) -> Thinker:
    return Thinker(project)


def said(strength: float, length: int, mood: str = "good") -> str:
    return f"<think>{'x' * length}</think>{json.dumps({'mood': mood, 'strength': strength})}"


def test_a_model_that_answers_the_higher_the_longer_it_wrote_is_told(thinker: Thinker) -> None:
    seen = thinker.seen(thinker.answer(n, said(n / COUNT, 10 + n)) for n in range(COUNT))
    [tie] = [tie for tie in seen.ties if tie.field]
    assert (tie.name, tie.n, tie.got, tie.is_told) == ("strength", COUNT, 1.0, True)
    assert tie.expected is not None
    assert abs(tie.expected) < 0.3 < tie.rho
    [told] = sentences(seen)
    assert told.startswith("m: the longer its own reasoning, the more strength is too high (rho +")


def test_right_figures_that_rise_with_the_length_are_no_fault(thinker: Thinker) -> None:
    answers = [thinker.answer(n, said(DRAWN[n % 10], 100 + round(100 * DRAWN[n % 10]) + n % 3)) for n in range(COUNT)]
    seen = thinker.seen(answers)
    assert seen.reasoned == COUNT
    assert [*sentences(seen)] == []


def test_a_length_that_says_nothing_of_the_answer_is_measured_and_not_told(thinker: Thinker) -> None:
    answers = [thinker.answer(n, said((n * 7 % 10) / 10, 10 + n * 11 % 30)) for n in range(COUNT)]
    seen = thinker.seen(answers)
    assert [tie.name for tie in seen.ties] == ["strength"]
    assert [*sentences(seen)] == []


def test_long_reasoning_that_goes_wrong_is_told_by_the_primary_score(thinker: Thinker) -> None:
    texts = [said(DRAWN[n % 10], 10 + n, "good" if n < 20 else "bad") for n in range(COUNT)]
    seen = thinker.seen(thinker.answer(n, text) for n, text in enumerate(texts))
    assert next(sentences(seen)).startswith("m: the longer its own reasoning, the worse mood (rho -")


def test_p_is_corrected_for_all_that_was_tried(thinker: Thinker) -> None:
    texts = [said(n / COUNT, 10 + n, "good" if n % 2 else "bad") for n in range(COUNT)]
    alone = thinker.seen(thinker.answer(n, said(n / COUNT, 10 + n)) for n in range(COUNT))
    both = thinker.seen(thinker.answer(n, text) for n, text in enumerate(texts))
    [one], [_, other] = alone.ties, both.ties
    assert other.p == pytest.approx(2 * one.p)


def test_samples_of_one_example_count_once(thinker: Thinker) -> None:
    answers = [averaged([thinker.answer(n, said(n / COUNT, 10 + n)) for _ in range(3)]) for n in range(COUNT)]
    seen = thinker.seen(answers)
    assert (seen.answers, seen.reasoned, seen.ties[0].n) == (3 * COUNT, 3 * COUNT, COUNT)


def test_reasoning_that_a_server_hands_over_apart_is_measured_too(thinker: Thinker) -> None:
    answers = [thinker.answer(n, json.dumps({"mood": "good", "strength": n / COUNT}), "x" * n) for n in range(COUNT)]
    assert thinker.seen(answers).ties[0].is_told


def test_a_model_without_reasoning_has_nothing_to_see(thinker: Thinker) -> None:
    assert own_reasoning(thinker.task, "m", None, [thinker.answer(0, '{"mood": "good", "strength": 0.1}')]) is None


@pytest.mark.parametrize(
    ("asked", "text", "told"),
    [
        (False, said(0.1, 5), "m: thinking = false, and 1 of 1 answer came with reasoning"),
        (True, '{"mood": "good", "strength": 0.1}', "m: thinking = true, and none of 1 answer shows any reasoning"),
        (True, "<think>\n\n</think>{}", "m: thinking = true, and none of 1 answer shows any reasoning"),
    ],
)
def test_reasoning_that_is_not_as_was_asked_is_told(thinker: Thinker, asked: bool, text: str, told: str) -> None:
    [sentence] = sentences(thinker.seen([thinker.answer(0, text)], asked))
    assert sentence.startswith(told)


@pytest.mark.parametrize(("asked", "text"), [(True, said(0.1, 5)), (False, '{"mood": "good", "strength": 0.1}')])
def test_reasoning_that_is_as_was_asked_is_no_news(thinker: Thinker, asked: bool, text: str) -> None:
    assert [*sentences(thinker.seen([thinker.answer(0, text)], asked))] == []
