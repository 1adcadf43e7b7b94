"""What must be true of a model before it sets the priority of our tickets."""

import pytest

pytestmark = pytest.mark.golden("ticket_priority")


@pytest.mark.golden("ticket_priority", split=["test", "reference", "malformed"])
def test_json(answer):
    assert answer.strict, answer.defects


def test_priority(answer):
    out_of_scope = "error" in answer.example.expected
    assert answer.scores["error" if out_of_scope else "priority"]


@pytest.mark.golden("ticket_priority", split="malformed")
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
