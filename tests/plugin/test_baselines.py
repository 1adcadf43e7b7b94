"""Baselines in a pytest session: saved when all was run, compared when asked for, and red when something was lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from mini_project import SUITE, Project, answer

MANY = tuple(f"h{number:02}" for number in range(100))


@pytest.fixture
def suite(suite: Project) -> Project:
    """The mini project, with 100 test examples that rise: enough for a margin of 5 points, and for several models."""
    suite.replace("golden/moods/task.toml", "planned = 2", "planned = 9")
    suite.examples("test", {name: (f"Headline {name}", 1) for name in MANY})
    answers(suite, "good")
    answers(suite, "bad", **wrong(len(MANY)))  # asked too, because the task declares it of good
    return suite


def answers(suite: Project, model: str, **changed: str) -> None:
    right = dict.fromkeys((*MANY, "ref-cut"), answer(1)) | {"bad-empty": '{"error": "empty"}'}
    suite.answers(model, right | {name.replace("_", "-"): text for name, text in changed.items()})


def wrong(count: int) -> Mapping[str, str]:
    return dict.fromkeys(MANY[:count], answer(-1))


def baseline(suite: Project, name: str = "main") -> Path:
    return suite.root / "golden" / "baselines" / "moods" / f"{name}.json"


def saved(suite: Project) -> Project:
    assert suite.run("suites", "--backend=good", "--save-baseline").ret == 0
    return suite


def test_a_model_that_stays_as_it_was_passes_and_says_so(suite: Project) -> None:
    result = saved(suite).run("suites", "--backend=good", "--baseline=main")
    result.stdout.fnmatch_lines(
        ["moods * good against baseline main (good, 20??-??-??): SHIP. No loss beyond the margin on strict, *"]
    )
    assert result.ret == 0


def test_a_saved_baseline_is_named_and_has_a_line_for_each_score(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--save-baseline=v1.0")
    result.stdout.fnmatch_lines(["written: *golden/baselines/moods/v1.0.json"])
    lines = baseline(suite, "v1.0").read_text().splitlines()
    assert '["h07", "direction", 1],' in lines
    assert json.loads("\n".join(lines))["backend"] == "good"


def test_a_loss_beyond_the_margin_is_red_and_in_the_reports_alone_and_with_two_workers(suite: Project) -> None:
    saved(suite)
    answers(suite, "good", **wrong(20))
    told = "moods * good against baseline main * BLOCK. good loses to baseline main on direction: *"
    figures = []
    for options in ([], ["-n", "2"]):
        result = suite.run("suites", "--backend=good", "--baseline=main", *options)
        result.stdout.fnmatch_lines_random(["- good against baseline main: lost (20): h00 direction, *", told])
        assert result.ret == 1
        figures.append(suite.report()["tasks"][0]["regression"])
    assert figures[0] == figures[1]
    assert "**good against baseline main (good, 20" in (suite.root / "reports" / "latest.md").read_text()


def test_single_losses_are_listed_and_red_only_where_baselines_are_strict(suite: Project) -> None:
    answers(suite, "good", h08=answer(-1))
    saved(suite)
    answers(suite, "good", h07=answer(-1))
    told = "- good against baseline main: lost (1): h07 direction"
    result = suite.run("suites", "--backend=good", "--baseline=main")
    result.stdout.fnmatch_lines_random([told, "moods * good against baseline main *: SHIP. *"])
    assert result.ret == 0
    strict = suite.run("suites", "--backend=good", "--baseline=main", "--strict-baseline")
    strict.stdout.fnmatch_lines_random([told, "*: BLOCK. --strict-baseline forgives no loss: h07 direction."])
    assert strict.ret == 1


def test_a_must_pass_example_that_broke_is_red_in_a_run_of_a_part_too(suite: Project) -> None:
    saved(suite)
    answers(suite, "good", ref_cut="prose")
    suite.write("suites/test_moods.py", SUITE.replace("assert answer", "answer"))  # no test of its own is red
    result = suite.run("suites", "--backend=good", "--baseline=main", "-k", "ref-cut")
    result.stdout.fnmatch_lines_random(
        [
            "- good against baseline main: 101 of its examples were not selected: nothing is said of them",
            "moods * good: no verdict: 0 of 100 selected",
            "moods * good against baseline main *: BLOCK. 1 must-pass example was right and is wrong (ref-cut). *",
        ]
    )
    assert result.ret == 1


@pytest.mark.parametrize(("setting", "code"), [("", 0), ("inconclusive_no_loss = 7\n", 7)])
def test_a_loss_that_is_not_ruled_out_ends_as_the_project_says(suite: Project, setting: str, code: int) -> None:
    saved(suite)
    suite.replace("pyproject.toml", "[tool.evalkit]\n", f"[tool.evalkit]\n{setting}")
    answers(suite, "good", **wrong(6))
    result = suite.run("suites", "--backend=good", "--baseline=main")
    result.stdout.fnmatch_lines(["*: INCONCLUSIVE. good may lose to baseline main on direction *"])
    assert result.ret == code


def test_the_project_says_how_large_a_loss_is_none(suite: Project) -> None:
    saved(suite)
    suite.replace("pyproject.toml", "[tool.evalkit]\n", "[tool.evalkit]\nbaseline_margin = 0.3\n")
    answers(suite, "good", **wrong(20))
    result = suite.run("suites", "--backend=good", "--baseline=main")
    result.stdout.fnmatch_lines(["moods * good against baseline main *: SHIP. No loss beyond the margin on *"])
    assert result.ret == 0


def test_another_model_may_be_held_against_the_baseline_and_saved_in_its_place(suite: Project) -> None:
    saved(suite)
    answers(suite, "twin", **wrong(30))
    suite.replace("golden/moods/task.toml", "direction = 0.6\n", "")
    result = suite.run("suites", "--backend=twin", "--baseline=main", "--save-baseline")
    result.stdout.fnmatch_lines(["moods * twin against baseline main (good, *): BLOCK. twin loses to *"])
    assert result.ret == 1
    assert '"backend": "twin",' in baseline(suite).read_text().splitlines()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_run_of_a_part_saves_nothing_and_says_why(suite: Project, workers: tuple[str, ...]) -> None:
    result = suite.run("suites", "--backend=good", "--save-baseline", "-k", "h07", *workers)
    result.stdout.fnmatch_lines(["moods: no baseline of good: 1 of 100 examples of test were selected, *"])
    assert not baseline(suite).exists()
    assert result.ret == 1


def test_a_run_with_unanswered_examples_saves_nothing(suite: Project) -> None:
    before = baseline(saved(suite)).read_text()
    result = suite.run("suites", "--backend=gappy", "--save-baseline")
    result.stdout.fnmatch_lines(["moods: no baseline of gappy: * examples stayed unanswered (*"])
    assert baseline(suite).read_text() == before
    assert result.ret == 1


def test_a_folder_that_cannot_be_written_is_told_and_red(suite: Project) -> None:
    suite.write("golden/baselines", "a file where the folder should be")
    result = suite.run("suites", "--backend=good", "--save-baseline")
    result.stdout.fnmatch_lines(["the baseline can't be written: *baselines*. The run is stored."])
    assert result.ret == 1


def test_a_session_without_a_golden_test_says_that_there_was_nothing_to_save(suite: Project) -> None:
    suite.write("tests/test_own.py", "def test_own():\n    pass\n")
    result = suite.run("tests", "--backend=good", "--save-baseline")
    result.stdout.fnmatch_lines(["no golden test was run: there is nothing to compare with a baseline, or to save *"])
    assert result.ret == 1
    assert suite.run("suites", "--backend=good", "--save-baseline", "--collect-only").ret == 0


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--backend=good", "--baseline=mian"], "unknown baseline 'mian'. Did you mean 'main'? Known: main.*"),
        (["--backend=good", "--backend=twin", "--baseline=main"], "*give exactly one --backend, got good, twin"),
        (["--backend=good", "--backend=twin", "--save-baseline"], "*give exactly one --backend, got good, twin"),
        (["--baseline=main"], "no backend: give --backend=ALIAS, *"),
        (["--backend=good", "--strict-baseline"], "--strict-baseline needs --baseline=NAME*"),
        (["--backend=good", "--baseline=main", "--split=dev"], "baseline main of moods is about the test split, *"),
        (["--backend=good", "--save-baseline=a/b"], "--save-baseline: 'a/b' is no name: *"),
        (["--backend=good", "--save-baseline", "suites"], "--save-baseline took 'suites' for its name: *"),
    ],
)
def test_wrong_use_is_told_before_a_model_is_asked(
    suite: Project, options: list[str], said: str, workers: tuple[str, ...]
) -> None:
    baseline(suite).parent.mkdir(parents=True)
    head = dict.fromkeys(("task", "split", "backend", "checksum", "date"), "moods") | {"split": "test"}
    told = "".join(f'"{key}": "{value}",\n' for key, value in head.items())
    baseline(suite).write_text(f'{{\n{told}"scores": [\n["h00", "strict", 1]\n]\n}}\n')
    result = suite.run("suites", *options, *workers)
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not suite.stored()
    assert result.ret == 4


def test_a_broken_baseline_is_told_with_its_line(suite: Project) -> None:
    path = baseline(saved(suite))
    path.write_text(path.read_text().replace('["h07", "direction", 1]', '["h07", "direction", "1"]'))
    result = suite.run("suites", "--backend=good", "--baseline=main")
    result.stderr.fnmatch_lines(["ERROR: 1 problem in *", "*golden/baselines/moods/main.json:39: got *'h07'*"])
    assert result.ret == 4


def test_a_task_without_the_baseline_that_another_has_is_wrong_use(suite: Project) -> None:
    path = baseline(suite)
    other = path.parents[1] / "other" / "main.json"
    suite.copy_task("other")
    saved(suite)
    other.parent.mkdir()
    other.write_text(path.read_text().replace('"moods"', '"other"'))
    path.unlink()
    result = suite.run("suites", "--backend=good", "--baseline=main")
    result.stdout.fnmatch_lines(["*test_json: unknown baseline of moods 'main'. Known: none. Save one with *"])
    assert result.ret == 4
