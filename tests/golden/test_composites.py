"""Composite scores of a task: what they may be made of, and which examples have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import MiniProject


def declare(project: MiniProject, text: str) -> None:
    project.contract("[scores.error]", f"{text}\n\n[scores.error]")


def asked(project: MiniProject, score: str) -> dict[str, int]:
    """How many examples of each split have ``score``."""
    task = project.task()
    return {name: sum(map(task.scores[score].asked_of, examples)) for name, examples in task.splits.items()}


def test_whole_is_asked_of_every_example_that_has_a_score(project: MiniProject) -> None:
    declare(project, '[scores.all]\nscorer = "whole"')
    assert asked(project, "all") == {"train": 5, "test": 12, "reference": 1, "malformed": 1}
    assert [rule.name for rule in project.task().scores["all"].members] == ["mood", "strength", "error"]


@pytest.mark.parametrize("scorer", ["whole", "mean"])
def test_one_that_names_its_scores_is_asked_of_examples_that_have_them_all(project: MiniProject, scorer: str) -> None:
    declare(project, f'[scores.both]\nscorer = "{scorer}"\nof = ["strength", "mood"]')
    assert asked(project, "both") == {"train": 5, "test": 12, "reference": 1, "malformed": 0}
    assert [rule.name for rule in project.task().scores["both"].members] == ["strength", "mood"]


def test_an_example_that_a_member_leaves_out_is_left_out(project: MiniProject) -> None:
    declare(project, '[scores.n]\nfield = "mood"\nscorer = "exact"\nnonempty = true')
    declare(project, '[scores.both]\nscorer = "whole"\nof = ["n", "strength"]')
    assert asked(project, "both")["test"] == 12


def test_a_composite_reads_no_field(project: MiniProject) -> None:
    declare(project, '[scores.all]\nscorer = "whole"')
    assert [rule.name for rule in project.task().field_scores] == ["mood", "strength", "error"]


def test_a_composite_may_be_primary_and_have_thresholds_and_hypotheses(project: MiniProject) -> None:
    declare(project, '[scores.both]\nscorer = "mean"\nof = ["mood", "strength"]')
    project.contract('[primary]\nscore = "mood"', '[primary]\nscore = "both"')
    project.contract("strict = 0.8", "strict = 0.8\nboth = 0.7")
    project.contract('against = ["base", "majority"]\nscore = "mood"', 'against = "base"\nscore = "both"')
    task = project.task()
    assert (task.primary, task.thresholds["test"]["both"]) == ("both", 0.7)
    assert [hypothesis.score for hypothesis in task.hypotheses] == ["both"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('scorer = "mean"\nof = ["mood", "strenght"]', "unknown score 'strenght'. Did you mean 'strength'?"),
        ('scorer = "mean"\nof = ["mood", "all"]', "'of' names 'all', which is this score itself"),
        ('scorer = "mean"\nof = ["mood", "other"]', "'of' names 'other', which is made of other scores: name those"),
        ('scorer = "mean"\nof = ["mood", "strict"]', "'of' names 'strict', which is no score of a field"),
        ('scorer = "mean"\nof = ["mood", "mood"]', "'of' names 'mood' twice"),
        ('scorer = "mean"\nof = ["mood", "error"]', "no example has all of mood, error"),
        ('scorer = "mean"', "'of' must name the scores that the mean is of, two or more"),
        ('scorer = "mean"\nof = ["mood"]', "'of' must name the scores that the mean is of, two or more"),
        ('scorer = "mean"\nof = ["mood", "strength"]\nweights = [1, 2]', "option 'weights' is [1, 2]"),
        ('scorer = "whole"\nof = []', "of is [], expected a list of names of scores, one or more"),
        ('scorer = "whole"\nof = "mood"', "of is 'mood', expected a list of names of scores, one or more"),
        ('scorer = "whole"\nfield = "mood"', "'field' is for a score that reads a field"),
        ('scorer = "whole"\nnonempty = true', "'nonempty' is for a score that reads a field"),
        ('scorer = "exact"\nfield = "mood"\nof = ["strength"]', "'of' is for a score that is made of others"),
    ],
)
def test_what_can_not_be_meant_is_refused(project: MiniProject, text: str, what: str) -> None:
    declare(project, f'[scores.all]\n{text}\n\n[scores.other]\nscorer = "whole"')
    [problem] = project.problems()
    assert problem.startswith("golden/mood/task.toml: [scores.all] ")
    assert what in problem


def test_a_score_that_is_misdeclared_is_told_once(project: MiniProject) -> None:
    declare(project, '[scores.all]\nscorer = "mean"\nof = ["mood", "strength"]')
    project.contract("tolerance = 0.2", "tolerance = -1")
    assert len(project.problems()) == 1
