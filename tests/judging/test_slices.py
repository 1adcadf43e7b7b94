"""A score by tag: the figures are those that one counts by hand, and the weakest slice comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalkit.golden.model import Example
from evalkit.judging.answer import Answer
from evalkit.judging.slices import ScoreSlices, slices_of
from evalkit.scorers.score import Score
from evalkit.stats.fisher import fisher

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def blank(project: MiniProject) -> Answer:
    """An answer of which a test keeps nothing but that it is one."""
    return project.asked().answer("mood", "tuned", "t-01")


def answers(blank: Answer, *cases: tuple[Sequence[str], Sequence[float]], group: int = 1) -> Mapping[str, Answer]:
    """An example for each value, with the tags that stand beside them; so many share a group."""
    flat = [(tuple(tags), value) for tags, values in cases for value in values]
    return {
        f"e{number:03}": replace(
            blank,
            example=Example(f"e{number:03}", "test", {}, {"mood": "good"}, tags, f"g{number // group:03}"),
            scores={"mood": Score("mood", value, None, None)},
        )
        for number, (tags, value) in enumerate(flat)
    }


def of_mood(found: Mapping[str, tuple[ScoreSlices, ...]]) -> ScoreSlices:
    [table] = found["tuned"]
    assert table.score == "mood"
    return table


def test_each_tag_has_its_rate_its_number_and_how_far_it_is_from_the_rest(blank: Answer) -> None:
    given = answers(blank, (["turned"], [1] * 2 + [0] * 8), (["plain"], [1] * 15 + [0] * 5))
    table = of_mood(slices_of({"tuned": given}, ["mood"]))
    turned = table.slices[0]
    assert (turned.tag, turned.rate.value, turned.rate.n) == ("turned", 0.2, 10)
    assert turned.difference is not None
    assert turned.difference.value == pytest.approx(0.2 - 0.75)


def test_p_is_fishers_where_scores_are_right_or_wrong_and_no_group_has_two(blank: Answer) -> None:
    given = answers(blank, (["turned"], [1] * 2 + [0] * 8), (["plain"], [1] * 15 + [0] * 5))
    assert of_mood(slices_of({"tuned": given}, ["mood"])).slices[0].p == fisher(2, 10, 17, 30)


def test_in_groups_p_is_larger_than_fishers(blank: Answer) -> None:
    given = answers(blank, (["turned"], [1] * 2 + [0] * 10), ([], [1] * 24 + [0] * 4), group=2)
    p = of_mood(slices_of({"tuned": given}, ["mood"])).slices[0].p
    assert p is not None
    assert p > fisher(2, 12, 26, 40)


def test_the_weakest_slice_comes_first_and_p_is_corrected_over_the_tags_of_the_score(blank: Answer) -> None:
    given = answers(
        blank, (["a", "odd"], [1] * 9), (["b"], [1] * 2 + [0] * 10), (["c", "odd"], [1] * 5 + [0] * 4), ([], [1] * 20)
    )
    slices = of_mood(slices_of({"tuned": given}, ["mood"])).slices
    assert [one.tag for one in slices] == ["b", "c", "odd", "a"]
    smallest = min(slices, key=lambda one: one.p or 0)
    assert smallest.corrected == pytest.approx(4 * (smallest.p or 0))


def test_a_slice_is_weaker_only_where_the_corrected_p_shows_it(blank: Answer) -> None:
    given = answers(blank, (["low"], [0] * 12), (["high"], [1] * 12), (["even"], [1, 0] * 10))
    slices = {one.tag: one for one in of_mood(slices_of({"tuned": given}, ["mood"])).slices}
    assert {tag: one.weaker for tag, one in slices.items()} == {"low": True, "high": False, "even": False}


def test_tags_of_fewer_than_eight_examples_are_counted_and_not_tested(blank: Answer) -> None:
    given = answers(blank, (["rare"], [0] * 7), (["common"], [1] * 8), ([], [1, 0] * 4))
    table = of_mood(slices_of({"tuned": given}, ["mood"]))
    assert ([one.tag for one in table.slices], table.small) == (["common"], {"rare": 7})


def test_a_tag_that_every_example_has_has_no_rest_and_counts_for_no_correction(blank: Answer) -> None:
    given = answers(blank, (["all", "low"], [0] * 8), (["all"], [1] * 8))
    slices = {one.tag: one for one in of_mood(slices_of({"tuned": given}, ["mood"])).slices}
    assert (slices["all"].difference, slices["all"].p, slices["all"].corrected) == (None, None, None)
    assert slices["low"].corrected == slices["low"].p


def test_where_p_shows_no_difference_the_interval_reaches_zero(blank: Answer) -> None:
    given = answers(blank, (["few"], [1] * 8), (["many"], [1] * 20 + [0] * 12))
    for one in of_mood(slices_of({"tuned": given}, ["mood"])).slices:
        assert one.p is not None
        assert one.difference is not None
        assert one.difference.low is not None
        assert one.difference.high is not None
        assert one.p <= 0.05 or one.difference.low <= 0 <= one.difference.high


def test_without_tags_there_are_no_slices(blank: Answer) -> None:
    assert slices_of({"tuned": answers(blank, ([], [1] * 20))}, ["mood"]) == {"tuned": ()}


def test_a_score_that_is_the_same_everywhere_has_no_slices(blank: Answer) -> None:
    assert slices_of({"tuned": answers(blank, (["a"], [1] * 20), (["b"], [1] * 9))}, ["mood"]) == {"tuned": ()}


def test_a_score_rests_on_the_examples_that_have_it(blank: Answer) -> None:
    given = dict(answers(blank, (["a"], [1] * 10), (["b"], [1, 0] * 5)))
    given |= {name: replace(given[name], scores={}) for name in ("e000", "e001")}
    table = of_mood(slices_of({"tuned": given}, ["mood"]))
    assert {one.tag: one.rate.n for one in table.slices} == {"a": 8, "b": 10}


def test_each_model_has_the_figures_that_it_has_alone(blank: Answer) -> None:
    tuned = answers(blank, (["a"], [0.2, 0.9] * 6), (["b"], [0.7] * 12))
    base = answers(blank, (["a"], [0.0] * 12), (["b"], [0.5, 0.1] * 6))
    both = slices_of({"tuned": tuned, "base": base}, ["mood"])
    assert both["tuned"] == slices_of({"tuned": tuned}, ["mood"])["tuned"]
