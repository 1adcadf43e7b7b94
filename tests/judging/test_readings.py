"""What a measurement is made from: the answers that have what is measured, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evalkit.golden.model import MeasureRule
from evalkit.judging.answer import Answer, Grader, averaged
from evalkit.judging.readings import most, readings_of
from evalkit.models.backend import Completion
from evalkit.models.request import render

if TYPE_CHECKING:
    from conftest import MiniProject

WHOLE = MeasureRule("long", "long", "length", {"of": "answer"})
STRENGTH = MeasureRule("off", "strength", "mae")


def answers(project: MiniProject, *texts: str) -> list[Answer]:
    """The texts as answers to as many test examples, of which the first eight expect 0.9."""
    task = project.task()
    grader = Grader(task)
    return [
        grader.grade("tuned", example, render(task, example), Completion(text, "stop"))
        for example, text in zip(task.splits["test"], texts, strict=False)
    ]


def strength(value: object) -> str:
    return json.dumps({"mood": "good", "strength": value})


def test_a_number_rests_on_the_answers_that_have_one(project: MiniProject) -> None:
    readings = readings_of(STRENGTH, answers(project, strength(0.5), "Good.", strength(0.1)))
    assert (readings.got.tolist(), readings.expected.tolist()) == ([0.5, 0.1], [0.9, 0.9])
    assert readings.examples == ("t-01", "t-03")


def test_null_is_no_number_neither_got_nor_expected(project: MiniProject) -> None:
    project.change("golden/mood/schema.json", '"type": "number"', '"type": ["number", "null"]')
    lines = [{"id": f"t-{n}", "input": {"text": "x"}, "expected": {"mood": "good", "strength": s}}
             for n, s in enumerate((0.9, None, 0.2))]  # fmt: skip
    project.split("test", lines)
    readings = readings_of(STRENGTH, answers(project, strength(None), strength(0.5), strength(0.1)))
    assert (readings.got.tolist(), readings.examples) == ([0.1], ("t-2",))
    assert most(STRENGTH, project.task().splits["test"]) == 2


def test_the_length_of_the_whole_answer_counts_what_can_not_be_read(project: MiniProject) -> None:
    readings = readings_of(WHOLE, answers(project, "Good.", strength(0.9) + "!"))
    assert readings.got.tolist() == [5, 34]
    assert readings.expected.tolist() == [33, 33]


@pytest.mark.parametrize(("rule", "count"), [(STRENGTH, 12), (WHOLE, 12), (MeasureRule("n", "none", "mae"), 0)])
def test_at_most_all_examples_that_expect_it_are_rested_on(project: MiniProject, rule: MeasureRule, count: int) -> None:
    assert most(rule, project.task().splits["test"]) == count


def test_what_is_no_part_of_a_measurement_is_no_part_of_its_most(project: MiniProject) -> None:
    quiet = MeasureRule("quiet", "strength", "left_quiet", {"quiet": 0.6})
    assert most(quiet, project.task().splits["test"]) == 4


def test_each_sample_is_read(project: MiniProject) -> None:
    [first] = answers(project, strength(0.5))
    [second] = answers(project, strength(0.7))
    assert readings_of(STRENGTH, [averaged([first, second])]).examples == ("t-01", "t-01")


def test_a_field_that_nobody_expects_is_no_field(project: MiniProject) -> None:
    project.contract('field = "strength"\nmeasure', 'field = "strenght"\nmeasure')
    [problem] = project.problems()
    assert "[measurements.strength_mae] unknown field 'strenght'. Did you mean 'strength'?" in problem


def test_the_whole_answer_has_no_field(project: MiniProject) -> None:
    project.contract('measure = "mae"', 'measure = "length"\nof = "answer"')
    [problem] = project.problems()
    assert "'field' is 'strength', but it is the whole answer that is measured" in problem
