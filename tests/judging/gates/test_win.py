"""A win: shown by p and by the least gain, refuted by the upper bound, and held to the decision alone."""

from __future__ import annotations

from dataclasses import replace

from scored_pairs import NOTHING, WIN, count_of, judged, readable, remarks, scores

from evalkit.judging.comparison import Pair, judge_pair
from evalkit.judging.gates import kind_of
from evalkit.judging.reason import Status


def test_a_win_that_is_shown_ships() -> None:
    comparison = judged(WIN, "1" * 10, "0" * 10)
    assert (comparison.status, comparison.holds) == (Status.SHIP, True)
    assert (comparison.paired.difference.value, comparison.paired.wins, comparison.paired.losses) == (1.0, 10, 0)
    assert round(comparison.p or 1, 4) == 0.0010


def test_a_win_is_shown_by_six_examples_to_none_and_not_by_five() -> None:
    # One-sided: 1/64 is at most 0.025, 1/32 is not.
    statuses = [judged(WIN, "1" * won + "0" * (20 - won), "0" * 20).status for won in (6, 5)]
    assert statuses == [Status.SHIP, Status.INCONCLUSIVE]


def test_a_loss_blocks() -> None:
    comparison = judged(WIN, "0" * 10, "1" * 10)
    assert (comparison.status, comparison.holds) == (Status.BLOCK, False)
    assert comparison.paired.difference.value == -1.0


def test_a_win_that_is_not_shown_is_inconclusive_and_says_how_many_examples_would() -> None:
    comparison = judged(WIN, "1110010000" * 4, "1000000010" * 4)
    assert (comparison.status, comparison.holds) == (Status.INCONCLUSIVE, False)
    assert count_of(comparison, "would_show") == comparison.paired.needed
    assert comparison.paired.needed is not None
    assert comparison.paired.needed > 10


def test_two_models_that_score_alike_are_no_win() -> None:
    assert judged(WIN, "1010101010", "1010101010").status is not Status.SHIP


def test_a_gain_below_the_declared_least_blocks() -> None:
    ours, theirs = "1" * 6 + "0" * 94, "0" * 100
    assert judged(WIN, ours, theirs).status is Status.SHIP
    assert judged(replace(WIN, min_gain=0.3), ours, theirs).status is Status.BLOCK


def test_a_gain_that_may_be_below_the_declared_least_is_inconclusive() -> None:
    ours, theirs = "1" * 10 + "0" * 30, "0" * 40
    assert judged(replace(WIN, min_gain=0.25), ours, theirs).status is Status.INCONCLUSIVE


def test_without_examples_nothing_is_shown() -> None:
    comparison = judged(WIN, "", "")
    assert (comparison.status, comparison.paired.difference.value) == (Status.INCONCLUSIVE, None)


def test_who_gains_the_format_and_loses_the_decision_is_blocked() -> None:
    comparison = judged(WIN, "1" * 30 + "0" * 10, "0" * 40, readable(-0.2, -0.3, -0.1, 20))
    assert (comparison.status, remarks(comparison)) == (Status.BLOCK, ["decision_lost"])
    assert comparison.outcome is not None
    assert comparison.outcome.remarks[0].got == comparison.readable.difference


def test_a_win_stands_where_the_decision_may_be_as_good() -> None:
    comparison = judged(WIN, "1" * 30 + "0" * 10, "0" * 40, readable(-0.1, -0.3, 0.1))
    assert comparison.status is Status.SHIP


def test_an_alternative_is_judged_by_the_p_of_its_family() -> None:
    pair = Pair(WIN, "tuned", "base", "mood", scores("1" * 6 + "0" * 14, "0" * 20), NOTHING)
    assert [judge_pair(pair, p).status for p in (0.016, 0.032)] == [Status.SHIP, Status.INCONCLUSIVE]


def test_a_win_claims_a_gain() -> None:
    assert kind_of("win").GAIN
