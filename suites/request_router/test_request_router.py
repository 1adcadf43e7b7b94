"""What must be true of a model before it routes our requests."""

import pytest

from evalkit.testing import standard_suite

# A reason is a text, and never wholly right; whether a vendor is made up has a test of its own below.
globals().update(standard_suite("request_router", without=["test_grounded", "test_grounded_reason", "test_reason"]))


@pytest.mark.golden("request_router", split="test")
@pytest.mark.parametrize("score", ["grounded", "grounded_reason"])
def test_no_vendor_is_made_up(answer, score):
    assert answer.scores[score]
