"""Sessions that stop early: who is only compared with is asked until all is settled, and paid for no longer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from mini_project import Project, answer, truth

from evalkit.cli.main import main

IDS = [f"h{number:03}" for number in range(80)]

CLERKS = """
import pytest

pytestmark = pytest.mark.golden("moods")


def test_direction(answer):
    assert answer.scores["direction"]


def test_holds(comparison):
    assert comparison.holds, comparison
"""


@pytest.fixture
def suite(suite: Project) -> Project:
    """80 examples of which the clerk, who always says 1, is right about half; good is right about all."""
    suite.examples("test", {name: (f"Headline {name}", truth(number)) for number, name in enumerate(IDS)})
    right = {name: answer(truth(number)) for number, name in enumerate(IDS)}
    others = {"ref-cut": answer(1), "bad-empty": '{"error": "empty"}'}
    suite.answers("good", right | others)
    suite.answers("twin", right | others)
    suite.replace("golden/moods/task.toml", 'against = "bad"', 'against = "clerk"')
    suite.write("suites/test_moods.py", CLERKS)
    return suite


def in_turn(suite: Project) -> list[dict[str, object]]:
    (task,) = suite.report()["tasks"]
    return list(task["in_turn"])


def test_a_rival_is_asked_until_the_hypothesis_is_settled(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--against=clerk", "--sequential")
    asked = len(suite.asked())
    assert asked < 40
    assert in_turn(suite) == [{"model": "clerk", "asked": asked, "examples": 80, "settled": True}]
    result.stdout.fnmatch_lines_random(
        [
            f"- clerk: asked {asked} of 80 examples in turn, until everything was settled: {80 - asked} calls saved; *",
            "moods · good: SHIP*",
            "- beats clerk on direction: +*",
        ]
    )
    (comparison,) = [one for one in suite.report()["tasks"][0]["comparisons"] if one["kind"] == "win"]
    assert (comparison["status"], comparison["paired"]["difference"]["n"]) == ("SHIP", asked)
    assert comparison["p"] <= 0.025
    assert result.ret == 0
    # The tested model is asked whole.
    (model_run, *_) = suite.report()["tasks"][0]["model_runs"]
    assert model_run["rates"]["test"]["direction"]["n"] == 80


def test_what_is_not_settled_is_asked_to_the_end(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", 'against = "clerk"', 'against = "twin"')
    result = suite.run("suites", "--backend=good", "--against=twin", "--sequential")
    assert in_turn(suite) == [{"model": "twin", "asked": 80, "examples": 80, "settled": False}]
    result.stdout.fnmatch_lines(["- twin: asked 80 of 80 examples in turn, and not everything is settled; *"])
    result.stdout.fnmatch_lines(["moods · good: INCONCLUSIVE*", "- is not shown to beat twin on direction*"])


def test_the_order_is_the_same_in_every_run_and_process(suite: Project) -> None:
    suite.run("suites", "--backend=good", "--against=clerk", "--sequential")
    first = suite.asked()
    verdicts = suite.report()["tasks"][0]["verdicts"]
    result = suite.run("suites", "--backend=good", "--against=clerk", "--sequential", "-n", "2")
    assert suite.asked() == first  # nothing more was asked
    assert suite.report()["tasks"][0]["verdicts"] == verdicts
    assert result.ret == 0


def test_without_the_option_all_is_asked_and_the_test_is_that_of_one_look(suite: Project) -> None:
    suite.run("suites", "--backend=good", "--against=clerk")
    assert len(suite.asked()) == 80
    assert in_turn(suite) == []


def test_a_sequential_run_is_scored_again_as_it_was(suite: Project) -> None:
    suite.run("suites", "--backend=good", "--against=clerk", "--sequential")
    before = suite.report()["tasks"][0]
    assert CliRunner().invoke(main, ["--root", str(suite.root), "rescore", "latest"]).exit_code == 0
    shown = CliRunner().invoke(main, ["--root", str(suite.root), "report", "latest", "--format=json"])
    after = json.loads(shown.output)["tasks"][0]
    assert after["comparisons"] == before["comparisons"]
    assert after["in_turn"] == before["in_turn"]


def test_two_runs_are_compared_by_what_was_asked_whole(suite: Project) -> None:
    for _ in range(2):
        suite.run("suites", "--backend=good", "--against=clerk", "--sequential")
    with closing(sqlite3.connect(suite.store)) as db:
        first, second = (row[0] for row in db.execute("select id from runs order by created"))
    told = CliRunner().invoke(main, ["--root", str(suite.root), "compare", first, second])
    assert "good against" in told.output
    assert "clerk against" not in told.output


def test_a_rival_that_is_seldom_readable_is_asked_on_until_the_decision_is_known(suite: Project) -> None:
    # It answers readably every third time, and then rightly; good is right half the time. Over all good wins early.
    right = {name: answer(truth(number)) for number, name in enumerate(IDS)}
    others = {"ref-cut": answer(1), "bad-empty": '{"error": "empty"}'}
    half = {name: text if number % 2 else answer(-truth(number)) for number, (name, text) in enumerate(right.items())}
    suite.answers("good", half | others)
    seldom = {name: text if number % 3 == 0 else "Well." for number, (name, text) in enumerate(right.items())}
    suite.answers("twin", seldom | others)
    suite.replace("golden/moods/task.toml", 'against = "clerk"', 'against = "twin"')
    suite.run("suites", "--backend=good", "--against=twin", "--sequential")
    (found,) = in_turn(suite)
    (comparison,) = [one for one in suite.report()["tasks"][0]["comparisons"] if one["kind"] == "win"]
    assert (found["settled"], comparison["status"]) in {(True, "BLOCK"), (False, "SHIP"), (False, "INCONCLUSIVE")}
    assert found["settled"] or found["asked"] == 80


def test_examples_that_stay_unanswered_settle_nothing(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", 'against = "clerk"', 'against = "dying"')
    result = suite.run("suites", "--backend=good", "--against=dying", "--sequential")
    assert result.ret == 1
    (found,) = in_turn(suite)
    assert (found["model"], found["settled"]) == ("dying", False)
    # It dies after three answers, each time that it is asked; nobody goes on asking one that says nothing.
    assert len(suite.asked("two")) > 3


def test_a_batch_can_not_stop_early(suite: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    suite.replace("pyproject.toml", "twin = ", "nightly = { spec = 'openai:m', batch = true }\ntwin = ")
    result = suite.run("suites", "--backend=good", "--against=nightly", "--sequential")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*nightly: a batch can't stop early; take --sequential or the alias's batch away"])
