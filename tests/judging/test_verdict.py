"""SHIP, BLOCK or INCONCLUSIVE for one backend: from rates, thresholds and comparisons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
from pydantic import TypeAdapter
from scipy.stats import binom, norm
from scored_pairs import WIN, judged

from evalkit.golden.model import Hypothesis
from evalkit.judging.reason import Code, Reason, Status
from evalkit.judging.verdict import Threshold, Verdict, judge, thresholds_of
from evalkit.stats.intervals import Estimate, mean_t, wilson

WON, LOST = judged(WIN, "1" * 10, "0" * 10), judged(WIN, "0" * 10, "1" * 10)
UNCLEAR = judged(WIN, "1110010000", "1000000010")
MAY_LOSE = judged(
    Hypothesis("no_loss", None, ("base",), "mood", margin=0.1), "0" * 12 + "1" * 88, "1" * 12 + "0" * 8 + "1" * 80
)  # fmt: skip


def rates(**values: float | None) -> dict[str, dict[str, Estimate]]:
    return {"test": {name: Estimate(value, None, None, 10) for name, value in values.items()}}


def codes(reasons: Sequence[Reason]) -> list[Code]:
    return [reason.code for reason in reasons]


def test_an_alternative_that_another_excuses_stops_nothing() -> None:
    assert judge("tuned", (), [LOST], (), ()).status is Status.BLOCK
    verdict = judge("tuned", (), [replace(LOST, excused=True)], (), ())
    assert (verdict.status, verdict.decision) == (Status.SHIP, "keep")


def test_what_ships_is_kept_what_is_refuted_discarded_and_the_rest_worked_on() -> None:
    verdicts = [judge("tuned", (), comparisons, (), ()) for comparisons in ([WON], [WON, LOST], [WON, UNCLEAR])]
    assert [verdict.decision for verdict in verdicts] == ["keep", "discard", "iterate"]
    assert [verdict.because for verdict in verdicts] == [Reason(Code.ALL_HOLDS), LOST.reason, UNCLEAR.reason]


def test_a_model_below_its_threshold_that_wins_is_worked_on() -> None:
    verdict = judge("tuned", thresholds_of({"test": {"mood": 0.8}}, rates(mood=0.5)), [WON], (), ())
    assert (verdict.status, verdict.decision) == (Status.BLOCK, "iterate")
    assert verdict.because.code is Code.BELOW_THRESHOLD


def test_a_verdict_says_what_kinds_of_hypothesis_it_leaves_open() -> None:
    assert judge("tuned", (), [MAY_LOSE], (), ()).open == ("no_loss",)
    assert judge("tuned", (), [MAY_LOSE, UNCLEAR], (), ()).open == ("no_loss", "win")


def test_a_pair_that_nobody_declared_stops_nothing() -> None:
    verdict = judge("tuned", (), [judged(None, "0" * 10, "1" * 10)], (), ())
    assert (verdict.status, codes(verdict.reasons)) == (Status.UNDECLARED, [Code.NOTHING_DECLARED])


def test_a_model_that_meets_its_thresholds_and_wins_ships_with_its_reasons() -> None:
    verdict = judge("tuned", thresholds_of({"test": {"strict": 0.95}}, rates(strict=0.95)), [WON], (), ())
    assert (verdict.status, verdict.ships) == (Status.SHIP, True)
    met = Reason(
        Code.MEETS_THRESHOLD, score="strict", split="test", got=Estimate(0.95, None, None, 10), asked=0.95
    )  # fmt: skip
    assert verdict.reasons == (met, WON.reason)


def test_a_rate_below_its_threshold_blocks() -> None:
    verdict = judge("tuned", thresholds_of({"test": {"strict": 0.95}}, rates(strict=0.949)), (), (), ())
    assert (verdict.status, verdict.ships) == (Status.BLOCK, False)
    [reason] = verdict.reasons
    assert (reason.code, reason.score, reason.asked) == (Code.BELOW_THRESHOLD, "strict", 0.95)
    assert reason.got == Estimate(0.949, None, None, 10)


@pytest.mark.parametrize("seen", [{}, rates(mood=1.0), rates(strict=None)])
def test_a_threshold_that_nothing_was_scored_for_blocks(seen: dict[str, dict[str, Estimate]]) -> None:
    verdict = judge("tuned", thresholds_of({"test": {"strict": 0.5}}, seen), (), (), ())
    assert verdict.reasons == (Reason(Code.NOTHING_SCORED, score="strict", split="test", asked=0.5),)
    assert verdict.status is Status.BLOCK


def test_a_threshold_of_another_split_is_about_that_split() -> None:
    seen = {**rates(error=1.0), "malformed": {"error": Estimate(0.4, None, None, 5)}}
    [reason] = judge("tuned", thresholds_of({"malformed": {"error": 0.5}}, seen), (), (), ()).reasons
    assert (reason.code, reason.score, reason.split) == (Code.BELOW_THRESHOLD, "error", "malformed")
    assert reason.got == Estimate(0.4, None, None, 5)


def test_a_must_pass_example_that_is_wrong_blocks() -> None:
    verdict = judge("tuned", (), (), ["r-1"], ())
    assert verdict.status is Status.BLOCK
    assert verdict.reasons == (Reason(Code.MUST_PASS_WRONG, examples=("r-1",)),)


def test_unanswered_examples_block() -> None:
    verdict = judge("tuned", (), (), (), ["a", "b", "c", "d", "e"])
    assert verdict.status is Status.BLOCK
    assert verdict.reasons == (Reason(Code.UNANSWERED, examples=("a", "b", "c", "d", "e")),)


def test_an_inconclusive_win_makes_an_inconclusive_verdict() -> None:
    verdict = judge("tuned", thresholds_of({"test": {"strict": 0.5}}, rates(strict=1.0)), [UNCLEAR], (), ())
    assert (verdict.status, verdict.ships) == (Status.INCONCLUSIVE, False)
    assert verdict.reasons == (UNCLEAR.reason,)


def test_a_block_outweighs_what_is_inconclusive_and_names_both() -> None:
    verdict = judge("tuned", (), [UNCLEAR, LOST], (), ())
    assert verdict.status is Status.BLOCK
    assert verdict.reasons == (LOST.reason, UNCLEAR.reason)


def test_a_comparison_is_about_its_candidate_only() -> None:
    assert judge("other", thresholds_of({"test": {"mood": 0.5}}, rates(mood=1.0)), [LOST], (), ()).ships


def test_nothing_ships_that_has_nothing_to_fail() -> None:
    verdict = judge("tuned", (), (), (), ())
    assert (verdict.status, verdict.ships, verdict.decision) == (Status.UNDECLARED, False, "iterate")
    assert (verdict.reasons, verdict.open) == ((Reason(Code.NOTHING_DECLARED),), ())


def test_where_nothing_is_declared_a_must_pass_example_blocks_all_the_same() -> None:
    verdict = judge("tuned", (), (), ["r-1"], ())
    assert (verdict.status, codes(verdict.reasons)) == (Status.BLOCK, [Code.MUST_PASS_WRONG])


def test_a_verdict_is_the_same_when_it_is_read_back_from_json() -> None:
    verdict = judge(
        "tuned", thresholds_of({"test": {"mood": 0.8}}, rates(mood=0.5)), [UNCLEAR, LOST, WON], ["r-1"], ["e1"]
    )
    assert TypeAdapter(Verdict).validate_python(json.loads(json.dumps(asdict(verdict)))) == verdict


def held(rate: Estimate, least: float) -> Verdict:
    return judge("tuned", [Threshold("mood", least, rate)], [], [], [])


def test_a_threshold_inside_the_interval_is_on_the_line_and_the_rate_decides() -> None:
    rate = wilson(104, 130)
    met, missed = held(rate, 0.79), held(rate, 0.81)
    assert [(each.status, each.reasons[0].code) for each in (met, missed)] == [
        (Status.SHIP, Code.ON_THE_LINE), (Status.BLOCK, Code.ON_THE_LINE),
    ]  # fmt: skip
    assert met.reasons[0].p == pytest.approx(binom.sf(102, 130, 0.74))


def test_a_threshold_outside_the_interval_is_met_or_missed() -> None:
    assert held(wilson(104, 130), 0.6).reasons[0].code is Code.MEETS_THRESHOLD
    assert held(wilson(104, 130), 0.95).reasons[0].code is Code.BELOW_THRESHOLD


@pytest.mark.parametrize("rights", [[3, 3, 3, 5, 5, 5], [4, 4, 4, 4, 4, 4], [5, 5, 5, 5, 5, 2, 1]])
def test_a_threshold_that_is_reached_exactly_is_reached(rights: list[int]) -> None:
    rate = mean_t([right / 5 for right in rights])
    assert held(rate, 0.8).status is Status.SHIP


def test_of_graded_scores_the_chance_to_pass_goes_by_their_spread() -> None:
    graded = Estimate(0.8, 0.75, 0.85, 100)
    [reason] = held(graded, 0.8).reasons
    assert reason.p == pytest.approx(norm.sf(0.05 / (0.1 / (2 * norm.ppf(0.975)))))
