"""A rival that is asked with a schema and is not held to it, at a server that ignores what it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


def asked_at(suite: Project, url: str, options: str = "") -> None:
    alias = f'held = {{ spec = "openai:any", base_url = "{url}/v1", constrained = true{options} }}\n'
    suite.replace("pyproject.toml", "clerk = ", f"{alias}clerk = ")


def base_url(suite: Project) -> str:
    text = (suite.root / "pyproject.toml").read_text(encoding="utf-8")
    return str(re.findall(r'base_url = "([^"]+)"', text)[0])


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
            "*good: INCONCLUSIVE*",
            "- *declared of good against held on direction was not judged*did not hold it to*",
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


def sent_schemas(bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [body["response_format"]["json_schema"]["schema"] for body in bodies]


def test_the_dialect_of_openai_is_sent_told_and_taken_off_the_answer_again(suite: Project) -> None:
    with answering(lambda _: f'{{"answer": {OBJECT}}}') as server:
        asked_at(suite, server.url, ', dialect = "openai"')
        result = suite.run("suites", "--backend=good", "--against=held")
    assert {schema["type"] for schema in sent_schemas(server.bodies)} == {"object"}
    result.stdout.fnmatch_lines(["*held: constrained, and not held to: *oneOf at the root, which is sent as anyOf;*"])
    (task,) = suite.report()["tasks"]
    (held,) = (run for run in task["model_runs"] if run["participant"]["name"] == "held")
    assert held["not_obeyed"] is None
    assert held["rates"]["test"]["strict"]["value"] == 1.0
    # In another dialect it is another question.
    with answering(lambda _: OBJECT) as server:
        suite.replace("pyproject.toml", 'dialect = "openai"', 'dialect = "full"')
        suite.replace("pyproject.toml", base_url(suite), f"{server.url}/v1")
        suite.run("suites", "--backend=good", "--against=held")
    assert len(server.bodies) == 12
    assert all("oneOf" in schema for schema in sent_schemas(server.bodies))


def test_the_dialect_of_anthropic_is_its_sdks(suite: Project) -> None:
    with answering(lambda _: OBJECT) as server:
        alias = f'held = {{ spec = "anthropic:any", base_url = "{server.url}", constrained = true }}\n'
        suite.replace("pyproject.toml", "clerk = ", f"{alias}clerk = ")
        result = suite.run("suites", "--backend=good", "--against=held")
    formats = [body["output_config"]["format"]["schema"] for body in server.bodies]
    assert len(formats) == 12
    assert all("anyOf" in schema and "oneOf" not in schema for schema in formats)
    result.stdout.fnmatch_lines(["*held: constrained, and not held to: *minimum at oneOf[[]0].properties.direction*"])


def test_a_dialect_that_nobody_speaks_is_refused(suite: Project) -> None:
    asked_at(suite, "http://127.0.0.1:9", ', dialect = "latin"')
    result = suite.run("suites", "--backend=good", "--against=held")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*dialect is 'latin', expected 'openai', 'full' or nothing*"])


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


def test_a_first_attempt_that_was_not_held_counts_where_the_second_is_strict(suite: Project) -> None:
    def at_last(body: Mapping[str, Any]) -> str:
        return OBJECT if len(body["messages"]) > 2 else fenced(body)

    with answering(at_last) as server:
        asked_at(suite, server.url, ", retries = 1")
        result = suite.run("suites", "--backend=good", "--against=held")
    (task,) = suite.report()["tasks"]
    (held,) = (run for run in task["model_runs"] if run["participant"]["name"] == "held")
    assert held["rates"]["test"]["strict"]["value"] == 1.0
    assert (held["not_obeyed"]["count"], held["not_obeyed"]["answers"]) == (12, 24)
    assert result.stdout.str().count("WARNING: moods: held was asked") == 1
