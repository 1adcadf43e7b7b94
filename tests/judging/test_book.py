"""The book of answers reads and grades every stored completion once, and says which answers are not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

from evalkit.judging.book import AnswerBook
from evalkit.models.backend import Completion
from evalkit.models.cache import StoredCompletion
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD = '{"mood": "good", "strength": 0.9}'


class Shelf:
    """What is stored, and what was read of it."""

    def __init__(self, project: MiniProject) -> None:
        self.task = project.task()
        self.stored: dict[str, StoredCompletion] = {}
        self.reads: list[list[str]] = []
        self.examples = {example.id: example for example in self.task.splits["test"]}
        self.book = AnswerBook(self.task, self.examples, self.read)

    def put(self, key: str, example: str, text: str = GOOD) -> None:
        request = render(self.task, self.examples[example])
        self.stored[key] = StoredCompletion(key, "mark", request, Completion(text, "stop"))

    def read(self, keys: Iterable[str]) -> Mapping[str, StoredCompletion]:
        self.reads.append(list(keys))
        return {key: self.stored[key] for key in self.reads[-1] if key in self.stored}


@pytest.fixture
def shelf(project: MiniProject) -> Shelf:
    return Shelf(project)


def test_an_answer_is_the_same_object_whoever_asks_for_it(shelf: Shelf) -> None:
    shelf.put("k1", "t-01")
    first = shelf.book.answer("tuned", "t-01", ["k1"])
    assert first is not None
    assert first.scores["mood"].value == 1.0
    assert shelf.book.answers("tuned", {"t-01": ("k1",)})["t-01"] is first


def test_all_answers_of_a_model_are_read_at_once_and_none_twice(shelf: Shelf) -> None:
    shelf.put("k1", "t-01")
    shelf.put("k2", "t-02")
    for _ in range(2):
        shelf.book.answers("tuned", {"t-01": ("k1",), "t-02": ("k2",)})
    assert shelf.reads == [["k1", "k2"]]


def test_samples_are_averaged(shelf: Shelf) -> None:
    shelf.put("k1", "t-01")
    shelf.put("k2", "t-01", "Well.")
    answer = shelf.book.answer("tuned", "t-01", ["k1", "k2"])
    assert answer is not None
    assert (answer.scores["mood"].value, len(answer.samples), answer.strict) == (0.5, 2, False)


def test_where_one_sample_is_missing_there_is_no_answer(shelf: Shelf) -> None:
    shelf.put("k1", "t-01")
    assert shelf.book.answer("tuned", "t-01", ["k1", "k2"]) is None
    assert shelf.book.answers("tuned", {"t-01": ("k1", "k2")}) == {}


def test_what_is_stored_later_is_found_later(shelf: Shelf) -> None:
    assert shelf.book.answer("tuned", "t-01", ["k1"]) is None
    shelf.put("k1", "t-01")
    assert shelf.book.answer("tuned", "t-01", ["k1"]) is not None


def test_examples_that_the_task_has_no_more_are_left_out(shelf: Shelf) -> None:
    shelf.put("k1", "t-01")
    assert list(shelf.book.answers("tuned", {"t-01": ("k1",), "gone": ("k9",)})) == ["t-01"]


def test_two_models_with_one_stored_answer_have_an_answer_each(shelf: Shelf) -> None:
    shelf.put("k1", "t-01")
    names = [answer.backend for model in ("a", "b") if (answer := shelf.book.answer(model, "t-01", ["k1"]))]
    assert names == ["a", "b"]
