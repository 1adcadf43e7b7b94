"""What is compared in a run: what is declared of those who are in it, and what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.golden.model import Hypothesis
from evalkit.judging.planned import Lineup, planned_comparisons

if TYPE_CHECKING:
    from conftest import MiniProject


def test_parent_stands_for_what_a_model_was_made_from(project: MiniProject) -> None:
    task = replace(project.task(), hypotheses=(Hypothesis("win", None, ("parent", "majority"), "mood"),))
    lineup = Lineup(["tuned", "base"], parents={"tuned": "base", "base": None})
    assert [(plan.candidate, plan.against) for plan in planned_comparisons(task, lineup, 0.05)] == [
        ("tuned", "base"), ("tuned", "majority"), ("base", "majority"),
    ]  # fmt: skip


def test_a_hypothesis_is_judged_where_both_its_sides_are_in_the_run(project: MiniProject) -> None:
    planned = planned_comparisons(project.task(), Lineup(["tuned"]), 0.05)
    assert [(plan.candidate, plan.against) for plan in planned] == [("tuned", "majority")]


def test_a_pair_that_was_only_asked_for_is_compared_by_the_primary_score(project: MiniProject) -> None:
    task = replace(project.task(), hypotheses=())
    assert planned_comparisons(task, Lineup(["tuned"], ["base"]), 0.05) == [(None, "tuned", "base", "mood")]


def test_a_pair_with_the_parent_is_compared_by_every_score_as_no_loss(project: MiniProject) -> None:
    task = replace(project.task(), hypotheses=())
    planned = planned_comparisons(task, Lineup(["tuned"], ["base"], {"tuned": "base"}), 0.05)
    assert [plan.score for plan in planned] == ["mood", "strength"]
    assert {(plan.hypothesis.margin, plan.hypothesis.declared) for plan in planned if plan.hypothesis} == {
        (0.05, False)
    }


def test_rungs_are_the_lineage_s_to_compare(project: MiniProject) -> None:
    task = replace(project.task(), hypotheses=())
    assert planned_comparisons(task, Lineup(["tuned"], ["base"], rungs=["base", "tuned"]), 0.05) == []


def test_who_joined_is_compared_only_where_something_is_declared(project: MiniProject) -> None:
    planned = planned_comparisons(project.task(), Lineup(["tuned", "other"], ["base"], joined=["base"]), 0.05)
    assert [(plan.candidate, plan.against) for plan in planned] == [("tuned", "base"), ("tuned", "majority")]
