"""What a user sees when they run pytest on golden suites: outcomes, verdicts, exit codes, and what was asked."""

from __future__ import annotations

import json
import os
import signal
import sys
from xml.etree import ElementTree

import pytest
from mini_project import ALL, PLUGINS, PYPROJECT, SHIPS, SUITE, Project, answer, wait_until

# -- how one example ends ---------------------------------------------------------------------------


def test_a_missed_example_is_shown_and_counted_and_not_red(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "-v")
    result.stdout.fnmatch_lines(
        ["*::test_direction?good-h03? MISS (direction: sign is -*", "*= 26 passed, 1 missed in *"]
    )
    assert result.ret == 0


def test_a_wrong_must_pass_example_fails_and_shows_headline_answer_expected_and_got(suite: Project) -> None:
    result = suite.run("suites", "--backend=failing")
    result.stdout.fnmatch_lines(
        [
            "E *direction: sign is -, expected + (got -1, expected 1, score 0)*",
            "golden/moods/reference.jsonl:1, answered by failing",
            " *headline: 'Rates are cut'",
            " *expected: {'direction': 1, 'kind': 'report'}",
            """ *answer: '{"direction": -1, "kind": "report"}'""",
            "moods * failing: BLOCK. *",
            "- 1 must-pass example is wrong (ref-cut).*",
            "*= 1 failed, 25 passed, 1 missed in *",
        ]
    )
    assert result.ret == 1


def test_a_must_pass_example_fails_where_one_of_its_samples_is_wrong_and_has_one_test(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "[scores.direction]", "[decoding]\ntemperature = 0.7\n[scores.direction]")
    first = (suite.root / "answers/good.jsonl").read_text()
    entries = [{**json.loads(line), "sample": number} for number in (0, 1) for line in first.splitlines()]
    entries += [{**entry, "sample": 2, **({"text": answer(-1)} if entry["id"] == "ref-cut" else {})}
                for entry in entries if entry["sample"] == 0]  # fmt: skip
    suite.lines("answers/good.jsonl", entries)
    result = suite.run("suites", "--backend=good", "--samples=3")
    result.stdout.fnmatch_lines_random(
        [
            "E *direction: right in 2 of 3 samples; sign is -, expected + (got -1, expected 1, score 0.666667)*",
            "- good: asked with 3 samples of each example, averaged inside it",
            "moods * good: BLOCK. *",
            "- 1 must-pass example is wrong (ref-cut).*",
            "*= 1 failed, 25 passed, 1 missed in *",
        ]
    )
    assert result.ret == 1


def test_an_example_that_is_known_to_fail_is_a_miss_and_its_reason_is_reported(suite: Project) -> None:
    suite.examples("reference", {"ref-cut": ("Rates are cut", 1)}, known_fail="the base never learned it")
    result = suite.run("suites", "--backend=failing", "-v")
    result.stdout.fnmatch_lines(
        [
            "*test_direction?failing-ref-cut? MISS (known to fail: the base never learned it)*",
            "- failing: known to fail: ref-cut: the base never learned it",
        ]
    )
    assert result.ret == 0


def test_strict_examples_makes_every_miss_a_failure(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--strict-examples")
    result.assert_outcomes(passed=26, failed=1)
    assert result.ret == 1


def test_any_other_exception_in_a_test_is_a_failure(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + "\ndef test_key(answer):\n    answer.value['colour']\n")
    result = suite.run("suites", "--backend=good", "-k", "test_key and h01")
    result.stdout.fnmatch_lines(["E * KeyError: 'colour'", "* answered by good", "*1 failed, *"])
    assert result.ret == 1


def test_a_missing_completion_is_an_error_that_blocks_and_is_told_without_a_traceback(suite: Project) -> None:
    result = suite.run("suites", "--backend=gappy")
    result.stdout.fnmatch_lines_random(
        [
            "*ERROR at setup of test_json?gappy-h07?*",
            "gappy did not answer h07: * has no answer for h07, sample 0",
            "- gappy: 1 unanswered, never scored as wrong. h07: *",
            "moods * gappy: BLOCK. *",
            "- 1 example stayed unanswered (h07).",
            "*= 25 passed, 2 errors in *",
        ]
    )
    result.stdout.no_fnmatch_line("*plugin.py:*")
    assert result.ret == 1


# -- choosing tests ---------------------------------------------------------------------------------


def test_stopping_at_the_first_failure_passes_over_misses(suite: Project) -> None:
    result = suite.run("suites", "--backend=failing", "-x")
    result.stdout.fnmatch_lines(["*failing: BLOCK. *", "- 1 must-pass*", "*= 1 failed, 25 passed, 1 missed in *"])


def test_last_failed_reruns_failures_and_errors_and_no_misses(suite: Project) -> None:
    backends = ("--backend=failing", "--backend=gappy")
    suite.run("suites", *backends).assert_outcomes(passed=50, failed=1, errors=2)
    result = suite.run("suites", *backends, "--lf")
    result.stdout.fnmatch_lines(["*failing: no verdict: 0 of 12 selected", "*= 1 failed, 2 errors in *"])


def test_last_missed_reruns_the_misses_and_a_narrower_run_forgets_none(suite: Project) -> None:
    suite.run("suites", "--backend=good")
    suite.run("suites", "--backend=good", "-k", "h01")
    result = suite.run("suites", "--backend=good", "--last-missed")
    result.stdout.fnmatch_lines(["moods * good: no verdict: 1 of 12 selected", "*= 26 deselected, 1 missed in *"])


def test_of_one_selected_example_only_that_is_asked_and_there_is_no_verdict(suite: Project) -> None:
    result = suite.run("suites", "--backend=clerk", "--against=good", "-k", "h05")
    result.stdout.fnmatch_lines(["moods * clerk: no verdict: 1 of 12 selected", "*= 2 passed, 25 deselected in *"])
    assert suite.asked() == {"h05": 1}
    assert suite.stored() == ["h05"]
    assert result.ret == 0
    assert not (suite.root / "reports").exists()


def test_collect_only_lists_readable_ids_and_asks_nothing(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    result = suite.run("suites", "--backend=clerk", "--backend=good", "--against=bad", "--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "suites/test_moods.py::test_json[[]clerk-h00[]]",
            "suites/test_moods.py::test_direction[[]good-ref-cut[]]",
            "suites/test_moods.py::test_ships[[]good[]]",
            "suites/test_moods.py::test_holds[[]good-against-bad-direction[]]",
        ]
    )
    assert not suite.asked()
    assert not (suite.root / ".evalkit").exists()
    assert result.ret == 0


def test_the_golden_mark_selects_as_any_mark(suite: Project) -> None:
    suite.write("suites/test_plain.py", "def test_plain():\n    pass\n")
    result = suite.run("suites", "--backend=clerk", "-m", "not golden")
    result.assert_outcomes(passed=1, deselected=27)
    assert not suite.asked()


def test_a_comparison_that_is_selected_alone_asks_both_its_models_whole(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    result = suite.run("suites", "--backend=good", "--backend=bad", "-k", "test_holds and good-against-bad")
    result.stdout.fnmatch_lines(["moods * good: SHIP.*", "*= 1 passed, * deselected in *"])
    assert suite.stored() == sorted([*ALL, *ALL])


# -- the verdict ------------------------------------------------------------------------------------


def test_a_bad_model_ends_red_without_any_test_that_asks_for_its_verdict(suite: Project) -> None:
    result = suite.run("suites", "--backend=bad")
    result.stdout.fnmatch_lines(["moods * bad: BLOCK. *", "- direction is 8.3 %, the task asks for 60.0 %.*"])
    assert result.parseoutcomes() == {"passed": 15, "missed": 12}
    assert result.ret == 1


def test_a_good_model_that_beats_its_rival_ships(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    result = suite.run("suites", "--backend=good", "--against=bad", "-v")
    result.stdout.fnmatch_lines(
        [
            "*::test_ships?good? PASSED*",
            "*::test_holds?good-against-bad-direction? PASSED*",
            "moods * good: SHIP. *good beats bad on direction: *",
        ]
    )
    assert result.parseoutcomes() == {"passed": 28, "missed": 1}
    assert result.ret == 0


def test_the_test_of_a_verdict_fails_with_its_reasons(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    result = suite.run("suites", "--backend=bad", "-k", "test_ships")
    result.stdout.fnmatch_lines(["E *AssertionError: *BLOCK*direction is 8.3 %, the task asks for 60.0 %.*"])
    assert result.ret == 1


@pytest.mark.parametrize(
    ("tests", "line", "code"),
    [(SUITE, "", 1), (SUITE + SHIPS, "inconclusive_win = 6", 6)],
    ids=["1 by default", "as it is set, with a test of the verdict"],
)
def test_an_inconclusive_win_ends_with_the_exit_code_that_it_is_set_to(
    suite: Project, tests: str, line: str, code: int
) -> None:
    suite.write("suites/test_moods.py", tests)
    suite.replace("pyproject.toml", "[tool.evalkit]\n", f"[tool.evalkit]\n{line}\n")
    result = suite.run("suites", "--backend=twin", "--against=middling")
    result.stdout.fnmatch_lines(["moods * twin: INCONCLUSIVE. *", "- is not shown to beat middling on direction: *"])
    assert result.ret == code


def test_a_no_loss_that_is_left_open_is_shown_and_not_red_by_default(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    suite.replace(
        "golden/moods/task.toml",
        'kind = "win"\ncandidate = "twin"\nagainst = "middling"',
        'kind = "no_loss"\nmargin = 0.35\ncandidate = "middling"\nagainst = "good"',
    )
    result = suite.run("suites", "--backend=middling", "--against=good", "-v")
    result.stdout.fnmatch_lines_random(
        [
            "*::test_holds?middling-against-good-direction? INCONCLUSIVE*",
            "moods * middling: INCONCLUSIVE. middling may lose to good on direction by more than 35*",
        ]
    )
    assert result.ret == 0


def test_a_pair_that_nobody_declared_is_reported_and_never_red(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    result = suite.run("suites", "--backend=middling", "--against=good", "-k", "test_ships or test_holds")
    result.stdout.fnmatch_lines(["*middling?*good (undeclared)*", "*direction ?*91.7 (-16.7 *", "*2 passed*"])
    assert result.ret == 0


def test_the_dev_split_is_judged_in_place_of_test(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--split=dev", "-v")
    result.stdout.fnmatch_lines(["*test_direction?good-d11? PASSED*", "moods: 12 examples of dev*"])
    assert "h00" not in suite.stored()


def test_several_backends_are_judged_side_by_side(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--backend=twin")
    result.stdout.fnmatch_lines_random(
        [
            "good beside its rivals: *",
            "*direction ?*91.7 (+0.0 *, open)*",
            "moods * good: SHIP.*",
            "moods * twin: INCONCLUSIVE. *",
            "- is not shown to beat middling on direction: *",
            "*= 52 passed, 2 missed in *",
        ]
    )


def test_a_backend_that_dies_in_mid_run_stops_alone(suite: Project) -> None:
    result = suite.run("suites", "--backend=dying", "--backend=clerk", "-k", "test_direction")
    result.stdout.fnmatch_lines(
        [
            "dying did not answer h03: backend 'dying' died: out of paper",
            "moods * dying: BLOCK. *",
            "- * examples stayed unanswered (h03, h04, h05 and *",
            "moods * clerk: BLOCK. *",
            "- direction is 50.0 %, the task asks for 60.0 %, on the line *",
        ]
    )
    assert sorted(suite.asked("two")) == ["h00", "h01", "h02"]
    assert sorted(suite.asked("one")) == sorted(ALL)
    assert result.parseoutcomes()["errors"] == 10
    assert result.ret == 1


def test_a_rival_that_dies_is_red_even_where_an_inconclusive_win_is_not(suite: Project) -> None:
    suite.replace("pyproject.toml", "[tool.evalkit]\n", "[tool.evalkit]\ninconclusive_win = 0\n")
    result = suite.run("suites", "--backend=good", "--against=dying", "-k", "test_direction")
    result.stdout.fnmatch_lines_random(["- dying: * unanswered, never scored as wrong. h03: *", "moods * good: SHIP.*"])
    assert result.ret == 1


# -- what is written --------------------------------------------------------------------------------


def test_the_reports_say_the_same_as_the_terminal(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--backend=clerk")
    (task,) = suite.report()["tasks"]
    figures = {run["participant"]["name"]: run["rates"]["test"]["direction"] for run in task["model_runs"]}
    markdown = (suite.root / "reports" / "latest.md").read_text(encoding="utf-8")
    assert figures["good"]["value"] == pytest.approx(11 / 12)
    assert figures["clerk"]["value"] == pytest.approx(6 / 12)
    for figure in ("91.7 [64.6, 98.5]", "50.0 [25.4, 74.6]"):
        assert figure in result.stdout.str()
        assert figure in markdown
    assert task["verdicts"][0]["status"] == "SHIP"
    assert "**good: SHIP. strict 100.0 %" in markdown
    assert suite.report()["outcomes"] == {"passed": 47, "missed": 7}


def test_reports_that_cannot_be_written_take_no_verdict_away_and_are_red(suite: Project) -> None:
    suite.write("reports", "a file where the folder should be")
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["moods * good: SHIP.*", "the reports can't be written: *. The run is stored."])
    assert result.ret == 1


def test_junit_xml_says_skipped_for_a_miss(suite: Project) -> None:
    suite.run("suites", "--backend=good", "--backend=gappy", "--junitxml=junit.xml")
    (whole,) = ElementTree.parse(suite.root / "junit.xml").getroot().iter("testsuite")
    (missed,) = (case for case in whole.iter("testcase") if case.get("name") == "test_direction[good-h03]")
    (told,) = missed.iter("skipped")
    assert (whole.get("tests"), whole.get("failures"), whole.get("errors"), whole.get("skipped")) == (
        "54", "0", "2", "1",
    )  # fmt: skip
    assert "sign is -" in str(told.get("message"))


def test_a_run_repeated_asks_no_model(suite: Project) -> None:
    first = suite.run("suites", "--backend=clerk")
    again = suite.run("suites", "--backend=clerk")
    assert suite.asked() == dict.fromkeys(ALL, 1)
    assert again.parseoutcomes() == first.parseoutcomes() == {"passed": 21, "missed": 6}


# -- what goes wrong --------------------------------------------------------------------------------


def test_ctrl_c_keeps_what_was_answered_and_the_same_command_goes_on_there(suite: Project) -> None:
    process = suite.start("suites", "--backend=clerk", CLERK_WAITS_AFTER="5")
    wait_until(lambda: len(suite.stored()) >= 3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    kept = suite.stored()
    assert process.returncode == 2
    assert "no verdict: interrupted. What was answered is stored" in output
    assert "Traceback" not in output
    assert len(kept) < len(ALL)
    suite.run("suites", "--backend=clerk").stdout.fnmatch_lines(["moods * clerk: BLOCK.*"])
    assert suite.stored() == sorted(ALL)
    assert {suite.asked()[name] for name in kept} == {1}


def test_a_run_that_was_started_deaf_to_ctrl_c_stays_deaf(suite: Project) -> None:
    """As a shell starts a job in the background: what it was told to ignore is not the plugin's to hear."""
    suite.write("suites/test_moods.py", SUITE + "\n\ndef test_deaf(answer):\n    import signal\n"
                "    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN\n")  # fmt: skip
    deaf = ("sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "pytest", *PLUGINS)
    result = suite.pytester.run(*deaf, "suites", "--backend=good", "-k", "test_deaf and h01", "--strict-examples")
    assert result.parseoutcomes()["passed"] == 1


def test_a_killed_run_loses_nothing_and_asks_nothing_twice(suite: Project) -> None:
    process = suite.start("suites", "--backend=clerk", CLERK_WAITS_AFTER="5")
    wait_until(lambda: len(suite.stored()) >= 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    kept = suite.stored()
    assert 3 <= len(kept) < len(ALL)
    suite.run("suites", "--backend=clerk").stdout.fnmatch_lines(["moods * clerk: BLOCK.*"])
    assert suite.stored() == sorted(ALL)
    assert {suite.asked()[name] for name in kept} == {1}
    # What it was busy with when it died has no answer anywhere, so only that is asked again.
    assert suite.asked().total() <= len(ALL) + 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".evalkit", "a file where the folder should be", "*.evalkit: can't be made: *"),
        (
            ".evalkit/store.sqlite",
            "this is no database " * 100,
            "*store.sqlite: file is not a database.* move it away*",
        ),
    ],
)
def test_a_store_that_can_not_be_used_is_one_message_before_a_test(
    suite: Project, name: str, text: str, said: str
) -> None:
    suite.write(name, text)
    result = suite.run("suites", "--backend=good", "-k", "h01")
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert not suite.asked()
    assert result.ret == 4


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_full_disk_gives_errors_and_keeps_what_was_stored(suite: Project) -> None:
    # A limit of the file size is what a full disk is to SQLite: a write that fails.
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))\n"
    suite.write("conftest.py", limit)
    result = suite.run_apart("suites", "--backend=clerk")
    result.stdout.fnmatch_lines(["no verdict: *store.sqlite: *if the disk is full make room*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert result.ret == 1
    kept = suite.stored()
    (suite.root / "conftest.py").unlink()
    suite.run("suites", "--backend=clerk").stdout.fnmatch_lines(["moods * clerk: BLOCK.*"])
    assert 0 < len(kept) < len(ALL)
    assert {suite.asked()[name] for name in kept} == {1}


# -- in everybody else's sessions -------------------------------------------------------------------


def test_a_session_that_uses_nothing_of_it_sees_nothing_of_it(suite: Project) -> None:
    heavy = (
        "numpy",
        "scipy",
        "jinja2",
        "jsonschema",
        "rich",
        "filelock",
        "evalkit.session.session",
        "evalkit.golden.model",
    )
    suite.write(
        "tests/test_own.py",
        f"import sys\nimport pytest\n\n\ndef test_light():\n    assert not set({heavy!r}) & sys.modules.keys()\n\n\n"
        "def test_wrong():\n    assert 1 == 2\n\n\n"
        "@pytest.fixture\ndef answer():\n    return 42\n\n\n"
        "def test_fixture_of_the_same_name(answer):\n    assert answer == 42\n",
    )
    result = suite.run_apart("tests")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.no_fnmatch_line("*evalkit:*")
    result.stdout.no_fnmatch_line("*= evalkit =*")
    assert not (suite.root / ".evalkit").exists()


def test_answers_are_given_whole_to_a_test(suite: Project) -> None:
    suite.answers("good", {name: f"Here: {answer(1)}" for name in ALL})
    suite.write(
        "suites/test_moods.py",
        SUITE + "\n\ndef test_parts(answer):\n"
        "    assert answer.text.startswith('Here: {')\n"
        "    assert answer.value == {'direction': 1, 'kind': 'report'}\n"
        "    assert answer.defects == ('prose_before',)\n"
        "    assert answer.extractable and not answer.strict\n"
        "    assert answer.example.input == {'headline': 'Headline h01'}\n",
    )
    suite.run("suites", "--backend=good", "-k", "test_parts and h01").assert_outcomes(passed=1, deselected=39)


def test_suites_in_folders_with_conftests_of_their_own_are_run(suite: Project) -> None:
    for folder in ("one", "two"):
        suite.write(f"suites/{folder}/conftest.py", "")
        suite.write(f"suites/{folder}/test_{folder}.py", SUITE)
    result = suite.run("suites/one", "suites/two", "--backend=good")
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    result.stdout.fnmatch_lines(["moods * good: SHIP.*", "*= 52 passed, 2 missed in *"])


def test_an_adapter_that_changes_no_answer_is_told_before_anything_is_scored(suite: Project) -> None:
    suite.write("pyproject.toml", PYPROJECT + 'unchanged = { spec = "clerk:one+adapter", parent = "clerk" }\n')
    result = suite.run("suites", "--backend=unchanged", "--against=clerk")
    told = "unchanged: its adapter changes nothing: all 12 answers are the very text of clerk. Was it trained, *"
    result.stdout.fnmatch_lines([f"WARNING: {told}", "suites*test_moods.py *", f"- {told}"])


def test_an_adapter_that_changes_one_answer_is_not_unchanged(suite: Project) -> None:
    suite.write("pyproject.toml", PYPROJECT.replace(
        'twin = "replay:answers/twin.jsonl"', 'twin = { spec = "replay:answers/twin+1.jsonl", parent = "good" }'
    ))  # fmt: skip
    (suite.root / "answers" / "twin.jsonl").rename(suite.root / "answers" / "twin+1.jsonl")
    suite.run("suites", "--backend=twin", "--against=good").stdout.no_fnmatch_line("*its adapter changes nothing*")


def test_misses_are_listed_where_they_are_asked_for(suite: Project) -> None:
    told = suite.run("suites", "--backend=good", "-rm").outlines
    assert [line for line in told if line.startswith("MISS ")] == [
        "MISS suites/test_moods.py::test_direction[good-h03] - direction: sign is -, expected + (got -1, expected 1, "
        "score 0)"
    ]
    suite.run("suites", "--backend=good").stdout.no_fnmatch_line("MISS *")
