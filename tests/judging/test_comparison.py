"""A pair of models, judged by what was declared of it, or only shown."""

from __future__ import annotations

from dataclasses import replace

from scored_pairs import NOTHING, WIN, count_of, judged, scores

from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import Pair, judge_pair
from evalkit.judging.gates import no_loss
from evalkit.judging.reason import Code, Status


def test_a_win_over_a_model_that_left_examples_unanswered_is_not_shown() -> None:
    comparison = judged(WIN, "1" * 10, "0" * 10, missing=5)
    assert comparison.status is Status.INCONCLUSIVE
    assert count_of(comparison, "not_answered_by_both") == 5


def test_no_loss_is_not_shown_where_examples_stayed_unanswered() -> None:
    hypothesis = Hypothesis("no_loss", None, ("base",), "mood", margin=0.1)
    assert judged(hypothesis, "1" * 90, "1" * 90, missing=10).status is Status.INCONCLUSIVE


def test_a_loss_stays_one_where_examples_stayed_unanswered() -> None:
    assert judged(WIN, "0" * 10, "1" * 10, missing=1).status is Status.BLOCK


def test_a_pair_that_nobody_declared_is_never_red() -> None:
    comparison = judged(None, "0" * 10, "1" * 10)
    assert (comparison.status, comparison.holds, comparison.kind) == (None, True, "asked")
    assert (comparison.declared, comparison.outcome) == (False, None)


def test_a_pair_with_the_parent_that_nobody_declared_is_judged_and_never_red() -> None:
    comparison = judged(no_loss.undeclared("tuned", "base", "mood", 0.05), "0" * 10, "1" * 10)
    assert (comparison.status, comparison.holds, comparison.kind) == (None, True, "asked")
    assert comparison.outcome is not None
    assert (comparison.outcome.kind, comparison.outcome.status) == ("no_loss", Status.BLOCK)


def test_what_an_alternative_excuses_holds() -> None:
    lost = judged(WIN, "0" * 10, "1" * 10)
    assert [lost.holds, replace(lost, excused=True).holds] == [False, True]


def test_a_reason_has_the_figures_and_the_examples_that_were_lost() -> None:
    lost = tuple(f"e{number}" for number in range(30))
    hypothesis = Hypothesis("no_loss", None, ("f16",), "mood", margin=0.05)
    pair = Pair(hypothesis, "q4", "f16", "mood", scores("0" * 30 + "1" * 70, "1" * 100), NOTHING, lost=lost)
    reason = judge_pair(pair).reason
    assert (reason.code, reason.model, reason.against, reason.score) == (Code.COMPARISON, "q4", "f16", "mood")
    assert (reason.got, reason.p, reason.wins, reason.losses) == (pair.paired.difference, pair.paired.p, 0, 30)
    assert reason.outcome is not None
    assert (reason.outcome.status, reason.outcome.bound, reason.examples) == (Status.BLOCK, 0.05, lost)
