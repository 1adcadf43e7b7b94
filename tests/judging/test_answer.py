"""One stored completion and what was expected make an Answer: text, value, defects, scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.judging.answer import Answer, Grader, averaged
from evalkit.models.backend import Completion
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject


class Reader:
    """Marks texts as answers to the first test example, which expects good and 0.9."""

    def __init__(self, project: MiniProject) -> None:
        self.task = project.task()
        self.marker = Grader(self.task)

    def __call__(self, text: str, split: str = "test") -> Answer:
        example = self.task.splits[split][0]
        return self.marker.grade("tuned", example, render(self.task, example), Completion(text, "stop"))


@pytest.fixture
def read(project: MiniProject) -> Reader:
    return Reader(project)


def values(answer: Answer) -> dict[str, float]:
    return {name: score.value for name, score in answer.scores.items()}


def test_a_right_answer_is_right_in_every_score(read: Reader) -> None:
    answer = read('{"mood": "good", "strength": 0.8}')
    assert values(answer) == {"strict": 1.0, "extractable": 1.0, "mood": 1.0, "strength": 1.0}
    assert (answer.value, answer.strict, answer.defects) == ({"mood": "good", "strength": 0.8}, True, ())


def test_each_field_is_scored_by_itself(read: Reader) -> None:
    answer = read('{"mood": "good", "strength": 0.1}')
    assert values(answer) == {"strict": 1.0, "extractable": 1.0, "mood": 1.0, "strength": 0.0}
    assert repr(answer.scores["strength"]) == (
        "strength: off by 0.8, more than 0.2 (got 0.1, expected 0.9, score 0)"
    )  # fmt: skip


def test_an_answer_in_prose_is_extractable_and_not_strict(read: Reader) -> None:
    answer = read('Sure: {"mood": "good", "strength": 0.9}')
    assert values(answer) == {"strict": 0.0, "extractable": 1.0, "mood": 1.0, "strength": 1.0}
    assert answer.defects == ("prose_before",)


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("", "empty"),
        ("Good.", "prose_before"),
        ('{"mood": "glad", "strength": 0.9}', "schema_violation"),
        ('{"mood": "good", "mood": "good", "strength": 0.9}', "duplicate_key"),
        ('{"mood": "good", "strength": NaN}', "not_finite"),
        ("\ud83d", "prose_before"),
    ],
)
def test_an_answer_that_cant_be_read_scores_zero_everywhere(read: Reader, text: str, defect: str) -> None:
    answer = read(text)
    assert set(values(answer).values()) == {0.0}
    assert answer.value is None
    assert answer.scores["mood"].why == f"the answer could not be read: {', '.join(answer.defects)}"
    assert defect in answer.defects


def test_an_error_object_on_a_good_input_is_wrong_however_valid(read: Reader) -> None:
    answer = read('{"error": "no_text"}')
    assert values(answer) == {"strict": 1.0, "extractable": 1.0, "mood": 0.0, "strength": 0.0}
    assert answer.scores["mood"].why == "the answer has no 'mood'; it has error"


def test_only_the_fields_that_are_expected_are_scored(read: Reader) -> None:
    assert values(read('{"error": "no_text"}', "malformed")) == {"strict": 1.0, "extractable": 1.0, "error": 1.0}


def test_a_field_that_was_not_wanted_answers_for_none_that_was(read: Reader) -> None:
    answer = read('{"mood": "good", "strength": 0.9}', "malformed")
    assert answer.scores["error"].why == "the answer has no 'error'; it has mood, strength"


def test_what_is_judged_is_prefill_and_completion(project: MiniProject) -> None:
    project.contract("[decoding]", "prefill = '{\"mood\": '\n[decoding]")
    answer = Reader(project)('"good", "strength": 0.9}')
    assert (answer.strict, answer.text) == (True, '{"mood": "good", "strength": 0.9}')


def test_reasoning_is_set_apart(read: Reader) -> None:
    answer = read('<think>{"mood": "bad"}</think>{"mood": "good", "strength": 0.9}')
    assert (answer.text, answer.scores["mood"].value) == ('{"mood": "good", "strength": 0.9}', 1.0)


def test_the_same_completion_has_the_same_scores(read: Reader) -> None:
    text = json.dumps({"mood": "bad", "strength": 0.75})
    assert values(read(text)) == values(read(text))


def test_an_answer_shows_who_said_what_to_which_example(read: Reader) -> None:
    assert repr(read("Good.")) == "<answer of tuned to t-01: 'Good.'>"


@pytest.mark.parametrize("got", [True, None, "0.9", [0.9], {"a": 1}, 1e308, 10**400])
def test_no_value_of_a_field_breaks_the_marking(project: MiniProject, got: Any) -> None:
    project.write("golden/mood/schema.json", "{}")
    assert Reader(project)(json.dumps({"mood": got, "strength": got})).scores["strength"].value == 0.0


def test_a_score_of_what_is_there_is_asked_only_where_something_is_expected(project: MiniProject) -> None:
    project.name_people()
    task = project.task()
    first, last = task.splits["test"][0], task.splits["test"][-1]
    assert {rule.name for rule in task.scores_of(first)} == {"mood", "strength", "names", "named"}
    assert {rule.name for rule in task.scores_of(last)} == {"mood", "strength", "names"}


def test_a_scorer_may_judge_by_the_input(project: MiniProject) -> None:
    project.write("golden/mood/schema.json", "{}")
    project.contract(
        '[scores.mood]\nscorer = "exact"', '[scores.mood]\nscorer = "grounded"\nvocabulary = { "t" = [], "u" = [] }'
    )
    read = Reader(project)  # the input is "This is t-01."
    assert read('{"mood": "t", "strength": 0.9}').scores["mood"].value == 1.0
    assert read('{"mood": "u", "strength": 0.9}').scores["mood"].why == "names 'u', which the input does not mention"


BOTH = '[scores.both]\nscorer = "mean"\nof = ["mood", "strength"]\n\n[scores.all]\nscorer = "whole"\n\n[scores.error]'


@pytest.fixture
def read_both(project: MiniProject) -> Reader:
    project.contract("[scores.error]", BOTH)
    return Reader(project)


@pytest.mark.parametrize(
    ("text", "both", "whole"),
    [
        ('{"mood": "good", "strength": 0.8}', 1.0, 1.0),
        ('{"mood": "good", "strength": 0.1}', 0.5, 0.0),
        ('{"mood": "bad", "strength": 0.1}', 0.0, 0.0),
        ('{"error": "no_text"}', 0.0, 0.0),
        ("Good.", 0.0, 0.0),
    ],
)
def test_a_composite_is_made_of_the_scores_of_the_same_answer(
    read_both: Reader, text: str, both: float, whole: float
) -> None:
    answer = read_both(text)
    assert (answer.scores["both"].value, answer.scores["all"].value) == (both, whole)


def test_composites_stand_where_the_task_puts_them(read_both: Reader) -> None:
    assert [*read_both("").scores] == ["strict", "extractable", "mood", "strength", "both", "all"]
    assert [*read_both("", split="malformed").scores] == ["strict", "extractable", "all", "error"]


def test_a_composite_says_what_it_lacks(read_both: Reader) -> None:
    scores = read_both('{"mood": "good", "strength": 0.1}').scores
    assert repr(scores["all"]) == (
        "all: not right: strength (got {'mood': 'good', 'strength': 0.1}, "
        "expected {'mood': 'good', 'strength': 0.9}, score 0)"
    )
    assert scores["both"].why == "mood 1, strength 0"


def test_samples_of_a_composite_are_averaged_after_each_is_made(read_both: Reader) -> None:
    """Half of the samples are right in one field, half in the other: never in both."""
    texts = ['{"mood": "good", "strength": 0.1}', '{"mood": "bad", "strength": 0.9}']
    answer = averaged([read_both(text) for text in texts])
    assert (answer.scores["both"].value, answer.scores["all"].value) == (0.5, 0.0)
