"""A win: shown by p and by the least gain, refuted by the upper bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import binom
from scored_pairs import NOTHING, WIN, count_of, judged, remarks, scores

from evalkit.judging.comparison import Pair, judge_pair
from evalkit.judging.families import Adjusted
from evalkit.judging.gates import Evidence, kind_of, win
from evalkit.judging.reason import Status
from evalkit.stats.intervals import Estimate


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
    comparison = judged(WIN, "1" * 6 + "0" * 4, "0" * 6 + "1" * 4)
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


def test_a_win_stands_where_it_scores_less_among_readable_answers_and_notes_it() -> None:
    comparison = judged(WIN, "1" * 30 + "0" * 10, "0" * 40, Estimate(-0.2, -0.3, -0.1, 20))
    assert (comparison.status, remarks(comparison)) == (Status.SHIP, ["less_among_readable"])


def test_p_decides_and_never_the_interval() -> None:
    # 5 of 130 gained, none lost: Tango's interval is +1.2 to +8.7, the exact p 1/32.
    comparison = judged(WIN, "1" * 5 + "0" * 125, "0" * 130)
    assert (comparison.p, comparison.status) == (1 / 32, Status.INCONCLUSIVE)
    assert (comparison.paired.extended, comparison.paired.difference.low) == (True, 0.0)


def test_two_equal_models_whose_upper_bound_is_at_0_are_not_refuted() -> None:
    # 5 lost, none gained: no loss is shown either, so that the bound reaches 0.
    assert judged(WIN, "0" * 5 + "1" * 125, "1" * 130).status is Status.INCONCLUSIVE


@pytest.mark.parametrize(("gained", "lost", "status"), [
    (47, 27, Status.INCONCLUSIVE), (61, 37, Status.SHIP), (18, 6, Status.SHIP),
])  # fmt: skip
def test_the_cells_that_a_seeded_draw_decided_wrongly(gained: int, lost: int, status: Status) -> None:
    """At the level 0.0125, by the binomial tails .01326, .00985 and .01133."""
    ours, theirs = "1" * gained + "0" * lost, "0" * gained + "1" * lost
    paired = scores(ours, theirs)
    assert paired.p == pytest.approx(binom.sf(gained - 1, gained + lost, 0.5))
    outcome = win.decide(WIN, Evidence(paired, paired.p, alpha=0.0125))
    assert outcome.status is status


def test_under_nine_flips_nobody_says_how_many_examples_would_show_it() -> None:
    few, enough = judged(WIN, "10000" + "0" * 35, "0" * 40), judged(WIN, "1" * 7 + "0" * 33, "0" * 7 + "11" + "0" * 31)
    assert (remarks(few), count_of(few, "few_flips")) == (["few_flips"], 1)
    assert remarks(enough) == ["would_show"]


def test_an_alternative_is_judged_by_the_p_of_its_family() -> None:
    pair = Pair(WIN, "tuned", "base", "mood", scores("1" * 6 + "0" * 14, "0" * 20), NOTHING)
    assert [judge_pair(pair, Adjusted(p, None)).status for p in (0.016, 0.032)] == [Status.SHIP, Status.INCONCLUSIVE]


def test_a_win_claims_a_gain() -> None:
    assert kind_of("win").GAIN
