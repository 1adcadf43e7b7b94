"""What must hold of a model before it judges headlines for us."""

import pytest

pytestmark = pytest.mark.golden("market_direction")


@pytest.mark.golden("market_direction", split=["test", "reference", "malformed"])
def test_json(answer):
    assert answer.strict, answer.defects


def test_direction(answer):
    assert answer.scores["direction"]


@pytest.mark.golden("market_direction", split="test")
def test_magnitude(answer):
    assert answer.scores["magnitude"]


@pytest.mark.golden("market_direction", split="test")
@pytest.mark.parametrize("field", ["relevance", "source_credibility", "information_type", "novelty"])
def test_field(answer, field):
    assert answer.scores[field]


@pytest.mark.golden("market_direction", split="malformed")
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
