"""The same suite in several processes: the same outcomes and verdicts, and every request asked once."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from mini_project import ALL, SHIPS, SUITE, Project, answer, wait_until


def test_workers_ask_once_and_come_to_the_same_figures_and_verdict_as_one_process(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    both = suite.run("suites", "--backend=clerk", "--backend=failing", "-n", "2")
    shared = suite.report()
    assert suite.asked() == dict.fromkeys(ALL, 1)
    (suite.root / ".evalkit" / "store.sqlite").unlink()
    alone = suite.run("suites", "--backend=clerk", "--backend=failing")
    single = suite.report()
    told = alone.parseoutcomes()
    assert told.pop("deselected") == 1  # no pair is compared; of what a worker deselects xdist says nothing
    assert both.parseoutcomes() == told
    assert shared["outcomes"] == single["outcomes"] == {"passed": 46, "missed": 7, "failed": 1}
    assert shared["tasks"] == single["tasks"]
    assert both.ret == alone.ret == 1


def drawn(suite: Project, *wrong: tuple[str, int]) -> None:
    """Three answers of ``good`` to every example, those of the pairs of id and sample with the other direction."""
    first = [json.loads(line) for line in (suite.root / "answers/good.jsonl").read_text().splitlines()]
    entries = [
        {**entry, "sample": number} | ({"text": answer(-1)} if (entry["id"], number) in wrong else {})
        for entry in first
        if not entry.get("sample")
        for number in range(3)
    ]
    suite.lines("answers/good.jsonl", entries)


def test_samples_against_a_baseline_come_to_the_same_figures_as_in_one_process(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "[scores.direction]", "[decoding]\ntemperature = 0.7\n[scores.direction]")
    drawn(suite)
    suite.run("suites", "--backend=good", "--samples=3", "--save-baseline=main", "-n", "2").assert_outcomes(passed=26)
    drawn(suite, ("h07", 0), ("h07", 2), ("h09", 1))
    told, tasks = [], []
    for workers in ([], ["-n", "2"]):
        result = suite.run("suites", "--backend=good", "--samples=3", "--baseline=main", *workers)
        result.stdout.fnmatch_lines(["- good against baseline main: lost (2): h07 direction, h09 direction"])
        told.append((result.ret, result.parseoutcomes()))
        tasks.append(suite.report()["tasks"])
    assert told[0] == told[1]
    assert tasks[0] == tasks[1]
    losses = {one["score"]: one["paired"]["losses"] for one in tasks[0][0]["regression"]["comparisons"]}
    assert losses == {"strict": 0, "extractable": 0, "direction": 2, "kind": 0}


def test_a_worker_that_crashes_takes_neither_counts_nor_the_verdict_with_it(suite: Project) -> None:
    crash = "\n\nimport os\n\n\ndef test_crash(answer):\n    if answer.example.id == 'h05':\n        os._exit(3)\n"
    suite.write("suites/test_moods.py", SUITE + crash)
    result = suite.run("suites", "--backend=clerk", "-n", "2")
    result.stdout.fnmatch_lines(
        ["*crashed while running*test_crash?clerk-h05?*", "moods * clerk: BLOCK. *", "- direction*"]
    )
    assert suite.report()["outcomes"] == {"passed": 33, "missed": 6, "failed": 1}
    assert suite.asked() == dict.fromkeys(ALL, 1)
    assert result.ret == 1


def test_a_run_that_stops_at_its_first_failure_still_gives_its_verdict(suite: Project) -> None:
    result = suite.run("suites", "--backend=failing", "-n", "2", "-x")
    result.stdout.fnmatch_lines(["moods * failing: BLOCK. *", "- 1 must-pass example is wrong (ref-cut).*"])
    assert result.ret != 0


def test_a_store_that_can_not_be_made_is_one_message_and_no_internal_error(suite: Project) -> None:
    suite.write(".evalkit", "a file where the folder should be")
    result = suite.run("suites", "--backend=good", "-k", "h01", "-n", "2")
    said = result.stdout.str() + result.stderr.str()
    assert said.count(".evalkit: can't be made:") == 1
    assert "INTERNALERROR" not in said
    assert result.ret == 4


def test_the_controller_shows_how_far_a_worker_is(suite: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK_SECONDS", "0.06")
    result = suite.run("suites", "--backend=clerk", "-n", "2")
    result.stdout.fnmatch_lines(["evalkit: clerk on moods: */14 (* stored, asking *)"])


def test_progress_that_cannot_be_told_breaks_no_run(suite: Project) -> None:
    Path(suite.root / ".evalkit" / "progress.json").mkdir(parents=True)
    result = suite.run("suites", "--backend=good", "-n", "2")
    result.stdout.fnmatch_lines(["moods * good: SHIP.*"])
    assert result.ret == 0


def test_ctrl_c_keeps_what_was_answered(suite: Project) -> None:
    process = suite.start("suites", "--backend=clerk", "-n", "2", CLERK_WAITS_AFTER="4")
    wait_until(lambda: len(suite.stored()) >= 2)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    output, _ = process.communicate(timeout=120)
    kept = suite.stored()
    assert process.returncode == 2, output
    assert len(kept) < len(ALL)
    suite.run("suites", "--backend=clerk").stdout.fnmatch_lines(["moods * clerk: BLOCK.*"])
    assert {suite.asked()[name] for name in kept} == {1}


def test_workers_of_a_session_that_uses_nothing_of_it_see_nothing_of_it(suite: Project) -> None:
    suite.write(
        "tests/test_own.py",
        "import sys\n\n\ndef test_light():\n"
        "    assert not {'numpy', 'jinja2', 'filelock', 'evalkit.session.session'} & sys.modules.keys()\n",
    )
    suite.run("tests", "-n", "2").assert_outcomes(passed=1)
    assert not (suite.root / ".evalkit").exists()
