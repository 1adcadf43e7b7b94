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


def test_a_model_below_a_floor_does_not_ship_by_its_format_alone(bare: Project) -> None:
    bare.write("golden/moods/task.toml", f"{BARE}[thresholds]\nstrict = 0.9\n")
    bare.write("suites/test_moods.py", SUITE)
    assert bare.run("suites", "--backend=idle").ret == 1
    (verdict,) = figures(bare)["verdicts"]
    assert (verdict["status"], verdict["because"]["code"]) == ("BLOCK", "below_floor")
    assert (verdict["because"]["against"], verdict["because"]["asked"]) == ("majority", 0.5)


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


# -- declared rivals ------------------------------------------------------------------------------------

KINDS = {"win": "", "no_loss": "margin = 0.4", "equivalent": "margin = 0.4"}


def declare(suite: Project, against: str, kind: str = "win") -> None:
    suite.write(
        "golden/moods/task.toml",
        f"{BARE}[thresholds]\nstrict = 0.9\n[[hypotheses]]\nkind = '{kind}'\ncandidate = 'good'\n"
        f"against = '{against}'\nscore = ['direction', 'kind']\n{KINDS[kind]}\n",
    )


def test_a_declared_rival_is_asked_though_nobody_named_it_and_that_is_said_first(suite: Project) -> None:
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(
        [
            "evalkit: moods: bad is asked too: the task declares it of good",
            "evalkit: good on moods: *",
            "moods * good: SHIP. *",
            "- beats bad on direction*",
            "- bad is asked too: the task declares it of good",
        ]
    )
    assert [run["participant"]["joined"] for run in figures(suite)["model_runs"][:2]] == [False, True]


def test_a_hypothesis_of_another_candidate_asks_nobody(suite: Project) -> None:
    suite.run("suites", "--backend=middling")
    assert [run["participant"]["name"] for run in figures(suite)["model_runs"]][:2] == ["middling", "empty"]
    assert figures(suite)["unjudged"] == []


def test_what_was_only_selected_in_part_asks_no_rival(suite: Project) -> None:
    suite.run("suites", "--backend=good", "-k", "h03").stdout.no_fnmatch_line("*bad on moods*")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spec", "code"),
    [("{ spec = 'clerk:three' }", "rival_costs"), ("'replay:answers/nobody.jsonl'", "rival_not_opened")],
)
def test_a_rival_that_costs_or_is_not_there_leaves_the_verdict_open_and_is_red(
    suite: Project, kind: str, spec: str, code: str
) -> None:
    declare(suite, "costly", kind)
    suite.write("suites/test_moods.py", SUITE)
    prices = "[tool.evalkit.prices.'clerk:three']\ninput = 1.0\noutput = 5.0\n"
    suite.replace("pyproject.toml", "[tool.evalkit]\n", "[tool.evalkit]\ninconclusive_win = 0\n")
    suite.replace("pyproject.toml", "clerk =", f"costly = {spec}\nclerk =")
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + prices)
    result = suite.run("suites", "--backend=good")
    (verdict,) = figures(suite)["verdicts"]
    assert (verdict["status"], [reason["code"] for reason in verdict["reasons"]]) == ("INCONCLUSIVE", [code])
    assert verdict["reasons"][0]["scores"] == ["direction", "kind"]
    result.stdout.fnmatch_lines(
        ["moods * good: INCONCLUSIVE. *", "- What is declared of good against costly on direction, kind *"]
    )
    assert (result.ret, suite.asked("three")) == (1, {})


def test_a_rival_that_costs_is_asked_where_it_is_named(suite: Project) -> None:
    declare(suite, "costly")
    prices = "[tool.evalkit.prices.'clerk:three']\ninput = 1.0\noutput = 5.0\n"
    suite.replace("pyproject.toml", "clerk =", "costly = 'clerk:three'\nclerk =")
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + prices)
    suite.run("suites", "--backend=good", "--against=costly")
    assert (len(suite.asked("three")), figures(suite)["unjudged"]) == (12, [])


def test_test_ships_is_red_where_a_rival_is_missing_and_not_only_inconclusive(suite: Project) -> None:
    declare(suite, "nobody", "no_loss")
    suite.replace("pyproject.toml", "clerk =", "nobody = 'replay:answers/nobody.jsonl'\nclerk =")
    result = suite.run("suites", "--backend=good")
    result.assert_outcomes(passed=26, failed=1)


@pytest.mark.parametrize(("candidate", "status"), [("candidate = 'good'\n", "INCONCLUSIVE"), ("", "SHIP")])
def test_a_parent_that_nobody_names_is_missed_where_the_pair_is_declared_of_this_model(
    suite: Project, candidate: str, status: str
) -> None:
    hypothesis = f"[[hypotheses]]\nkind = 'win'\n{candidate}against = 'parent'\nscore = 'direction'\n"
    suite.write("golden/moods/task.toml", f"{BARE}[thresholds]\nstrict = 0.9\n{hypothesis}")
    suite.run("suites", "--backend=good")
    assert figures(suite)["verdicts"][0]["status"] == status
    (missing,) = figures(suite)["unjudged"]
    assert missing["why"] == ("no_parent" if candidate else "not_made")


def test_a_parent_is_asked_by_itself(suite: Project) -> None:
    hypothesis = "[[hypotheses]]\nkind = 'win'\nagainst = 'parent'\nscore = 'direction'\n"
    suite.write("golden/moods/task.toml", f"{BARE}{hypothesis}")
    suite.replace(
        "pyproject.toml",
        'good = "replay:answers/good.jsonl"',
        "good = { spec = 'replay:answers/good.jsonl', parent = 'bad' }",
    )
    suite.run("suites", "--backend=good").stdout.fnmatch_lines(["moods * good: SHIP, keep. *", "- beats bad on *"])


def test_a_rescored_run_knows_why_a_rival_is_missing(suite: Project) -> None:
    from evalkit.cli.main import main

    declare(suite, "nobody")
    suite.replace("pyproject.toml", "clerk =", "nobody = 'replay:answers/nobody.jsonl'\nclerk =")
    suite.run("suites", "--backend=good")
    with pytest.raises(SystemExit) as ended:
        main(["--root", str(suite.root), "rescore", "latest"], standalone_mode=False)
    assert ended.value.code == 1


# -- several tested models ------------------------------------------------------------------------------


def test_a_tested_model_is_not_compared_with_too(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--backend=twin", "--against=good")
    result.stderr.fnmatch_lines(["*--against=good: good is tested in this session*take --against=good away*"])
    assert result.ret == 4


def test_tested_models_stand_beside_each_other_whatever_the_order_of_the_flags(suite: Project) -> None:
    found = []
    for names in (("good", "bad", "middling"), ("middling", "bad", "good")):
        suite.run("suites", *(f"--backend={name}" for name in names))
        found.append(figures(suite)["rivals"])
    first, second = (
        {(item["candidate"], item["against"]): item["fields"] for item in rivals if item["peers"]} for rivals in found
    )
    assert first == second
    assert list(first) == [("bad", "good"), ("bad", "middling"), ("good", "middling")]
    assert {*first["bad", "good"]} == {"strict", "extractable", "direction", "kind"}


def test_tested_models_are_told_apart_by_holm_over_all_pairs_and_scores(suite: Project) -> None:
    suite.run("suites", "--backend=good", "--backend=bad", "--backend=middling")
    fields = {
        (item["candidate"], item["against"]): item["fields"] for item in figures(suite)["rivals"] if item["peers"]
    }
    # 10 of 10 differ one way: 1 in 1,024, times the twelve comparisons that were made.
    assert fields["bad", "good"]["direction"]["p_worse"] == pytest.approx(12 / 1024)
    assert fields["bad", "good"]["direction"]["standing"] == "worse"
