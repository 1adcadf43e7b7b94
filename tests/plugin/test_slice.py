"""--slice=TAG runs the examples with that tag alone: a part of the split, so nothing is decided."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mini_project import Project


@pytest.fixture
def tagged(suite: Project) -> Project:
    """The first four examples are `turned`, the next four `plain`."""
    path = suite.root / "golden/moods/test.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    tags = ["turned"] * 4 + ["plain"] * 4 + [""] * (len(lines) - 8)
    suite.lines(
        "golden/moods/test.jsonl",
        [line | ({"tags": [tag]} if tag else {}) for line, tag in zip(lines, tags, strict=True)],
    )
    return suite


def test_only_the_examples_with_the_tag_are_run_and_there_is_no_verdict(tagged: Project) -> None:
    result = tagged.run("suites", "--backend=good", "--slice=turned")
    assert sum(result.parseoutcomes().get(name, 0) for name in ("passed", "missed")) == 2 * 4
    result.stdout.fnmatch_lines(["moods * good: no verdict: 4 of 12 selected*"])


def test_several_tags_are_run_together(tagged: Project) -> None:
    result = tagged.run("suites", "--backend=good", "--slice=turned", "--slice=plain")
    result.stdout.fnmatch_lines(["moods * good: no verdict: 8 of 12 selected*"])


def test_an_unknown_tag_is_a_mistake_that_names_the_nearest(tagged: Project) -> None:
    result = tagged.run("suites", "--backend=good", "--slice=turnd")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown tag 'turnd'*turned*"])
