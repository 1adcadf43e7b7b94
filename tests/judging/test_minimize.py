"""The smallest form of a changed input on which a relation does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from turned_task import answered, turned_task

from evalkit.errors import ConfigError
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import Perturbed, perturbed_examples
from evalkit.judging.answer import Answer
from evalkit.judging.minimize import shrink

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def task(project: MiniProject) -> Task:
    """The mini task, with a sentence for every example and two relations."""
    return turned_task(project)


def stubborn(task: Task, asked: list[str]) -> Any:
    """A model that hears of strength only from the word "day", and then says always the same."""

    def ask(example: Example) -> Answer:
        asked.append(example.input["text"])
        return answered(task, example, {"mood": "good", "strength": 0.5 if "day" in example.input["text"] else 0})

    return ask


def test_what_makes_no_difference_is_left_away(task: Task) -> None:
    asked: list[str] = []
    found = shrink(task, "tuned", perturbed_examples(task, "test")["t-01~turned"], stubborn(task, asked), budget=80)
    assert found.perturbed.of.input["text"] == "good day"
    assert found.perturbed.example.input["text"] == "awful day"
    assert not found.held.holds
    assert found.answers == len(asked) == len(set(asked)) <= 80
    assert not found.unfinished


@pytest.mark.parametrize("budget", [2, 7])
def test_a_budget_is_kept_and_what_is_left_undone_is_said(task: Task, budget: int) -> None:
    asked: list[str] = []
    found = shrink(task, "tuned", perturbed_examples(task, "test")["t-01~turned"], stubborn(task, asked), budget)
    assert found.answers == len(asked) <= budget
    assert found.unfinished
    assert not found.held.holds


def test_another_failure_is_no_smaller_form_of_this_one(task: Task) -> None:
    """Of a short text this model says that it is none: that is broken too, and is not what was looked for."""

    def ask(example: Example) -> Answer:
        short = len(example.input["text"].split()) < 4
        return answered(task, example, {"error": "no_text"} if short else {"mood": "good", "strength": 0.5})

    found = shrink(task, "tuned", perturbed_examples(task, "test")["t-01~turned"], ask, budget=80)
    assert len(found.perturbed.of.input["text"].split()) == 4
    assert [item.field for item in found.held.why] == ["strength"]


def test_where_a_relation_holds_there_is_nothing_to_shrink(task: Task) -> None:
    def ask(example: Example) -> Answer:
        return answered(task, example, {"mood": "good", "strength": 0.5})

    perturbed: Perturbed = perturbed_examples(task, "test")["t-01~loud"]
    with pytest.raises(ConfigError, match="loud holds for tuned on t-01~loud: there is nothing to shrink"):
        shrink(task, "tuned", perturbed, ask, budget=10)
    with pytest.raises(ConfigError, match="a budget of 1 answer: expected 2 or more"):
        shrink(task, "tuned", perturbed, ask, budget=1)
