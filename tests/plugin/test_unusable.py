"""A model that answers nothing at all ends pytest with one message and exit code 4, before any test is run."""

from __future__ import annotations

import pytest
from mini_project import ALL, IDS, Project

from evalkit.golden.looks import Ledger

GOOD = '{ spec = "replay:answers/good.jsonl", parent = "first" }'
WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])


def broken(suite: Project, *names: str) -> None:
    """Adds aliases of those names whose weights can't be loaded."""
    lines = "".join(f'{name} = {{ spec = "clerk:{name}", dies_after = 0 }}\n' for name in names)
    suite.replace("pyproject.toml", "twin = ", f"{lines}twin = ")


@WORKERS
def test_one_message_has_every_model_that_answered_nothing_with_its_cause(
    suite: Project, workers: tuple[str, ...]
) -> None:
    broken(suite, "first", "second")
    result = suite.run("suites", "--backend=first", "--backend=clerk", "--against=second", *workers)
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "ERROR: 2 models answered nothing, so no test was run:",
            "  first answered nothing: out of paper",
            "  second answered nothing: out of paper",
        ]
    )
    assert result.stderr.str().count("out of paper") == 2
    assert "out of paper" not in result.stdout.str()
    assert not {"errors", "failed", "passed"} & result.parseoutcomes().keys()


def test_what_the_other_models_answered_is_stored_and_no_look_is_spent(suite: Project) -> None:
    broken(suite, "first")
    assert suite.run("suites", "--backend=first", "--backend=clerk").ret == 4
    assert suite.stored() == sorted(ALL)
    assert not Ledger.read(suite.golden).taken
    assert not (suite.root / "reports").exists()
    assert suite.run("suites", "--backend=clerk").ret == 1
    assert suite.asked() == dict.fromkeys(ALL, 1)


def test_a_model_that_refuses_every_request_with_the_same_words_is_told_once(suite: Project) -> None:
    suite.answers("gappy", {"none-of-these": "{}"})
    result = suite.run("suites", "--backend=gappy")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: gappy answered nothing: *answers/gappy.jsonl has no answer*"])


def test_a_model_that_answered_one_request_is_judged_as_it_is(suite: Project) -> None:
    suite.answers("gappy", {IDS[0]: "{}"})
    result = suite.run("suites", "--backend=gappy", "-k", "test_json")
    assert (result.ret, result.parseoutcomes()["errors"]) == (1, len(ALL) - 1)


def test_a_rung_that_answers_nothing_is_left_out_as_one_that_is_not_there(suite: Project) -> None:
    aliases = 'first = { spec = "clerk:first", parent = "bad", dies_after = 0 }\n'
    suite.replace("pyproject.toml", 'good = "replay:answers/good.jsonl"', f"{aliases}good = {GOOD}")
    lineage = '[tool.evalkit.lineage.moods]\nrungs = ["bad", "first", "good"]\n'
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + lineage)
    suite.run("suites", "--lineage=moods")
    told = suite.report()["tasks"][0]["lineage"]
    assert {name: missing["problem"] for name, missing in told["missing"].items()} == {"first": "out of paper"}


@WORKERS
def test_a_declared_rival_that_nobody_named_and_that_answers_nothing_leaves_its_hypothesis_open(
    suite: Project, workers: tuple[str, ...]
) -> None:
    broken(suite, "first")
    suite.replace("golden/moods/task.toml", 'against = "bad"', 'against = "first"')
    result = suite.run("suites", "--backend=good", *workers)
    assert result.ret == 1
    (verdict,) = suite.report()["tasks"][0]["verdicts"]
    assert (verdict["status"], verdict["reasons"][0]["absent"]) == ("INCONCLUSIVE", "out of paper")
