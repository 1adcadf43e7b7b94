"""Options: long names everywhere, short ones in a project of evalkit alone, and nobody's own option is taken."""

from __future__ import annotations

import pytest
from frozen_tasks import FrozenTasks
from mini_project import PYPROJECT, SHIPS, SUITE, TASK, Project

OWN = """
def pytest_addoption(parser):
    parser.addoption("{option}", default="nothing")
"""

TEST_OF_OWN = """
def test_own(request):
    assert request.config.getoption("{option}") == "mine"
"""


@pytest.fixture
def stranger(suite: Project) -> Project:
    """The same project without ``[tool.evalkit]``, and a test of its own."""
    suite.write("pyproject.toml", "")
    suite.write("tests/test_plain.py", "def test_plain():\n    pass\n")
    return suite


def own(suite: Project, option: str, folder: str = "tests") -> None:
    suite.write("conftest.py", OWN.format(option=option))
    suite.write(f"{folder}/test_own.py", TEST_OF_OWN.format(option=option))


def assert_silent(result: pytest.RunResult) -> None:
    """No word of evalkit, but for the folder of the test, which is named after the test."""
    assert not [line for line in result.outlines if "evalkit" in line and not line.startswith("rootdir:")]


@pytest.mark.parametrize(
    "option",
    ["--backend", "--against", "--split", "--samples", "--lineage", "--max-cost", "--latency", "--sequential",
     "--format", "--slice", "--slices", "--strict-examples", "--last-missed", "--baseline", "--strict-baseline",
     "--save-baseline"],
)  # fmt: skip
def test_a_project_without_evalkit_has_every_short_option_for_itself(stranger: Project, option: str) -> None:
    own(stranger, option)
    result = stranger.run("tests/test_own.py", f"{option}=mine")
    result.assert_outcomes(passed=1)
    assert_silent(result)


def test_a_project_without_evalkit_knows_no_short_option(stranger: Project) -> None:
    result = stranger.run("tests", "--backend=good")
    result.stderr.fnmatch_lines(["*unrecognized arguments: --backend=good"])
    assert result.ret == 4


def test_the_long_options_are_there_without_a_table_too(stranger: Project) -> None:
    stranger.write("golden/moods/task.toml", TASK.partition("[[hypotheses]]")[0])  # they name aliases
    result = stranger.run("suites", "--evalkit-backend=replay:answers/good.jsonl", "--evalkit-split=dev")
    result.stdout.fnmatch_lines_random(
        ["moods: 12 examples of dev*", "moods * replay:answers/good.jsonl: no verdict: dev *"]
    )
    assert result.ret == 0


def test_a_folder_called_suites_is_the_strangers_own(stranger: Project) -> None:
    stranger.write("suites/test_moods.py", "def test_plain():\n    pass\n")
    for folder in (stranger.golden, stranger.golden.parent):
        folder.rename(folder.with_name("moved"))
    result = stranger.run()
    result.assert_outcomes(passed=2)
    assert_silent(result)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_an_option_that_a_conftest_has_is_left_to_it_and_told(suite: Project, workers: tuple[str, ...]) -> None:
    own(suite, "--backend", "suites")
    result = suite.run("suites", "--backend=mine", "--evalkit-backend=good", "--against=bad", *workers)
    result.stdout.fnmatch_lines(
        [
            "evalkit: --backend is an option of this project's own conftest or of another plugin; write "
            "--evalkit-backend",
            "moods * good: SHIP. *",
            "- beats bad on direction: *",
        ]
    )
    assert result.parseoutcomes() == {"passed": 27, "missed": 1}
    assert result.ret == 0


def test_both_forms_are_one_option(suite: Project) -> None:
    result = suite.run("suites", "--backend=good", "--evalkit-backend=twin", "--split=dev", "--evalkit-split=test")
    result.stdout.fnmatch_lines_random(
        ["moods: 12 examples of test*", "moods * good: SHIP.*", "moods * twin: INCONCLUSIVE.*"]
    )
    result.stdout.no_fnmatch_line("evalkit: --*")


def test_a_value_may_stand_behind_its_option(suite: Project) -> None:
    result = suite.run("--backend", "good", "--against", "bad", "suites")
    result.stdout.fnmatch_lines(["moods * good: SHIP. *", "- beats bad on direction: *"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_pytest_ini_further_down_hides_no_project(suite: Project, workers: tuple[str, ...]) -> None:
    suite.write("suites/pytest.ini", "[pytest]\n")
    suite.write("suites/test_moods.py", SUITE + SHIPS)
    result = suite.run("suites", "--backend=good", "--against=bad", *workers)
    result.stdout.fnmatch_lines(["rootdir: */suites", "moods * good: SHIP. *", "- beats bad on direction: *"])
    assert suite.store.is_file()
    assert (suite.root / "reports" / "latest.json").is_file()
    assert result.ret == 0


def test_the_project_is_found_from_a_folder_below_it(suite: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write("suites/pytest.ini", "[pytest]\n")
    monkeypatch.chdir(suite.root / "suites")
    suite.run("--backend=good").stdout.fnmatch_lines(["moods * good: SHIP.*"])


def test_the_project_is_found_by_the_argument_that_leads_into_it(
    suite: Project, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    result = suite.run(f"{suite.root}/suites/test_moods.py::test_direction", "--backend=good")
    result.stdout.fnmatch_lines(["moods * good: SHIP.*"])


def test_the_project_is_found_by_the_folders_that_are_tested_by_default(suite: Project) -> None:
    (suite.root / "part").mkdir()
    for name in ("suites", "golden", "answers", "pyproject.toml"):
        (suite.root / name).rename(suite.root / "part" / name)
    suite.frozen = FrozenTasks(suite.root / "part" / "golden")
    suite.write("pytest.ini", "[pytest]\ntestpaths = part/suites\n")
    suite.run("--backend=good").stdout.fnmatch_lines(["moods * good: SHIP.*"])


def test_options_may_stand_in_addopts(suite: Project) -> None:
    suite.write("pyproject.toml", PYPROJECT.replace('"--strict-config"', '"--strict-config", "--backend=good"'))
    suite.run("suites").stdout.fnmatch_lines(["moods * good: SHIP.*"])


def test_the_help_has_both_forms_in_a_project_and_the_long_ones_elsewhere(suite: Project) -> None:
    suite.run("--help").stdout.fnmatch_lines(["*--evalkit-backend=ALIAS*", "*--backend=ALIAS*short for --evalkit-*"])
    suite.write("pyproject.toml", "")
    result = suite.run("--help")
    result.stdout.fnmatch_lines(["*--evalkit-backend=ALIAS*"])
    result.stdout.no_fnmatch_line("* --backend=ALIAS*")


@pytest.mark.parametrize("written", ["--save-baseline", "--evalkit-save-baseline"])
def test_a_baseline_that_took_a_folder_for_its_name_is_wrong_use_in_both_forms(suite: Project, written: str) -> None:
    result = suite.run("--backend=good", written, "suites")
    result.stderr.fnmatch_lines([f"ERROR: {written} took 'suites' for its name: write {written}=NAME, *"])
    assert result.ret == 4


WITHOUT_TABLE = [
    (["--evalkit-backend=oracle", "--evalkit-samples=0"], "ERROR: --evalkit-samples=0: expected 1 or more"),
    (
        ["--evalkit-backend=oracle", "--evalkit-strict-baseline"],
        "ERROR: --evalkit-strict-baseline needs --evalkit-baseline=NAME: *",
    ),
    (["--evalkit-baseline=main", "--evalkit-backend=oracle"], "ERROR: *Save one with --evalkit-save-baseline=*"),
    (["--evalkit-last-missed", "-p", "no:cacheprovider"], "ERROR: --evalkit-last-missed needs pytest's cache; *"),
    (["--evalkit-split=dev"], '*no backend: give --evalkit-backend=ALIAS, or backend = "ALIAS" *'),
]


@pytest.mark.parametrize(("arguments", "line"), WITHOUT_TABLE)
def test_without_a_table_a_remedy_is_told_with_an_option_that_is_there(
    stranger: Project, arguments: list[str], line: str
) -> None:
    stranger.write("golden/moods/task.toml", TASK.partition("[[hypotheses]]")[0])
    result = stranger.run("suites", *arguments)
    (result.stderr if line.startswith("ERROR: ") else result.stdout).fnmatch_lines([line])
    assert result.ret == 4


def test_an_option_that_is_taken_is_told_in_its_long_form_and_others_in_their_short_one(suite: Project) -> None:
    own(suite, "--baseline")
    result = suite.run("suites", "--backend=good", "--strict-baseline")
    result.stderr.fnmatch_lines(["ERROR: --strict-baseline needs --evalkit-baseline=NAME: *"])


NAMESAKES = """
import pytest

@pytest.fixture
def verdict():
    return "mine"

@pytest.mark.golden("a file")
def test_own_fixture(verdict):
    assert verdict == "mine"

@pytest.mark.golden
@pytest.mark.parametrize("answer, question", [(1, 2), (3, 4)])
def test_own_parameter(answer, question):
    assert answer + 1 == question

@pytest.mark.golden
@pytest.mark.parametrize("finding", [5])
def test_own_finding(finding):
    assert finding == 5
"""


def test_a_mark_a_fixture_and_parameters_of_the_same_names_are_the_strangers_own(stranger: Project) -> None:
    stranger.write("tests/test_own.py", NAMESAKES)
    result = stranger.run("tests")
    result.assert_outcomes(passed=5)
    assert_silent(result)


WRAPPED = """
import pytest

@pytest.fixture
def answer(answer):
    return answer.scores["direction"]
"""


def test_a_fixture_that_wraps_evalkits_own_of_the_same_name_gets_what_that_gives(suite: Project) -> None:
    suite.write("suites/conftest.py", WRAPPED)
    suite.write(
        "suites/test_moods.py", SUITE.partition("@pytest")[0] + "def test_wrapped(answer):\n    assert answer\n"
    )
    result = suite.run("suites", "--backend=twin")
    result.stdout.fnmatch_lines(["*12 passed, 1 missed*"])


def test_a_report_that_fails_is_told_in_one_line_and_no_run_is_green_without_it(suite: Project) -> None:
    suite.write("outside/loud.py", "def render(run, rows, page):\n    raise RuntimeError('boom')\n")
    suite.write("outside/clerk-1.0.dist-info/entry_points.txt", "[evalkit.reports]\nloud = loud\n")
    result = suite.run("suites", "--backend=twin", "--format=loud")
    result.stdout.fnmatch_lines(["written: */reports/latest.json", "report 'loud' failed: RuntimeError: boom"])
    assert result.ret == 1
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
