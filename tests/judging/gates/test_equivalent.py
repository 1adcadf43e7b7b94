"""Equivalence: no loss in both directions."""

from __future__ import annotations

import pytest
from scored_pairs import judged

from evalkit.golden.model import Hypothesis
from evalkit.judging.gates import kind_of
from evalkit.judging.reason import Status

SAME = Hypothesis("equivalent", None, ("base",), "mood", margin=0.1)


@pytest.mark.parametrize(
    ("lost", "gained", "status"),
    [
        (0, 0, Status.SHIP),
        (3, 3, Status.SHIP),
        (0, 12, Status.INCONCLUSIVE),
        (0, 40, Status.BLOCK),
        (40, 0, Status.BLOCK),
    ],
)
def test_equivalence_is_no_loss_in_both_directions(lost: int, gained: int, status: Status) -> None:
    same = "1" * (100 - lost - gained)
    ours, theirs = "0" * lost + "1" * gained + same, "1" * lost + "0" * gained + same
    comparison = judged(SAME, ours, theirs)
    assert comparison.status is status
    assert comparison.paired.difference.value == pytest.approx((gained - lost) / 100)
    assert comparison.outcome is not None
    assert comparison.outcome.bound == 0.1


def test_equivalence_claims_no_gain() -> None:
    assert not kind_of("equivalent").GAIN
