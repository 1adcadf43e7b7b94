"""A run that an older evalkit stored is read, shown and scored again: version_1.json and its rows are of version 1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.judging.reason import Status
from evalkit.reports import json as as_json
from evalkit.reports import markdown, terminal
from evalkit.runs.older_runs import upgraded
from evalkit.runs.record import SCHEMA_VERSION, TaskResult, dump_run, load_row, load_run
from evalkit.runs.requests import load_requests

HERE = Path(__file__).parent


@pytest.fixture
def stored() -> dict[str, Any]:
    """The header, as it lies in the store."""
    return dict(json.loads((HERE / "version_1.json").read_text(encoding="utf-8")))


@pytest.fixture
def mood(stored: dict[str, Any]) -> TaskResult:
    """Its one task, read."""
    return load_run(stored).tasks[0]


def test_the_verdict_and_the_figures_are_those_that_were_stored(mood: TaskResult) -> None:
    tuned = mood.model_runs[0]
    assert (mood.verdicts[0].status, tuned.rates["test"]["mood"].value) == (Status.INCONCLUSIVE, 11 / 12)


def test_what_came_later_has_its_default(mood: TaskResult) -> None:
    assert {(one.slices, one.confusions) for one in mood.model_runs} == {((), ())}


def test_every_part_of_it_is_read(mood: TaskResult) -> None:
    parts = (mood.regression, mood.lineage, mood.rivals, mood.relations, mood.looks, mood.comparisons)
    assert all(parts)


def test_a_comparison_knows_whether_its_scores_are_right_or_wrong_and_not_how_likely_a_loss_is(
    mood: TaskResult,
) -> None:
    paired = mood.comparisons[0].paired
    assert (paired.right_or_wrong, paired.extended, paired.p_worse) == (True, False, None)


def test_read_and_stored_again_it_is_of_todays_version(stored: dict[str, Any]) -> None:
    again = dump_run(load_run(stored))
    assert again["schema_version"] == SCHEMA_VERSION
    assert load_run(json.loads(json.dumps(again))) == load_run(stored)


@pytest.mark.parametrize("report", [terminal, markdown, as_json])
def test_every_report_shows_it(stored: dict[str, Any], report: Any) -> None:
    text: Iterator[str] = report.render(load_run(stored))
    assert "tuned" in "".join(text)


def test_its_rows_still_tell_what_was_asked(stored: dict[str, Any]) -> None:
    lines = (HERE / "version_1_rows.jsonl").read_text(encoding="utf-8").splitlines()
    [request] = load_requests(stored, lambda *_: map(load_row, lines))
    tuned = next(part for part in request.participations if part.name == "tuned")
    assert (request.lineage, "t-01" in tuned.keys) == (("moods", ("base", "tuned")), True)


def test_another_version_is_not_guessed_at(stored: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"version must be one of \(1,\), got 7"):
        upgraded(stored, 7)
