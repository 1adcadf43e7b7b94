"""The same examples through every rung, and a verdict on each step."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from mini_project import SHIPS, SUITE, Project, answer, truth

RUNGS = """
[tool.evalkit.lineage.moods]
rungs = ["bad", "good", "merged", "shipped"]
"""


@pytest.fixture
def suite(suite: Project) -> Project:
    """bad -> good -> merged (the same answers) -> shipped (four answers lost, two gained none)."""
    good = {
        entry["id"]: entry["text"]
        for entry in map(json.loads, (suite.root / "answers/good.jsonl").read_text().splitlines())
    }
    suite.answers("merged", good)
    lost = {f"h{number:02}": answer(-truth(number)) for number in (4, 5, 6, 7, 8, 9)}
    suite.answers("shipped", good | lost)
    suite.replace("pyproject.toml", 'good = "replay:answers/good.jsonl"', (
        'good = { spec = "replay:answers/good.jsonl", parent = "bad" }\n'
        'merged = { spec = "replay:answers/merged.jsonl", parent = "good" }\n'
        'shipped = { spec = "replay:answers/shipped.jsonl", parent = "merged" }'
    ))  # fmt: skip
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + RUNGS)
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    return suite


def lineage(suite: Project) -> dict[str, Any]:
    found: dict[str, Any] = suite.report()["tasks"][0]["lineage"]
    return found


def test_each_rung_is_compared_with_its_parent_and_the_step_that_lost_a_field_is_named(suite: Project) -> None:
    result = suite.run("suites", "--lineage=moods")
    result.stdout.fnmatch_lines(
        [
            "lineage moods: rates in %, change from the rung's parent in points; * primary*",
            "*from *(bad)*(good)*(merged)*",
            "*direction [*]*91.7 (+83.3;*91.7 (+0.0; no flip)*41.7 (-50.0; 6 worse, 0 better)*",
            "*same answers as its parent *12/12 *6/12*",
            "- good to merged: all 12 answers are the same text",
            "- direction: may have been lost between merged and shipped (-50.0 points, 95 % *; 6 worse, 0 better; "
            "p = 0.0156, among 6 = 0.0938)",
            "- merged to shipped: *, decoding not known (the answers of merged and shipped are recorded), 6 of 12 *",
        ]
    )
    assert [(step["against"], step["rung"]) for step in lineage(suite)["steps"]] == [
        ("bad", "good"), ("good", "merged"), ("merged", "shipped"),
    ]  # fmt: skip


def test_the_last_rung_is_what_is_tested(suite: Project) -> None:
    suite.run("suites", "--lineage=moods", "--collect-only", "-q").stdout.fnmatch_lines(["*test_ships[[]shipped]"])
    result = suite.run("suites", "--lineage=moods", "--backend=good")
    result.stdout.fnmatch_lines(["moods * good: *"])
    result.stdout.no_fnmatch_line("*moods * shipped: *")


def reasons(told: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """What each reason of a lineage is about."""
    return [(each["code"], each["model"], each["against"], each["score"]) for each in told["reasons"]]


def declared(suite: Project) -> None:
    text = (suite.root / "golden/moods/task.toml").read_text()
    suite.write(
        "golden/moods/task.toml",
        text + '\n[[hypotheses]]\nkind = "no_loss"\nagainst = "parent"\nscore = "direction"\nmargin = 0.35\n',
    )


def four_lost(suite: Project) -> None:
    """Four of twelve answers of the last rung are wrong that were right: p of a loss is .0625."""
    good = {f"h{number:02}": answer(truth(number)) for number in range(12)}
    suite.answers("shipped", good | {f"h{number:02}": answer(-truth(number)) for number in (4, 5, 6, 7)})


def test_a_loss_beyond_the_margin_is_red_at_the_step_that_made_it(suite: Project) -> None:
    declared(suite)
    four_lost(suite)
    result = suite.run("suites", "--lineage=moods", "--backend=good")
    told = lineage(suite)
    assert told["status"] == "INCONCLUSIVE"  # 4 of 12 lost: p of a loss is .0625, and .1875 of three gates
    assert reasons(told) == [("comparison", "shipped", "merged", "direction")]
    assert told["reasons"][0]["outcome"]["status"] == "INCONCLUSIVE"
    assert result.ret == 0
    suite.answers("shipped", {f"h{number:02}": answer(-truth(number)) for number in range(12)})
    result = suite.run("suites", "--lineage=moods", "--backend=good")
    result.stdout.fnmatch_lines_random(["moods * lineage moods: BLOCK. shipped loses to merged on direction: *"])
    assert result.ret == 1


def test_a_rung_that_cannot_run_says_why_and_its_child_is_compared_with_what_is_above(
    suite: Project,
) -> None:
    (suite.root / "answers/merged.jsonl").unlink()
    result = suite.run("suites", "--lineage=moods")
    result.stdout.fnmatch_lines(
        [
            "* bad * good * merged * shipped*",
            "*from * (bad) * (not run) * (good)*",
            "*direction [*] * 91.7 (*) * - * 41.7 (*",
            "- direction: may have been lost between good and shipped (-50.0 points, *",
            "- merged could not be run: *answers/merged.jsonl*",
        ]
    )
    assert [(step["against"], step["rung"]) for step in lineage(suite)["steps"]] == [
        ("bad", "good"),
        ("good", "shipped"),
    ]


def test_another_prefill_is_named_as_decoding_and_not_as_a_loss_of_weights(suite: Project) -> None:
    suite.replace("pyproject.toml", 'shipped.jsonl", parent', 'shipped.jsonl", prefill = " ", parent')
    result = suite.run("suites", "--lineage=moods")
    last = lineage(suite)["steps"][-1]
    assert last["cause"] == "decoding"
    assert [(each["name"], each["before"], each["after"]) for each in last["why"]["settings"]] == [("prefill", "", " ")]
    assert last["gone"][0]["explained"] == "all"
    result.stdout.fnmatch_lines(
        ["- direction: may have been lost between * Not quantization or merging: prefill '' became ' '"]
    )


def test_two_workers_come_to_the_same_lineage(suite: Project) -> None:
    suite.run("suites", "--lineage=moods")
    alone = suite.report()["tasks"]
    suite.run("suites", "--lineage=moods", "-n", "2")
    assert suite.report()["tasks"] == alone


def test_a_stored_lineage_is_printed_again(suite: Project) -> None:
    first = suite.run("suites", "--lineage=moods")
    again = suite.pytester.run(sys.executable, "-m", "evalkit.cli.main", "lineage", "moods")
    again.stdout.fnmatch_lines(["lineage moods: rates in %*", "moods * lineage moods: INCONCLUSIVE. *"])
    assert again.ret == 0
    assert first.ret == 1  # the last rung misses its thresholds, which is not the lineage's to say


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"shipped"]', '"shiped"]', "*unknown alias 'shiped'. Did you mean 'shipped'?*"),
        ('"bad", "good", "merged", "shipped"', '"good"', "*rungs is [[]'good'], expected two or more*"),
        ("rungs =", "steps =", "*lineage.moods] rungs is missing: *, as in rungs = *"),
        ('"good", "merged", "shipped"]', '"good", "shipped"]', "*parent of 'shipped' is 'merged', which is no rung*"),
    ],
)
def test_a_lineage_that_cannot_be_followed_is_refused(suite: Project, old: str, new: str, said: str) -> None:
    suite.replace("pyproject.toml", old, new)
    result = suite.run("suites", "--lineage=moods")
    result.stderr.fnmatch_lines([said])
    assert result.ret == 4


def test_an_unknown_lineage_is_refused(suite: Project) -> None:
    result = suite.run("suites", "--lineage=mods")
    result.stderr.fnmatch_lines(["*unknown lineage 'mods'. Did you mean 'moods'?*"])
    assert result.ret == 4


def test_rescoring_follows_the_same_rungs_again(suite: Project) -> None:
    suite.run("suites", "--lineage=moods")
    first = lineage(suite)
    result = suite.pytester.run(sys.executable, "-m", "evalkit.cli.main", "rescore", "latest")
    result.stdout.fnmatch_lines_random(
        [
            "*same answers as its parent *12/12*",
            "*same answers as its parent *6/12*",
            "- direction: may have been lost between merged and *",
        ]
    )
    again = suite.pytester.run(sys.executable, "-m", "evalkit.cli.main", "report", "latest", "--format=json")
    assert json.loads(again.stdout.str())["tasks"][0]["lineage"] == first


def test_a_rung_is_asked_the_judged_split_alone(suite: Project) -> None:
    suite.run("suites", "--lineage=moods")
    model_runs = {one["participant"]["name"]: one for one in suite.report()["tasks"][0]["model_runs"]}
    assert set(model_runs["shipped"]["rates"]) == {"test", "reference", "malformed"}
    assert set(model_runs["good"]["rates"]) == {"test"}


def test_what_is_declared_of_a_rung_that_could_not_be_run_is_left_open(suite: Project) -> None:
    declared(suite)
    four_lost(suite)
    (suite.root / "answers/merged.jsonl").unlink()
    suite.run("suites", "--lineage=moods")
    told = lineage(suite)
    assert (told["status"], told["open"]) == ("INCONCLUSIVE", ["no_loss"])
    # Of the step from good to shipped nothing is declared: the primary score and strict gate it.
    assert reasons(told) == [
        ("comparison", "shipped", "good", "direction"), ("comparison", "shipped", "good", "strict"),
        ("not_run", "merged", "good", "direction"), ("not_run", "shipped", "merged", "direction"),
        ("by_default", "", "", ""),
    ]  # fmt: skip
    assert [reason["absent"] for reason in told["reasons"][2:4]] == ["merged", "merged"]


def test_a_rung_that_dies_is_not_held_to_have_lost_nothing(suite: Project) -> None:
    declared(suite)
    four_lost(suite)
    suite.replace("pyproject.toml", '"replay:answers/merged.jsonl"', '"clerk:one", dies_after = 3')
    result = suite.run("suites", "--lineage=moods", "--backend=good")
    result.stdout.fnmatch_lines_random(
        ["- merged could not be run: 9 of 12 examples stayed unanswered (h03: *out of paper*)"]
    )
    assert lineage(suite)["status"] == "INCONCLUSIVE"
    assert result.ret == 1
    assert suite.pytester.run(sys.executable, "-m", "evalkit.cli.main", "lineage", "moods").ret == 1


def test_where_the_last_rung_cannot_run_the_one_before_is_tested(suite: Project) -> None:
    (suite.root / "answers/shipped.jsonl").unlink()
    result = suite.run("suites", "--lineage=moods")
    result.stdout.fnmatch_lines_random(["- shipped could not be run: *answers/shipped.jsonl*", "moods * merged: SHIP*"])
    assert result.ret == 0


def test_a_last_rung_that_was_asked_for_by_name_must_run(suite: Project) -> None:
    (suite.root / "answers/shipped.jsonl").unlink()
    assert suite.run("suites", "--lineage=moods", "--backend=shipped").ret == 4


def test_of_a_part_of_the_split_no_lineage_is_kept(suite: Project) -> None:
    suite.run("suites", "--lineage=moods")
    suite.run("suites", "--lineage=moods", "-k", "h03")
    again = suite.pytester.run(sys.executable, "-m", "evalkit.cli.main", "lineage", "moods")
    again.stdout.fnmatch_lines_random(["*same answers as its parent *12/12*", "*same answers as its parent *6/12*"])


def test_a_pair_of_rungs_that_are_not_parent_and_child_is_judged_where_it_is_declared(suite: Project) -> None:
    declared(suite)
    text = (suite.root / "golden/moods/task.toml").read_text()
    drift = '\n[[hypotheses]]\nkind = "no_loss"\ncandidate = "shipped"\nagainst = "good"\nscore = "direction"\n'
    suite.write("golden/moods/task.toml", f"{text}{drift}margin = 0.4\n")
    suite.run("suites", "--lineage=moods", "--backend=good")
    told = lineage(suite)
    assert reasons(told) == [
        ("comparison", "shipped", "merged", "direction"), ("comparison", "shipped", "good", "direction"),
    ]  # fmt: skip
    assert [reason["outcome"]["bound"] for reason in told["reasons"]] == [0.35, 0.4]
    assert len(told["steps"][-1]["gone"]) == 2


def test_a_measurement_is_told_with_its_change_from_the_parent(suite: Project) -> None:
    text = (suite.root / "golden/moods/task.toml").read_text()
    suite.write("golden/moods/task.toml", f'{text}\n[measurements.error]\nfield = "direction"\nmeasure = "mae"\n')
    result = suite.run("suites", "--lineage=moods")
    result.stdout.fnmatch_lines(["*error *1.82 *(n=11) * 0.17 *(n=12) (-1.64)*0.17 *(n=12) (+0.00) *1.17 *(+1.00)*"])
