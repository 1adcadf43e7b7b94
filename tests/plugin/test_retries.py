"""`retries = N` on an alias: whoever answers with what is not strict is asked again, and every attempt counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner
from mini_project import Project

from evalkit.cli.main import main

STUBBORN = '''
"""A backend of an outside package: answers some examples in prose, until it was told often enough."""

import os
from pathlib import Path

from evalkit.errors import NotAnswered
from evalkit.models.backend import Completion


def open_backend(opening):
    return Stubborn(opening)


class Stubborn:
    by_example = False

    def __init__(self, opening):
        self.name = opening.spec.model
        self.fingerprint = {"stubborn": self.name}
        self.log = Path(opening.root) / "asked.log"
        self.prose = opening.options.get("prose", "").split()
        self.after = opening.options.get("after", 1)

    def answer(self, requests):
        for request in requests:
            told = sum("can't be used" in message.content for message in request.messages)
            if told == int(os.environ.get("STUBBORN_REFUSES", "-1")):
                yield request, NotAnswered("no more turns")
                continue
            with self.log.open("a") as log:
                log.write(f"{self.name} {request.example_id}\\n")
            valid = request.example_id not in self.prose or told >= self.after
            text = '{"direction": 1, "kind": "report"}' if valid else f"Up {told}, I think."
            used = {"input": 100 * (told + 1), "output": 10}
            yield request, Completion(text, "stop", prompt_tokens=7, completion_tokens=10 + told, usage=used)

    def close(self):
        pass
'''

ALIASES = """
stubborn = { spec = "stubborn:one", prose = "h01 h03 h05", after = 2, retries = 2 }
once = { spec = "stubborn:one", prose = "h01 h03 h05", after = 2 }
"""

PRICE = """
[tool.evalkit.prices."stubborn:one"]
input = 1.0
output = 10.0
"""


@pytest.fixture
def suite(suite: Project) -> Project:
    suite.write("outside/stubborn.py", STUBBORN)
    suite.write("outside/stubborn-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: stubborn\nVersion: 1.0\n")
    suite.write("outside/stubborn-1.0.dist-info/entry_points.txt", "[evalkit.backends]\nstubborn = stubborn\n")
    suite.replace("pyproject.toml", "clerk = ", ALIASES + "clerk = ")
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + PRICE)
    return suite


def model_run(suite: Project, name: str) -> Mapping[str, Any]:
    """What the report has of a model."""
    [task] = suite.report()["tasks"]
    return next(one for one in task["model_runs"] if one["participant"]["name"] == name)


def rows(suite: Project, name: str) -> dict[str, dict[str, Any]]:
    lines = (suite.root / "reports" / "latest.jsonl").read_text(encoding="utf-8").splitlines()
    every = [json.loads(line) for line in lines]
    return {row["example"]: row for row in every if row.get("model") == name}


def test_an_answer_that_is_not_strict_is_asked_again_until_it_is(suite: Project) -> None:
    result = suite.run("suites", "--backend=stubborn")
    assert model_run(suite, "stubborn")["rates"]["test"]["strict"]["value"] == 1.0
    assert suite.asked("one") == {name: 3 if name in ("h01", "h03", "h05") else 1 for name in suite.asked("one")}
    assert (model_run(suite, "stubborn")["asked_again"], model_run(suite, "stubborn")["more_attempts"]) == (3, 6)
    result.stdout.fnmatch_lines(
        [
            "- stubborn: asked with retries = 2",
            "- stubborn: asked again after an invalid answer: 3 of 12, 6 attempts more",
        ]
    )


def test_when_no_attempt_is_left_the_last_answer_stands(suite: Project) -> None:
    suite.replace("pyproject.toml", "after = 2, retries = 2", "after = 2, retries = 1")
    suite.run("suites", "--backend=stubborn")
    assert model_run(suite, "stubborn")["rates"]["test"]["strict"]["value"] == 9 / 12
    assert rows(suite, "stubborn")["h03"]["samples"][0]["text"] == "Up 1, I think."
    assert (model_run(suite, "stubborn")["asked_again"], model_run(suite, "stubborn")["more_attempts"]) == (3, 3)


def test_tokens_and_cost_are_those_of_all_attempts(suite: Project) -> None:
    suite.run("suites", "--backend=stubborn", "--against=once")
    [sample] = rows(suite, "stubborn")["h03"]["samples"]
    assert sample["usage"] == {"input": 600, "output": 30}
    assert (sample["prompt_tokens"], sample["completion_tokens"]) == (21, 33)
    assert sample["earlier"] == ["Up 0, I think.", "Up 1, I think."]
    cost = {
        name: model_run(suite, name)["measurements"]["USD per 1,000 calls"]["value"] for name in ("stubborn", "once")
    }
    assert cost == {"stubborn": pytest.approx((9 * 0.2 + 3 * 0.9) / 12), "once": pytest.approx(0.2)}


def test_whoever_has_no_retries_keeps_its_first_answers_of_the_same_model(suite: Project) -> None:
    suite.run("suites", "--backend=stubborn", "--against=once")
    assert model_run(suite, "once")["rates"]["test"]["strict"]["value"] == 9 / 12
    assert model_run(suite, "once")["more_attempts"] == 0
    assert sum(suite.asked("one").values()) == 14 + 6


def test_a_second_run_asks_nothing(suite: Project) -> None:
    suite.run("suites", "--backend=stubborn")
    before = suite.asked("one")
    suite.run("suites", "--backend=stubborn")
    assert suite.asked("one") == before
    assert model_run(suite, "stubborn")["more_attempts"] == 6


def test_a_run_goes_on_where_another_was_stopped_between_two_attempts(suite: Project) -> None:
    suite.monkeypatch.setenv("STUBBORN_REFUSES", "1")
    result = suite.run("suites", "--backend=stubborn")
    assert list(model_run(suite, "stubborn")["unanswered"]) == ["h01", "h03", "h05"]
    result.stdout.fnmatch_lines(["*3 unanswered, never scored as wrong. h01: no more turns"])
    suite.monkeypatch.delenv("STUBBORN_REFUSES")
    suite.run("suites", "--backend=stubborn")
    assert suite.asked("one")["h03"] == 3
    assert model_run(suite, "stubborn")["rates"]["test"]["strict"]["value"] == 1.0


def test_with_workers_each_attempt_is_made_once(suite: Project) -> None:
    suite.run("suites", "--backend=stubborn", "-n", "2")
    assert sum(suite.asked("one").values()) == 14 + 6
    assert model_run(suite, "stubborn")["more_attempts"] == 6


def test_each_sample_has_attempts_of_its_own(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "[scores.direction]", "[decoding]\ntemperature = 0.5\n[scores.direction]")
    suite.run("suites", "--backend=stubborn", "--samples=2")
    row = rows(suite, "stubborn")["h03"]
    assert [len(row["earlier"][key]) for key in row["keys"]] == [2, 2]
    assert (model_run(suite, "stubborn")["asked_again"], model_run(suite, "stubborn")["more_attempts"]) == (3, 12)


def test_a_model_that_is_asked_in_turn_is_asked_again_too(suite: Project) -> None:
    suite.run("suites", "--backend=good", "--against=stubborn", "--sequential")
    asked = model_run(suite, "stubborn")
    assert asked["rates"]["test"]["strict"]["value"] == 1.0
    assert asked["more_attempts"] == 2 * asked["asked_again"]


def test_a_rung_is_asked_again_in_its_second_answers_too(suite: Project) -> None:
    suite.replace("pyproject.toml", "retries = 2", 'retries = 2, parent = "once"')
    lineage = '[tool.evalkit.lineage.l]\nrungs = ["once", "stubborn"]\n'
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + lineage)
    suite.run("suites", "--lineage=l")
    row = rows(suite, "stubborn")["h03"]
    assert [len(row["earlier"][key]) for key in (*row["keys"], *row["again"])] == [2, 2]


def test_the_latency_of_an_answer_is_that_of_all_attempts(suite: Project) -> None:
    result = suite.run("suites", "--backend=stubborn", "--against=once", "--latency=12")
    probe, other = (model_run(suite, name)["participant"]["probe"] for name in ("stubborn", "once"))
    assert (sum(probe["attempts"]), len(probe["examples"]), other["attempts"]) == (18, 12, [])
    assert probe["tokens"][probe["examples"].index("h03")] == 10 + 11 + 12
    result.stdout.fnmatch_lines(["*its latency is that of 18 attempts at 12 answers"])


def test_show_prints_each_attempt_with_what_was_asked(suite: Project) -> None:
    suite.run("suites", "--backend=stubborn")
    suite.monkeypatch.chdir(suite.root)
    result = CliRunner().invoke(main, ["show", "latest", "h03"], catch_exceptions=False)
    headings = [line.partition(", attempt ")[2] for line in result.output.splitlines() if line.startswith("== ")]
    assert headings == ["1 of 3", "2 of 3", "3 of 3"]
    assert result.output.count("[assistant] Up 0, I think.") == 2
    assert result.output.count("[user] Your last answer can't be used.") == 1 + 2


def test_a_run_that_is_scored_again_knows_its_attempts(suite: Project) -> None:
    suite.run("suites", "--backend=stubborn")
    suite.monkeypatch.chdir(suite.root)
    result = CliRunner().invoke(main, ["rescore", "latest"], catch_exceptions=False)
    assert "stubborn: asked again after an invalid answer: 3 of 12, 6 attempts more" in result.output
    assert "the prompt of" not in result.stderr


@pytest.mark.parametrize("value", ["-1", "true", "'2'"])
def test_a_number_of_retries_that_is_none_is_refused(suite: Project, value: str) -> None:
    suite.replace("pyproject.toml", "retries = 2", f"retries = {value}")
    result = suite.run("suites", "--backend=stubborn")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*backends.stubborn[]] retries is *, expected a whole number, 0 or more"])
