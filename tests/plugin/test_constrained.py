"""A rival that is asked with a schema and is not held to it, at a server that ignores what it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from answering_server import answering
from click.testing import CliRunner
from mini_project import SHIPS, SUITE, Project

from evalkit.cli.main import main

HYPOTHESIS = """
[[hypotheses]]
kind = "win"
candidate = "good"
against = "held"
score = "direction"
"""
OBJECT = '{"direction": -1, "kind": "rumour"}'


@pytest.fixture
def suite(suite: Project) -> Project:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    task = suite.root / "golden" / "moods" / "task.toml"
    task.write_text(task.read_text(encoding="utf-8") + HYPOTHESIS, encoding="utf-8")
    return suite


def asked_at(suite: Project, url: str) -> None:
    alias = f'held = {{ spec = "openai:any", base_url = "{url}/v1", constrained = true }}\n'
    suite.replace("pyproject.toml", "clerk = ", f"{alias}clerk = ")


def fenced(_: Mapping[str, Any]) -> str:
    return f"```json\n{OBJECT}\n```"


def test_a_server_that_ignores_the_schema_is_told_at_once_and_marked_and_nothing_is_decided_against_it(
    suite: Project,
) -> None:
    with answering(fenced) as server:
        asked_at(suite, server.url)
        result = suite.run("suites", "--backend=good", "--against=held", "--against=bad")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "WARNING: moods: held was asked with constrained = true, and does not obey: h*: no JSON object alone*",
            "evalkit: held on moods: 12/12*",
            "*good: INCONCLUSIVE*declared of good against held on direction was not judged*did not hold it to*",
            "*held (schema not obeyed)*",
            "*held: constrained = true was not obeyed*(12 of 12 answers; h*",
        ]
    )
    (task,) = suite.report()["tasks"]
    runs = {run["participant"]["name"]: run for run in task["model_runs"]}
    assert (runs["held"]["not_obeyed"]["count"], runs["held"]["not_obeyed"]["answers"]) == (12, 12)
    assert runs["bad"]["not_obeyed"] is None
    assert {item["against"]: item["status"] for item in task["comparisons"] if item["kind"] == "win"} == {
        "bad": "SHIP",
        "held": None,
    }
    assert [rival["against"] for rival in task["rivals"]] == ["bad"]
    assert "held (schema not obeyed)" in (suite.root / "reports" / "latest.md").read_text(encoding="utf-8")


def test_one_such_answer_is_enough(suite: Project) -> None:
    def once(body: Mapping[str, Any]) -> str:
        return fenced(body) if len(server.bodies) == 3 else OBJECT

    with answering(once) as server:
        asked_at(suite, server.url)
        suite.run("suites", "--backend=good", "--against=held")
    (task,) = suite.report()["tasks"]
    (held,) = (run for run in task["model_runs"] if run["participant"]["name"] == "held")
    assert held["not_obeyed"]["count"] == 1


@pytest.mark.parametrize(("answer", "finish"), [(OBJECT, "stop"), ('{"direction": 0.', "length")])
def test_a_rival_whose_answers_may_have_been_held_is_judged(suite: Project, answer: str, finish: str) -> None:
    with answering(lambda _: answer, finish) as server:
        asked_at(suite, server.url)
        result = suite.run("suites", "--backend=good", "--against=held")
    result.stdout.no_fnmatch_line("*not obey*")
    statuses = [item["status"] for item in suite.report()["tasks"][0]["comparisons"] if item["against"] == "held"]
    assert None not in statuses
    assert all(body["response_format"]["json_schema"]["schema"] for body in server.bodies)


def test_workers_tell_it_too(suite: Project) -> None:
    with answering(fenced) as server:
        asked_at(suite, server.url)
        result = suite.run("suites", "--backend=good", "--against=held", "-n", "2")
    assert result.stdout.str().count("WARNING: moods: held was asked with constrained = true") == 1


def test_a_rescored_run_says_the_same(suite: Project) -> None:
    with answering(fenced) as server:
        asked_at(suite, server.url)
        suite.run("suites", "--backend=good", "--against=held")
    rescored = CliRunner().invoke(main, ["--root", str(suite.root), "rescore", "latest"])
    assert "held (schema not obeyed)" in rescored.stdout
