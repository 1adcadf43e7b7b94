"""What pytest says of looks at a test split: before anything is asked, and whoever is shown counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mini_project import Project

AHEAD = "good and bad: may spend looks 1 to 2 of 5 of the test split of moods; --split=dev is free"


@pytest.fixture
def suite(suite: Project) -> Project:
    suite.replace("golden/moods/task.toml", "planned = 2", "planned = 5")
    return suite


def looked_at(suite: Project) -> list[str]:
    path = suite.golden / "looks.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line["model"] for line in lines if line["kind"] == "look"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_look_is_told_before_it_is_taken_and_how_many_are_left(suite: Project, workers: tuple[str, ...]) -> None:
    told = suite.run("suites", "--backend=good", "--against=bad", *workers)
    told.stdout.fnmatch_lines([f"*{AHEAD}", "- good: look 1 of 5 at this test split, 3 left: *"])
    assert looked_at(suite) == ["good", "bad"]
    again = suite.run("suites", "--backend=good", "--against=bad", *workers)
    again.stdout.no_fnmatch_line("*may spend*")
    assert looked_at(suite) == ["good", "bad"]


@pytest.mark.parametrize("part", [("-k", "h01"), ("-k", "test_json and h0"), ("--deselect", "suites/test_moods.py")])
def test_whatever_part_of_the_split_is_selected_is_a_look(suite: Project, part: tuple[str, ...]) -> None:
    suite.run("suites", "--backend=good", *part)
    assert looked_at(suite)[:1] == (["good"] if part[0] == "-k" else [])


def test_a_report_of_a_part_says_how_many_looks_are_left(suite: Project) -> None:
    told = suite.run("suites", "--backend=good", "-k", "h01")
    told.stdout.fnmatch_lines(["*good: look 1 of 5 at this test split, 4 left: it was shown"])


def test_what_was_missed_last_time_alone_is_a_look(suite: Project) -> None:
    suite.run("suites", "--backend=good", "-k", "not h0 and not h1", "-p", "cacheprovider")
    assert looked_at(suite) == []
    suite.run("suites", "--backend=good", "--last-missed", "-p", "cacheprovider")
    assert looked_at(suite) == []  # nothing was missed, nothing is shown
    suite.run("suites", "--backend=good", "-k", "h03", "-p", "cacheprovider")
    assert looked_at(suite) == ["good"]


def test_what_is_no_example_of_the_test_split_is_none(suite: Project) -> None:
    suite.run("suites", "--backend=good", "-k", "ref-cut or bad-empty")
    suite.run("suites", "--backend=good", "--split=dev")
    assert looked_at(suite) == []


def test_beyond_the_plan_a_run_is_red_and_says_what_to_do(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "planned = 5", "planned = 1")
    suite.run("suites", "--backend=bad", "-k", "h01")
    last = suite.run("suites", "--backend=good", "--against=bad")
    last.stdout.fnmatch_lines(
        [
            "*good: the test split of moods is worn out: its 1 planned look is taken, and nothing ships on it; *",
            "moods * good: INCONCLUSIVE*",
            "- *worn out*evalkit freeze --renew*",
        ]
    )
    assert last.ret == 1
