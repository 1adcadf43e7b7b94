"""SHIP, BLOCK or INCONCLUSIVE: from figures, thresholds and what was declared."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import Comparison, Pair, judge_pair
from evalkit.judging.gates import Readable
from evalkit.judging.reason import Status
from evalkit.judging.verdict import judge
from evalkit.judging.wording import reason, reasons
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import Paired, paired
from evalkit.stats.planning import examples_needed

WIN = Hypothesis("win", None, ("base",), "mood")
NOTHING = Readable(Estimate(None, None, None, 0), Estimate(None, None, None, 0), None)


def pair(ours: str, theirs: str) -> Paired:
    """Two models' scores on the same examples, one digit each."""
    return paired([int(one) for one in ours], [int(one) for one in theirs], [f"e{n}" for n in range(len(ours))])


def judged(ours: str, theirs: str, hypothesis: Hypothesis | None = WIN, missing: int = 0) -> Comparison:
    return judge_pair(Pair(hypothesis, "tuned", "base", "mood", pair(ours, theirs), NOTHING, missing))


def rates(**values: float | None) -> dict[str, dict[str, Estimate]]:
    return {"test": {name: Estimate(value, None, None, 10) for name, value in values.items()}}


def test_a_win_that_is_shown_ships() -> None:
    comparison = judged("1" * 10, "0" * 10)
    assert (comparison.status, comparison.holds) == (Status.SHIP, True)
    assert repr(comparison).startswith("tuned beats base on mood: +100.0 points (95 % ")
    assert "p = 0.0010, n = 10; 10 better, 0 worse" in repr(comparison)


def test_a_win_is_shown_by_six_examples_to_none_and_not_by_five() -> None:
    # One-sided: 1/64 is at most 0.025, 1/32 is not.
    statuses = [judged("1" * won + "0" * (20 - won), "0" * 20).status for won in (6, 5)]
    assert statuses == [Status.SHIP, Status.INCONCLUSIVE]


def test_a_loss_blocks() -> None:
    comparison = judged("0" * 10, "1" * 10)
    assert (comparison.status, comparison.holds) == (Status.BLOCK, False)
    assert repr(comparison).startswith("tuned does not beat base on mood: -100.0 points")


def test_a_win_that_is_not_shown_is_inconclusive_and_says_how_many_examples_would() -> None:
    comparison = judged("1110010000", "1000000010")
    assert (comparison.status, comparison.holds) == (Status.INCONCLUSIVE, False)
    assert f"About {comparison.paired.needed} examples would show a difference as large as this" in repr(comparison)
    assert comparison.paired.needed is not None
    assert comparison.paired.needed > 10


def test_two_models_that_score_alike_are_no_win() -> None:
    assert judged("1010101010", "1010101010").status is not Status.SHIP


def test_a_gain_below_the_declared_least_blocks() -> None:
    ours, theirs = "1" * 6 + "0" * 94, "0" * 100
    assert judged(ours, theirs).status is Status.SHIP
    assert judged(ours, theirs, replace(WIN, min_gain=0.3)).status is Status.BLOCK


def test_a_gain_that_may_be_below_the_declared_least_is_inconclusive() -> None:
    ours, theirs = "1" * 10 + "0" * 30, "0" * 40
    assert judged(ours, theirs, replace(WIN, min_gain=0.25)).status is Status.INCONCLUSIVE


def test_without_examples_nothing_is_shown() -> None:
    comparison = judged("", "")
    assert comparison.status is Status.INCONCLUSIVE
    assert "not estimable points" in repr(comparison)


def test_a_win_over_a_model_that_left_examples_unanswered_is_not_shown() -> None:
    comparison = judged("1" * 10, "0" * 10, missing=5)
    assert comparison.status is Status.INCONCLUSIVE
    assert repr(comparison).endswith("5 examples were not answered by both.")


def readable(value: float, low: float, high: float, n: int = 50, least: float = 0.07) -> Readable:
    found = Estimate(value, low, high, n)
    return Readable(found, found, least)


def test_who_gains_the_format_and_loses_the_decision_is_blocked() -> None:
    won = pair("1" * 30 + "0" * 10, "0" * 40)
    comparison = judge_pair(Pair(WIN, "tuned", "base", "mood", won, readable(-0.2, -0.3, -0.1, 20)))
    assert comparison.status is Status.BLOCK
    assert (
        "It gains the format and loses the decision: -20.0 points (95 % -30.0 to -10.0) on the 20 examples that both "
        "answered readably." in repr(comparison)
    )


def test_a_win_stands_where_the_decision_may_be_as_good() -> None:
    won = pair("1" * 30 + "0" * 10, "0" * 40)
    assert judge_pair(Pair(WIN, "tuned", "base", "mood", won, readable(-0.1, -0.3, 0.1))).status is Status.SHIP


def no_loss(ours: str, theirs: str, among: Readable = NOTHING, margin: float = 0.1) -> Comparison:
    hypothesis = Hypothesis("no_loss", None, ("base",), "mood", margin=margin)
    return judge_pair(Pair(hypothesis, "tuned", "base", "mood", pair(ours, theirs), among))


@pytest.mark.parametrize(
    ("lost", "status"), [(0, Status.SHIP), (2, Status.SHIP), (12, Status.INCONCLUSIVE), (40, Status.BLOCK)]
)
def test_no_loss_is_judged_by_the_bounds_and_the_margin(lost: int, status: Status) -> None:
    # 2 of 100 lost: Tango's lower bound is -7.0 points. 12 lost: from -19.8 to -7.0. 40 lost: all below -10.
    comparison = no_loss("0" * lost + "1" * (100 - lost), "1" * 100)
    assert (comparison.status, comparison.holds) == (status, status is Status.SHIP)


def test_a_loss_is_told_with_its_margin_and_the_examples_that_were_lost() -> None:
    hypothesis = Hypothesis("no_loss", None, ("base",), "mood", margin=0.05)
    lost = [f"e{n}" for n in range(30)]
    comparison = judge_pair(
        Pair(hypothesis, "q4", "f16", "mood", pair("0" * 30 + "1" * 70, "1" * 100), NOTHING, 0, tuple(lost))
    )
    assert repr(comparison).startswith("q4 loses to f16 on mood by more than 5.0 points: -30.0 points")
    assert repr(comparison).endswith("Lost to f16: e0, e1, e2 and 27 more.")


def test_no_loss_overall_is_none_where_the_decision_is_worse_among_readable_answers() -> None:
    comparison = no_loss("1" * 100, "1" * 100, readable(-0.3, -0.4, -0.2))
    assert comparison.status is Status.BLOCK
    assert "The decision is worse: -30.0 points" in repr(comparison)


def test_no_loss_must_be_shown_among_readable_answers_too() -> None:
    assert no_loss("1" * 100, "1" * 100, readable(-0.05, -0.15, 0.02)).status is Status.INCONCLUSIVE
    assert no_loss("1" * 100, "1" * 100, readable(0.0, -0.07, 0.07)).status is Status.SHIP


def test_too_few_readable_answers_are_told_and_stop_nothing() -> None:
    comparison = no_loss("1" * 100, "1" * 100, readable(0.0, -0.5, 0.5, n=4, least=0.49))
    assert comparison.status is Status.SHIP
    assert "Too few to compare by the decision alone: +0.0 points" in repr(comparison)
    assert "no example was answered readably by both" in repr(no_loss("1" * 100, "1" * 100))


@pytest.mark.parametrize(
    ("lost", "gained", "status", "told"),
    [
        (0, 0, Status.SHIP, "q4 is equivalent to f16 on mood within 10.0 points"),
        (3, 3, Status.SHIP, "q4 is equivalent to f16 on mood within 10.0 points"),
        (0, 12, Status.INCONCLUSIVE, "q4 may differ from f16 on mood by more than 10.0 points"),
        (0, 40, Status.BLOCK, "q4 differs from f16 on mood by more than 10.0 points: +40.0 points"),
        (40, 0, Status.BLOCK, "q4 differs from f16 on mood by more than 10.0 points: -40.0 points"),
    ],
)
def test_equivalence_is_no_loss_in_both_directions(lost: int, gained: int, status: Status, told: str) -> None:
    hypothesis = Hypothesis("equivalent", None, ("f16",), "mood", margin=0.1)
    same = "1" * (100 - lost - gained)
    pairs = pair("0" * lost + "1" * gained + same, "1" * lost + "0" * gained + same)
    comparison = judge_pair(Pair(hypothesis, "q4", "f16", "mood", pairs, readable(0.0, -0.05, 0.05)))
    assert comparison.status is status
    assert repr(comparison).startswith(told)


def test_equivalence_overall_is_none_where_the_decision_is_better_among_readable_answers() -> None:
    hypothesis = Hypothesis("equivalent", None, ("f16",), "mood", margin=0.1)
    comparison = judge_pair(Pair(hypothesis, "q4", "f16", "mood", pair("1" * 100, "1" * 100), readable(0.3, 0.2, 0.4)))
    assert comparison.status is Status.BLOCK
    assert "The decision is another one: +30.0 points" in repr(comparison)


def test_no_loss_is_not_shown_where_examples_stayed_unanswered() -> None:
    hypothesis = Hypothesis("no_loss", None, ("base",), "mood", margin=0.1)
    comparison = judge_pair(Pair(hypothesis, "tuned", "base", "mood", pair("1" * 90, "1" * 90), NOTHING, missing=10))
    assert comparison.status is Status.INCONCLUSIVE


def test_an_alternative_is_judged_by_the_p_of_its_family() -> None:
    won = pair("1" * 6 + "0" * 14, "0" * 20)
    assert judge_pair(Pair(WIN, "tuned", "base", "mood", won, NOTHING), 0.016).status is Status.SHIP
    assert judge_pair(Pair(WIN, "tuned", "base", "mood", won, NOTHING), 0.032).status is Status.INCONCLUSIVE


def test_an_alternative_that_another_excuses_stops_nothing() -> None:
    lost = judged("0" * 10, "1" * 10)
    assert judge("tuned", {}, {}, [lost], (), ()).status is Status.BLOCK
    verdict = judge("tuned", {}, {}, [replace(lost, excused=True)], (), ())
    assert (verdict.status, verdict.decision) == (Status.SHIP, "keep")


def test_what_ships_is_kept_what_is_refuted_discarded_and_the_rest_worked_on() -> None:
    won, lost, unclear = judged("1" * 10, "0" * 10), judged("0" * 10, "1" * 10), judged("1110010000", "1000000010")
    verdicts = [judge("tuned", {}, {}, comparisons, (), ()) for comparisons in ([won], [won, lost], [won, unclear])]
    assert [verdict.decision for verdict in verdicts] == ["keep", "discard", "iterate"]
    assert verdicts[1].because == lost.reason
    assert verdicts[2].because == unclear.reason


def test_a_model_below_its_threshold_that_wins_is_worked_on() -> None:
    verdict = judge("tuned", rates(mood=0.5), {"test": {"mood": 0.8}}, [judged("1" * 10, "0" * 10)], (), ())
    assert (verdict.status, verdict.decision) == (Status.BLOCK, "iterate")
    assert reason(verdict.because) == "mood is 50.0 %, the task asks for 80.0 %."


def test_a_no_loss_that_is_not_shown_says_how_many_examples_would_tell() -> None:
    comparison = no_loss("0" * 6 + "1" * 94, "1" * 97 + "0" * 3, margin=0.08)
    assert comparison.status is Status.INCONCLUSIVE
    told = re.search(r"About (\d+) examples would tell", repr(comparison))
    assert told is not None
    ours, theirs = [0] * 6 + [1] * 94, [1] * 97 + [0] * 3
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    # From the mean that was seen up to the margin there are 5 points: so many are to be shown.
    assert int(told[1]) == pytest.approx(examples_needed(differences, 0.05), rel=0.02)


def test_too_few_examples_without_a_flip_say_how_many_the_margin_takes() -> None:
    assert "About 73 examples would tell." in repr(no_loss("1" * 40, "1" * 40, margin=0.05))


def test_never_are_fewer_examples_asked_for_than_there_are() -> None:
    told = re.search(r"About (\d+) examples would tell", repr(no_loss("0" + "1" * 89, "1" * 90, margin=0.05)))
    assert told is not None
    assert int(told[1]) == 121


def test_no_number_of_examples_shows_no_loss_where_the_loss_seen_is_beyond_the_margin() -> None:
    assert "would tell" not in repr(no_loss("0" * 12 + "1" * 88, "1" * 100))


def test_a_verdict_says_what_kinds_of_hypothesis_it_leaves_open() -> None:
    unclear = judged("1110010000", "1000000010")
    loss = no_loss("0" * 12 + "1" * 88, "1" * 100)
    assert judge("tuned", {}, {}, [loss], (), ()).open == ("no_loss",)
    assert set(judge("tuned", {}, {}, [loss, unclear], (), ()).open) == {"win", "no_loss"}


def test_a_pair_that_nobody_declared_is_never_red() -> None:
    comparison = judged("0" * 10, "1" * 10, None)
    assert (comparison.status, comparison.holds, comparison.kind) == (None, True, "asked")
    assert repr(comparison).endswith("nothing was declared of this pair.")
    assert judge("tuned", {}, {}, [comparison], (), ()).status is Status.SHIP


def test_a_model_that_meets_its_thresholds_and_wins_ships_with_its_reasons() -> None:
    verdict = judge("tuned", rates(strict=0.95), {"test": {"strict": 0.95}}, [judged("1" * 10, "0" * 10)], (), ())
    assert (verdict.status, verdict.ships) == (Status.SHIP, True)
    assert reason(verdict.reasons[0]) == "strict 95.0 % >= 95.0 %."
    assert reason(verdict.reasons[1]).startswith("tuned beats base")


def test_a_rate_below_its_threshold_blocks() -> None:
    verdict = judge("tuned", rates(strict=0.949), {"test": {"strict": 0.95}}, (), (), ())
    assert (verdict.status, verdict.ships) == (Status.BLOCK, False)
    assert reasons(verdict.reasons) == "strict is 94.9 %, the task asks for 95.0 %."


@pytest.mark.parametrize("seen", [{}, rates(mood=1.0), rates(strict=None)])
def test_a_threshold_that_nothing_was_scored_for_blocks(seen: dict[str, dict[str, Estimate]]) -> None:
    verdict = judge("tuned", seen, {"test": {"strict": 0.5}}, (), (), ())
    assert reasons(verdict.reasons) == "strict has a threshold of 50.0 %, and nothing was scored."
    assert verdict.status is Status.BLOCK


def test_a_threshold_of_another_split_is_about_that_split() -> None:
    seen = {**rates(error=1.0), "malformed": {"error": Estimate(0.4, None, None, 5)}}
    verdict = judge("tuned", seen, {"malformed": {"error": 0.5}}, (), (), ())
    assert reasons(verdict.reasons) == "error (malformed) is 40.0 %, the task asks for 50.0 %."


def test_a_must_pass_example_that_is_wrong_blocks() -> None:
    verdict = judge("tuned", {}, {}, (), ["r-1"], ())
    assert (verdict.status, reasons(verdict.reasons)) == (Status.BLOCK, "1 must-pass example is wrong (r-1).")


def test_unanswered_examples_block() -> None:
    verdict = judge("tuned", {}, {}, (), (), ["a", "b", "c", "d", "e"])
    assert verdict.status is Status.BLOCK
    assert reasons(verdict.reasons) == "5 examples stayed unanswered (a, b, c and 2 more)."


def test_an_inconclusive_win_makes_an_inconclusive_verdict() -> None:
    verdict = judge("tuned", rates(strict=1.0), {"test": {"strict": 0.5}}, [judged("1", "0")], (), ())
    assert (verdict.status, verdict.ships) == (Status.INCONCLUSIVE, False)
    assert reason(verdict.reasons[0]).startswith("tuned is not shown to beat base")


def test_a_block_outweighs_what_is_inconclusive_and_names_both() -> None:
    verdict = judge("tuned", {}, {}, [judged("1", "0"), judged("0" * 10, "1" * 10)], (), ())
    assert verdict.status is Status.BLOCK
    assert ["does not beat" in reason(verdict.reasons[0]), "is not shown" in reason(verdict.reasons[1])] == [True, True]


def test_a_comparison_is_about_its_candidate_only() -> None:
    assert judge("other", {}, {}, [judged("0" * 10, "1" * 10)], (), ()).ships


def test_where_nothing_was_declared_the_verdict_says_so() -> None:
    verdict = judge("tuned", {}, {}, (), (), ())
    assert repr(verdict) == "tuned: SHIP. Nothing was declared that could stop it."
