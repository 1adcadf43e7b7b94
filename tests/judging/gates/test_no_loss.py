"""No loss: by the bounds and the margin, among readable answers too, and how many examples would tell."""

from __future__ import annotations

import pytest
from scored_pairs import NOTHING, count_of, judged, readable, remarks

from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import Comparison
from evalkit.judging.gates import Readable, kind_of, no_loss
from evalkit.judging.reason import Status
from evalkit.stats.planning import examples_needed


def compared(ours: str, theirs: str, among: Readable = NOTHING, margin: float = 0.1) -> Comparison:
    return judged(Hypothesis("no_loss", None, ("base",), "mood", margin=margin), ours, theirs, among)


@pytest.mark.parametrize(
    ("lost", "status"), [(0, Status.SHIP), (2, Status.SHIP), (12, Status.INCONCLUSIVE), (40, Status.BLOCK)]
)
def test_no_loss_is_judged_by_the_bounds_and_the_margin(lost: int, status: Status) -> None:
    # 2 of 100 lost: Tango's lower bound is -7.0 points. 12 lost: from -19.8 to -7.0. 40 lost: all below -10.
    comparison = compared("0" * lost + "1" * (100 - lost), "1" * 100)
    assert (comparison.status, comparison.holds) == (status, status is Status.SHIP)


def test_no_loss_overall_is_none_where_the_decision_is_worse_among_readable_answers() -> None:
    comparison = compared("1" * 100, "1" * 100, readable(-0.3, -0.4, -0.2))
    assert (comparison.status, remarks(comparison)) == (Status.BLOCK, ["decision_changed"])


def test_no_loss_must_be_shown_among_readable_answers_too() -> None:
    unsure, shown = (
        compared("1" * 100, "1" * 100, readable(*seen)) for seen in ((-0.05, -0.15, 0.02), (0, -0.07, 0.07))
    )
    assert (unsure.status, remarks(unsure)) == (Status.INCONCLUSIVE, ["decision_may_have_changed"])
    assert (shown.status, remarks(shown)) == (Status.SHIP, [])


def test_too_few_readable_answers_are_told_and_stop_nothing() -> None:
    few = compared("1" * 100, "1" * 100, readable(0.0, -0.5, 0.5, n=4, least=0.49))
    none = compared("1" * 100, "1" * 100)
    assert [(each.status, remarks(each)) for each in (few, none)] == [(Status.SHIP, ["too_few_readable"])] * 2


def test_a_no_loss_that_is_not_shown_says_how_many_examples_would_tell() -> None:
    comparison = compared("0" * 6 + "1" * 94, "1" * 97 + "0" * 3, margin=0.08)
    assert comparison.status is Status.INCONCLUSIVE
    ours, theirs = [0] * 6 + [1] * 94, [1] * 97 + [0] * 3
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    # From the mean that was seen up to the margin there are 5 points: so many are to be shown.
    assert count_of(comparison, "would_tell") == pytest.approx(examples_needed(differences, 0.05), rel=0.02)


def test_too_few_examples_without_a_flip_say_how_many_the_margin_takes() -> None:
    assert count_of(compared("1" * 40, "1" * 40, margin=0.05), "would_tell") == 73


def test_never_are_fewer_examples_asked_for_than_there_are() -> None:
    assert count_of(compared("0" + "1" * 89, "1" * 90, margin=0.05), "would_tell") == 121


def test_no_number_of_examples_shows_no_loss_where_the_loss_seen_is_beyond_the_margin() -> None:
    assert remarks(compared("0" * 12 + "1" * 88, "1" * 100)) == []


def test_the_smallest_margin_that_is_declared_of_a_model_and_a_score_counts() -> None:
    wide = Hypothesis("no_loss", None, ("base",), "mood", margin=0.3)
    narrow = Hypothesis("no_loss", "tuned", ("base",), "mood", margin=0.1)
    others = [
        Hypothesis("equivalent", None, ("base",), "mood", margin=0.01),
        Hypothesis("win", None, ("base",), "mood"),
    ]
    declared = [wide, narrow, *others]
    assert no_loss.least_margin(declared, "tuned", "mood", 0.05) == 0.1
    assert no_loss.least_margin(declared, "merged", "mood", 0.05) == 0.3
    assert no_loss.least_margin(declared, "tuned", "strength", 0.05) == 0.05


def test_no_loss_claims_no_gain() -> None:
    assert not kind_of("no_loss").GAIN
