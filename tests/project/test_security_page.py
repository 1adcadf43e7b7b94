"""SECURITY.md names the tests that hold its promises, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = [line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| **")]


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_names_tests_that_are_there(promise: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", promise.rsplit("|", 2)[1])
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
