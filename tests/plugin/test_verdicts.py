"""A verdict says only what was judged: who has one, who has none, and what that means for tests and the exit code."""

from __future__ import annotations

from typing import Any

import pytest
from mini_project import IDS, SHIPS, SUITE, TASK, Project, answer

BARE = TASK.partition("[thresholds]")[0]
"""The task without a threshold and without a hypothesis."""


@pytest.fixture
def suite(suite: Project) -> Project:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    return suite


def figures(suite: Project) -> dict[str, Any]:
    (task,) = suite.report()["tasks"]
    return dict(task)


# -- nothing is declared --------------------------------------------------------------------------------


@pytest.fixture
def bare(suite: Project) -> Project:
    """The majority floor is right in half of the examples; `idle` in none, and its must-pass example is right."""
    suite.write("golden/moods/task.toml", BARE)
    wrong = {name: answer(-1 if number % 2 else 1) for number, name in enumerate(IDS)}
    suite.answers("idle", wrong | {"ref-cut": answer(1), "bad-empty": '{"error": "empty"}'})
    suite.replace("pyproject.toml", "clerk =", 'idle = "replay:answers/idle.jsonl"\nclerk =')
    return suite


def test_a_model_below_every_floor_does_not_ship_where_nothing_is_declared(bare: Project) -> None:
    result = bare.run("suites", "--backend=idle")
    (verdict,) = figures(bare)["verdicts"]
    floor = next(run for run in figures(bare)["model_runs"] if run["participant"]["name"] == "majority")
    assert floor["rates"]["test"]["direction"]["value"] == 0.5
    assert (verdict["status"], verdict["reasons"][0]["code"]) == ("UNDECLARED", "nothing_declared")
    assert result.ret == 1  # test_ships


def test_what_declares_nothing_fails_the_test_that_asks_and_no_other(bare: Project) -> None:
    bare.run("suites", "--backend=good").assert_outcomes(failed=1, passed=26, xfailed=0)
    bare.write("suites/test_moods.py", SUITE)
    assert bare.run("suites", "--backend=good").ret == 0


# -- nothing is decided ---------------------------------------------------------------------------------


def test_dev_has_figures_and_no_verdict(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--against=bad", "--split=dev", "-rs")
    result.stdout.fnmatch_lines(["moods * good: no verdict: dev is for *", "*SKIPPED*no verdict: dev is for choosing*"])
    task = figures(suite)
    assert (task["verdicts"], [item["code"] for item in task["no_verdicts"]]) == ([], ["dev"])
    (comparison,) = task["comparisons"]
    assert (comparison["status"], comparison["outcome"]) == (None, None)
    assert comparison["paired"]["difference"]["n"] == 12


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_not_frozen_has_figures_and_no_verdict(suite: Project, workers: tuple[str, ...]) -> None:
    suite.frozen.never()
    result = suite.run("suites", "--backend=good", "--against=bad", *workers)
    result.assert_outcomes(passed=26, skipped=2)
    assert result.ret == 0
    task = figures(suite)
    assert (task["verdicts"], [item["code"] for item in task["no_verdicts"]]) == ([], ["not_frozen"])


def test_a_model_that_would_be_blocked_is_not_on_dev(suite: Project) -> None:
    suite.answers("bad", {f"d{number:02}": "no" for number in range(12)} | {"ref-cut": answer(1), "bad-empty": "{}"})
    assert suite.run("suites", "--backend=bad").ret == 1
    assert suite.run("suites", "--backend=bad", "--split=dev").ret == 0


def test_a_lineage_on_dev_has_no_status(suite: Project) -> None:
    suite.write(
        "pyproject.toml",
        '[tool.evalkit]\n[tool.evalkit.backends]\nbad = "replay:answers/middling.jsonl"\n'
        'good = { spec = "replay:answers/good.jsonl", parent = "bad" }\ntwin = "replay:answers/twin.jsonl"\n'
        'middling = "replay:answers/middling.jsonl"\n[tool.evalkit.lineage.moods]\nrungs = ["bad", "good"]\n',
    )
    result = suite.run("suites", "--lineage=moods", "--split=dev")
    result.stdout.fnmatch_lines(["moods * lineage moods: no verdict: dev is for choosing*"])
    lineage = figures(suite)["lineage"]
    assert (lineage["status"], lineage["reasons"]) == (None, [])
