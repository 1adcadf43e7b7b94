"""What must be true of a model before it routes our requests."""

import pytest

pytestmark = pytest.mark.golden("request_router")


@pytest.mark.golden("request_router", split=["test", "reference", "malformed"])
def test_json(answer):
    assert answer.strict, answer.defects


def test_platform(answer):
    assert answer.scores["recommended_platform"]


@pytest.mark.golden("request_router", split="test")
@pytest.mark.parametrize("score", ["grounded", "grounded_reason"])
def test_no_vendor_is_made_up(answer, score):
    assert answer.scores[score]


@pytest.mark.golden("request_router", split="test")
@pytest.mark.parametrize("field", ["tier", "risk", "needs_review"])
def test_field(answer, field):
    assert answer.scores[field]


@pytest.mark.golden("request_router", split="malformed")
def test_malformed(answer):
    assert answer.scores["error"]


def test_ships(verdict):
    assert verdict.ships, verdict


def test_holds(comparison):
    assert comparison.holds, comparison


def test_merge(merge):
    assert merge.whole, merge


def test_sound(finding):
    assert finding.waived, finding
