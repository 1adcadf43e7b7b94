"""What must be true of a model before it reads the news for us."""

import pytest

pytestmark = pytest.mark.golden("news_metadata")


@pytest.mark.golden("news_metadata", split=["test", "reference", "malformed"])
def test_json(answer):
    assert answer.strict, answer.defects


def test_companies(answer):
    assert answer.scores["company_names"]


@pytest.mark.golden("news_metadata", split="test")
def test_relevance(answer):
    assert answer.scores["relevance_score"]


@pytest.mark.golden("news_metadata", split="malformed")
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
