"""The standard suite: every test that a golden task should have, in two lines, and open to change."""

from __future__ import annotations

import pytest
from mini_project import SCHEMA, Project

STANDARD = """
from evalkit.testing import standard_suite

globals().update(standard_suite("moods"{more}))
"""


@pytest.fixture
def suite(suite: Project) -> Project:
    write(suite)
    return suite


def write(suite: Project, more: str = "", after: str = "") -> None:
    suite.write("suites/test_moods.py", STANDARD.format(more=more) + after)


def count_tests(suite: Project, *args: str) -> dict[str, int]:
    """How many tests there are of each name, for the model ``good``."""
    result = suite.run("suites", "--backend=good", "--collect-only", "-q", *args)
    names = [line.partition("::")[2].partition("[")[0] for line in result.outlines if "::" in line]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def test_every_score_has_a_test_and_so_have_json_bad_inputs_verdict_comparisons_and_data(suite: Project) -> None:
    # The error is expected of no example of the judged split, and no model here is a merge: no test is made of those.
    assert count_tests(suite, "--against=bad") == {
        "test_json": 14, "test_direction": 13, "test_kind": 12, "test_malformed": 1, "test_ships": 1, "test_holds": 1,
        "test_sound": 3,
    }  # fmt: skip


def test_the_tests_end_as_those_that_are_written_by_hand_do(suite: Project) -> None:
    result = suite.run("suites", "--backend=failing", "--against=bad", "-v")
    result.stdout.fnmatch_lines_random(
        [
            "suites/test_moods.py::test_direction?failing-h03? MISS (direction: sign is -, expected +*",
            "suites/test_moods.py::test_direction?failing-ref-cut? FAILED*",
            "suites/test_moods.py::test_malformed?failing-bad-empty? PASSED*",
            "E *direction: sign is -, expected + (got -1, expected 1, score 0)*",
            "E *AssertionError: *BLOCK*",
        ]
    )
    assert result.ret == 1


def test_a_suite_is_shown_where_it_stands(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "-v")
    result.stdout.no_fnmatch_line("* <- *")


def test_tests_are_left_out_by_name(suite: Project) -> None:
    write(suite, ', without=["test_kind", "test_ships"]')
    names = {"test_json", "test_direction", "test_malformed", "test_holds", "test_sound"}
    assert count_tests(suite).keys() == names


def test_what_is_left_out_must_be_there(suite: Project) -> None:
    write(suite, ', without=["test_knid"]')
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(
        ["E *ValueError: the standard suite of moods has no 'test_knid'. Did you mean 'test_kind'? It has: test_*"]
    )
    assert result.ret != 0


def test_tests_are_added_and_replaced_by_writing_them(suite: Project) -> None:
    write(
        suite,
        after="\n\ndef test_own(answer):\n    assert answer.text\n\n\ndef test_kind(verdict):\n    assert verdict\n",
    )
    counts = count_tests(suite)
    assert (counts["test_own"], counts["test_kind"]) == (13, 1)
    result = suite.run("suites", "--backend=good", "-k", "test_own or test_kind")
    assert result.parseoutcomes()["passed"] == 14


def test_an_example_that_lacks_the_primary_score_is_judged_by_what_it_has(suite: Project) -> None:
    suite.lines(
        "golden/moods/reference.jsonl",
        [{"id": "ref-cut", "input": {"headline": "?"}, "expected": {"error": "empty"}}],
    )
    result = suite.run("suites", "--backend=good", "-k", "test_direction and ref-cut")
    result.stdout.fnmatch_lines(["E *error: *"])
    assert result.parseoutcomes()["failed"] == 1


def test_without_malformed_inputs_there_is_no_test_of_them(suite: Project) -> None:
    (suite.golden / "malformed.jsonl").unlink()
    counts = count_tests(suite)
    assert counts["test_json"] == 13
    assert "test_malformed" not in counts


def test_a_score_that_is_called_as_a_standard_test_keeps_both(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "[scores.kind]", '[scores.json]\nfield = "kind"')
    assert {"test_json", "test_score_json"} <= count_tests(suite).keys()


def test_the_golden_folder_is_where_the_project_says(suite: Project) -> None:
    suite.replace("pyproject.toml", "[tool.evalkit]\n", '[tool.evalkit]\ngolden = "gold"\n')
    (suite.root / "golden").rename(suite.root / "gold")
    assert count_tests(suite)["test_kind"] == 12


def test_a_task_that_is_not_there_is_told_by_name(suite: Project) -> None:
    suite.write("suites/test_moods.py", STANDARD.format(more="").replace("moods", "mods"))
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["suites/test_moods.py::test_json: unknown task 'mods'. Did you mean 'moods'?*"])
    assert result.ret == 4


def test_a_contract_that_cannot_be_read_is_told_as_ever(suite: Project) -> None:
    suite.write("golden/moods/task.toml", "title = \n")
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["suites/test_moods.py::test_json: 1 problem in the golden data:*"])
    assert result.ret == 4


def test_relations_have_a_suite_of_their_own(suite: Project) -> None:
    suite.write(
        "suites/test_moods.py",
        'from evalkit.testing import relation_suite\n\nglobals().update(relation_suite("moods"))\n',
    )
    relation = '\n[relations.loud]\nrelation = "case"\ninput = "headline"\nto = "upper"\n'
    suite.write("golden/moods/task.toml", (suite.golden / "task.toml").read_text() + relation)
    assert count_tests(suite) == {"test_relation": 12}


# -- the mark ---------------------------------------------------------------------------------------------


def test_a_mark_with_a_score_is_about_the_examples_that_have_it(suite: Project) -> None:
    suite.write(
        "suites/test_moods.py",
        "import pytest\n\n\n@pytest.mark.golden('moods', split=['test', 'malformed'], score='error')\n"
        "def test_error(answer):\n    assert answer.scores['error']\n",
    )
    assert "error" in str(SCHEMA)
    suite.run("suites", "--backend=good").assert_outcomes(passed=1)


def test_a_score_that_the_task_does_not_have_is_wrong_use(suite: Project) -> None:
    suite.write(
        "suites/test_moods.py",
        "import pytest\n\n\n@pytest.mark.golden('moods', score='knid')\ndef test_kind(answer):\n    pass\n",
    )
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["*::test_kind: unknown score of moods 'knid'. Did you mean 'kind'?*"])
    assert result.ret == 4
