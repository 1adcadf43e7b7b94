"""Which hypotheses share a level: alternatives, and all no-losses of one candidate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from scored_pairs import scores

from evalkit.golden.model import Hypothesis, Task
from evalkit.judging.families import Adjusted, adjust, alternatives
from evalkit.judging.planned import Planned

if TYPE_CHECKING:
    from conftest import MiniProject

WIN = Hypothesis("win", None, ("base",), "mood", family="either", where="1")
NAMED = replace(WIN, candidate="tuned", score="strength", where="2")
NO_LOSS = Hypothesis("no_loss", None, ("base",), "mood", margin=0.3, where="3")
ELEVEN, SIX, NONE = (scores("1" * won + "0" * (20 - won), "0" * 20) for won in (11, 6, 0))
LOST_FIVE, LOST_NINE = (scores("0" * 20, "1" * lost + "0" * (20 - lost)) for lost in (5, 9))


@pytest.fixture
def declares(project: MiniProject) -> Task:
    return replace(project.task(), hypotheses=(WIN, NAMED, NO_LOSS, replace(NO_LOSS, score="strength")))


def plan(hypothesis: Hypothesis | None, candidate: str = "tuned", against: str = "base") -> Planned:
    return Planned(hypothesis, candidate, against, hypothesis.score if hypothesis else "mood")


def test_a_family_counts_what_names_the_candidate_and_what_names_none(declares: Task) -> None:
    assert alternatives(declares, WIN, "tuned") == alternatives(declares, NAMED, "tuned") == [WIN, NAMED]
    assert alternatives(declares, WIN, "other") == [WIN]


@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_a_family_of_one_for_all_and_one_by_name_shares_the_level_of_two(declares: Task, gain: float) -> None:
    first, second = replace(WIN, min_gain=gain), replace(NAMED, min_gain=gain)
    task = replace(declares, hypotheses=(first, second))
    found = adjust(task, [(plan(first), ELEVEN), (plan(second), SIX)])
    assert [item.p for item in found] == [2 / 2**11, 1 / 2**6]
    # Of Holm's order knows p alone, so that the bound of a least gain has the smaller part.
    assert [item.divided for item in found] == ([2, 2] if gain else [2, 1])


def test_an_alternative_that_is_not_in_the_run_counts(declares: Task) -> None:
    assert adjust(declares, [(plan(WIN), SIX)]) == [Adjusted(2 / 2**6, 1.0, 2)]


def test_a_win_over_several_has_the_p_of_the_hardest(declares: Task) -> None:
    found = adjust(declares, [(plan(WIN), ELEVEN), (plan(WIN, against="majority"), SIX)])
    assert [item.p for item in found] == [2 / 2**6] * 2


def test_the_no_losses_of_a_candidate_share_the_level_of_a_loss(declares: Task) -> None:
    other = declares.hypotheses[3]
    found = adjust(declares, [(plan(NO_LOSS), LOST_FIVE), (plan(other), LOST_NINE)])
    assert [item.p_worse for item in found] == [1 / 2**5, 2 / 2**9]
    assert [item.divided for item in found] == [1, 1]


def test_a_no_loss_that_is_not_in_the_run_counts(declares: Task) -> None:
    several = replace(NO_LOSS, against=("base", "majority"))
    task = replace(declares, hypotheses=(several, declares.hypotheses[3]))
    [found] = adjust(task, [(plan(several), LOST_NINE)])
    assert found.p_worse == 3 / 2**9


def test_the_no_losses_of_another_candidate_do_not_count(declares: Task) -> None:
    task = replace(declares, hypotheses=(NO_LOSS, replace(NO_LOSS, candidate="other", where="4")))
    [found] = adjust(task, [(plan(NO_LOSS), LOST_NINE)])
    assert found.p_worse == 1 / 2**9


def test_undeclared_no_losses_count_among_those_of_their_pair(declares: Task) -> None:
    undeclared = replace(NO_LOSS, declared=False, where="")
    another = replace(undeclared, score="strength")
    found = adjust(declares, [(plan(undeclared), LOST_NINE), (plan(another), NONE), (plan(NO_LOSS), NONE)])
    assert found[0].p_worse == 2 / 2**9


def test_a_pair_that_was_only_asked_for_has_its_own_p(declares: Task) -> None:
    assert adjust(declares, [(plan(None), SIX)]) == [Adjusted(1 / 2**6, 1.0)]
