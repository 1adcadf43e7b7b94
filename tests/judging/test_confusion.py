"""Expected by answered: every answer is counted once, in the class that its scorer sees, or beside the classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.golden.model import Example, ScoreRule
from evalkit.judging.answer import Answer
from evalkit.judging.confusion import Confused, Confusion, confusion_of
from evalkit.scorers.score import Score

if TYPE_CHECKING:
    from conftest import MiniProject

Value = Mapping[str, Any] | None


@pytest.fixture
def blank(project: MiniProject) -> Answer:
    """An answer of which a test keeps nothing but that it is one."""
    return project.asked().answer("mood", "tuned", "t-01")


def answer(blank: Answer, name: str, expected: Any, *values: Value) -> Answer:
    """What was answered to one example, once or in samples."""
    example = Example(name, "test", {}, {"x": expected}, group=name)
    outputs = [replace(blank.output, value=value) for value in values]
    each = [replace(blank, example=example, output=output, scores={"x": SCORE}, samples=()) for output in outputs]
    return each[0] if len(each) == 1 else replace(each[0], samples=tuple(each))


SCORE = Score("x", 0.0, None, None)


def confusion(blank: Answer, rule: ScoreRule, *cases: tuple[Any, Value], known: tuple[Any, ...] = ()) -> Confusion:
    given = [answer(blank, f"e{number}", expected, value) for number, (expected, value) in enumerate(cases)]
    found = confusion_of(rule, given, known)
    assert found is not None
    return found


def cells(found: Confusion) -> dict[str, dict[str, int]]:
    """What is not 0, by expected and answered."""
    return {
        row.expected: {label: count for label, count in zip(found.labels, row.answered, strict=True) if count}
        for row in found.rows
    }


EXACT = ScoreRule("x", "x", "exact")


def test_classes_are_counted_by_what_is_right(blank: Answer) -> None:
    found = confusion(blank, EXACT, ("a", {"x": "a"}), ("a", {"x": "b"}), ("a", {"x": "b"}), ("b", {"x": "b"}))
    assert cells(found) == {"a": {"a": 1, "b": 2}, "b": {"b": 1}}
    assert found.largest == (Confused("a", "b", 2, 3),)


def test_a_sign_is_a_class_whatever_the_size_and_within_the_dead_zone_it_is_none(blank: Answer) -> None:
    rule = ScoreRule("x", "x", "sign", {"dead_zone": 0.25})
    found = confusion(blank, rule, (0.5, {"x": -1}), (1, {"x": 0.3}), (0.1, {"x": 0.2}), (-1, {"x": -0.9}))
    assert cells(found) == {"+": {"+": 1, "-": 1}, "0": {"0": 1}, "-": {"-": 1}}
    assert found.labels == ("+", "0", "-")


def test_a_truth_is_spelled_as_json_spells_it_and_a_text_is_none(blank: Answer) -> None:
    found = confusion(
        blank, ScoreRule("x", "x", "bool"), (True, {"x": False}), (True, {"x": "true"}), (False, {"x": False})
    )
    assert cells(found) == {"true": {"false": 1}, "false": {"false": 1}}
    assert next(row for row in found.rows if row.expected == "true").others == 1


def test_what_is_no_class_has_columns_of_its_own(blank: Answer) -> None:
    found = confusion(
        blank, EXACT, ("a", None), ("a", {"error": "no_text"}), ("a", {"y": 1}), ("a", {"x": "z"}), ("a", {"x": "a"})
    )
    [row] = found.rows
    assert (row.n, row.unreadable, row.errors, row.missing, row.others, row.answered) == (5, 1, 1, 1, 1, (1,))
    assert found.largest == ()


def test_a_class_that_only_other_examples_expect_is_a_column_once_it_is_answered(blank: Answer) -> None:
    found = confusion(blank, EXACT, ("a", {"x": "b"}), ("a", {"x": "a"}), known=("b", "c"))
    assert (found.labels, [row.expected for row in found.rows]) == (("a", "b"), ["a"])


def test_case_makes_no_class_where_the_scorer_ignores_it(blank: Answer) -> None:
    rule = ScoreRule("x", "x", "exact", {"ignore_case": True})
    assert cells(confusion(blank, rule, ("New", {"x": "new"}), ("new", {"x": "NEW"}))) == {"New": {"New": 2}}


def test_the_number_1_and_the_text_1_are_two_classes(blank: Answer) -> None:
    found = confusion(blank, EXACT, ("1", {"x": 1}), (1, {"x": 1.0}))
    assert sum(sum(row.values()) for row in cells(found).values()) == 2
    assert found.classes == 2


def test_numbers_stand_by_size_and_other_classes_by_how_often_they_are_right(blank: Answer) -> None:
    sizes = confusion(blank, EXACT, (10, {"x": 10}), (9, {"x": 9}), (9, {"x": 9}))
    words = confusion(blank, EXACT, ("a", {"x": "a"}), ("b", {"x": "b"}), ("b", {"x": "b"}))
    assert (sizes.labels, words.labels) == (("9", "10"), ("b", "a"))


def test_every_sample_is_counted(blank: Answer) -> None:
    found = confusion_of(EXACT, [answer(blank, "e1", "a", {"x": "a"}, {"x": "b"}, None)], ("b",))
    assert found is not None
    [row] = found.rows
    assert (row.n, row.answered, row.unreadable) == (3, (1, 1), 1)


def test_of_more_than_twelve_classes_only_the_ten_largest_mistakes_are_kept(blank: Answer) -> None:
    names = [f"c{number:02}" for number in range(13)]
    pairs = [(name, {"x": names[(number + 1) % 13]}) for number, name in enumerate(names)]
    found = confusion(blank, EXACT, *pairs, ("c05", {"x": "c06"}))
    assert (found.classes, found.labels, found.rows, len(found.largest)) == (13, (), (), 10)
    assert found.largest[0] == Confused("c05", "c06", 2, 2)


def test_an_empty_text_is_a_class(blank: Answer) -> None:
    assert cells(confusion(blank, EXACT, ("", {"x": ""}), ("a", {"x": ""}))) == {"": {"": 1}, "a": {"": 1}}


def test_a_score_that_nothing_asks_for_has_no_confusion(blank: Answer) -> None:
    assert confusion_of(ScoreRule("y", "y", "exact"), [answer(blank, "e1", "a", {"x": "a"})]) is None
