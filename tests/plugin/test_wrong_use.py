"""Wrong use ends before a model is asked: a clear message, exit code 4, no traceback, alone and under xdist."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from mini_project import SUITE, Project

from evalkit.golden import freeze as frozen
from evalkit.golden.model import SPLITS

Mistake = Callable[[Project], None]


def nothing(suite: Project) -> None:
    """The project is in order; the mistake is on the command line."""


def broken_line(suite: Project) -> None:
    path = suite.golden / "test.jsonl"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace('"report"', '"gossip"')
    lines[4] = lines[4][:-1]
    path.write_text("\n".join(lines) + "\n")


def edited_split(suite: Project) -> None:
    path = suite.golden / "test.jsonl"
    frozen.freeze(suite.golden, dict.fromkeys(SPLITS, ()))
    path.write_text(path.read_text().replace("Headline h04", "Headline four"))


def undefined_variable(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", "{{ headline }}", "{{ headlien }}")


def no_examples(suite: Project) -> None:
    suite.write("golden/moods/test.jsonl", "")


def no_task(suite: Project) -> None:
    (suite.golden / "task.toml").unlink()


def unknown_key(suite: Project) -> None:
    suite.replace("pyproject.toml", "[tool.evalkit]\n", '[tool.evalkit]\nbackned = "good"\n')


def table_is_no_table(suite: Project) -> None:
    suite.write("pyproject.toml", "[tool.evalkit]\nbackends = 3\n")


def missing_adapter(suite: Project) -> None:
    suite.write("model.gguf", "GGUF")
    suite.replace("pyproject.toml", 'twin = "replay', 'tuned = "gguf:model.gguf+adapters/{task}"\ntwin = "replay')


def no_shots(suite: Project) -> None:
    (suite.golden / "reference.jsonl").unlink()
    shots = 'shots = { spec = "replay:answers/good.jsonl", few_shot = true }'
    suite.replace("pyproject.toml", "twin = ", f"{shots}\ntwin = ")


MISTAKES: dict[str, tuple[Mistake, list[str], list[str]]] = {
    "unknown backend": (nothing, ["--backend=goood"], ["unknown backend 'goood'. Did you mean 'good'?*"]),
    "unknown rival": (nothing, ["--backend=good", "--against=bat"], ["unknown backend 'bat'. Did you mean 'bad'?*"]),
    "no backend": (nothing, [], ["no backend: give --backend=ALIAS, or backend = *"]),
    "no task at all": (no_task, ["--backend=good"], ["*golden: no golden task there*"]),
    "unknown key in pyproject.toml": (
        unknown_key,
        ["--backend=good"],
        ["*pyproject.toml: [[]tool.evalkit[]] unknown key 'backned'. Did you mean*"],
    ),
    "backends that are no table": (
        table_is_no_table,
        [],
        ["*pyproject.toml: [[]tool.evalkit.backends[]] is 3, expected a table"],
    ),
    "samples of greedy answers": (
        nothing,
        ["--backend=good", "--samples=3"],
        ["--samples=3: every task is greedy, *; set temperature in [[]decoding[]] of task.toml*"],
    ),
    "a number of samples that is none": (nothing, ["--backend=good", "--samples=0"], ["--samples=0: expected 1 or *"]),
    "last-missed without a cache": (
        nothing,
        ["--backend=good", "--last-missed", "-p", "no:cacheprovider"],
        ["--last-missed needs pytest's cache*"],
    ),
}
"""Seen before anything is collected, whatever is selected."""

TASK_MISTAKES: dict[str, tuple[Mistake, list[str], list[str]]] = {
    "missing file": (nothing, ["--backend=replay:gone.jsonl"], ["replay:gone.jsonl: no file *gone.jsonl*"]),
    "missing adapter": (missing_adapter, ["--backend=tuned"], ["*adapters/moods*"]),
    "broken golden lines": (
        broken_line,
        ["--backend=good"],
        ["2 problems in the golden data:", "*golden/moods/test.jsonl:3: *'gossip'*", "*test.jsonl:5: not valid JSON*"],
    ),
    "edited frozen split": (
        edited_split,
        ["--backend=good"],
        ["*golden/moods: not what was frozen:", "*test.jsonl * changed: h04", "*`evalkit freeze moods`*"],
    ),
    "undefined variable": (
        undefined_variable,
        ["--backend=good"],
        ["1 problem in *", "*task.toml: *'headlien' is undefined*"],
    ),
    "task without examples": (no_examples, ["--backend=good"], ["1 problem in *", "*/test.jsonl: no examples*"]),
    "a split that is not there": (
        lambda suite: (suite.golden / "dev.jsonl").unlink(),
        ["--backend=good", "--split=dev"],
        ["*golden/moods: no dev.jsonl to judge on (--split=dev)"],
    ),
    "a backend that can't constrain": (
        lambda suite: suite.replace("pyproject.toml", '"clerk:one"', '{ spec = "clerk:one", constrained = true }'),
        ["--backend=clerk"],
        ["*backends.clerk[]]: constrained = true, and clerk can't hold an answer to a schema; use gguf for*"],
    ),
    "retries of recorded answers": (
        lambda suite: suite.replace(
            "pyproject.toml", '"clerk:one"', '{ spec = "replay:answers/good.jsonl", retries = 1 }'
        ),
        ["--backend=clerk"],
        ["*backends.clerk[]]: retries = 1, and replay has one answer to each example, however it is asked: take*"],
    ),
    "few_shot without reference examples": (
        no_shots,
        ["--backend=shots"],
        ["*backends.shots[]]: few_shot = true shows the examples of *reference.jsonl, and there are none"],
    ),
}
"""Seen when the first test of the task is collected: a task that no test is about is not read."""


@pytest.mark.parametrize(("make", "options", "said"), MISTAKES.values(), ids=list(MISTAKES))
def test_wrong_use_is_told_before_anything_is_run(
    suite: Project, make: Mistake, options: list[str], said: list[str]
) -> None:
    told_as_wrong_use(suite, make, options, said)


def test_wrong_use_is_told_in_the_same_way_under_xdist(suite: Project) -> None:
    make, options, said = MISTAKES["unknown backend"]
    told_as_wrong_use(suite, make, [*options, "-n", "2"], said)


@pytest.mark.parametrize(("make", "options", "said"), TASK_MISTAKES.values(), ids=list(TASK_MISTAKES))
def test_wrong_use_of_a_task_is_told_at_its_test(
    suite: Project, make: Mistake, options: list[str], said: list[str]
) -> None:
    told_at_the_test(suite, make, options, said)


@pytest.mark.parametrize(
    "name",
    ["missing adapter", "broken golden lines", "edited frozen split", "undefined variable", "task without examples"],
)
def test_wrong_use_of_a_task_is_told_in_the_same_way_under_xdist(suite: Project, name: str) -> None:
    make, options, said = TASK_MISTAKES[name]
    told_at_the_test(suite, make, [*options, "-n", "2"], said)


def told_as_wrong_use(suite: Project, make: Mistake, options: list[str], said: list[str]) -> None:
    make(suite)
    result = suite.run("suites", *options)
    result.stderr.fnmatch_lines([f"ERROR: {said[0]}", *said[1:]])
    nothing_was_run(suite, result)


def told_at_the_test(suite: Project, make: Mistake, options: list[str], said: list[str]) -> None:
    make(suite)
    result = suite.run("suites", *options)
    result.stdout.fnmatch_lines([f"suites/test_moods.py::test_json: {said[0]}", *said[1:]])
    assert result.parseoutcomes() == {"errors": 1}
    nothing_was_run(suite, result)


def nothing_was_run(suite: Project, result: pytest.RunResult) -> None:
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    assert not suite.stored()
    assert result.ret == 4


# -- what can be seen only when tests are collected ---------------------------------------------------


MARKS = {
    "unknown task": ('golden("mods")', "unknown task 'mods'. Did you mean 'moods'?*"),
    "no task": ("golden()", 'got golden(), expected golden("task") or golden("task", split="malformed")'),
    "unknown keyword": ('golden("moods", splits="test")', "got golden('moods', splits='test'), expected *"),
    "unknown split": ('golden("moods", split="tset")', "unknown split 'tset'. Did you mean 'test'?*"),
    "a split that is never scored": ('golden("moods", split=["test", "train"])', "unknown split 'train'.*"),
    "a split of another run": ('golden("moods", split="dev")', "the split 'dev' is asked with --split=dev only"),
    "a split that is no name": ('golden("moods", split=3)', "split is 3, expected a name or a list of names"),
}


def test_marks_that_cannot_be_used_are_told_each_at_its_test(suite: Project) -> None:
    for number, (mark, _) in enumerate(MARKS.values()):
        text = f"import pytest\n\n\n@pytest.mark.{mark}\ndef test_wrong(answer):\n    pass\n"
        suite.write(f"suites/test_wrong_{number}.py", text)
    result = suite.run("suites", "--backend=clerk")
    result.stdout.fnmatch_lines(
        [f"suites/test_wrong_{number}.py::test_wrong: {said}" for number, (_, said) in enumerate(MARKS.values())]
    )
    result.stdout.no_fnmatch_line("*plugin.py*")
    assert not suite.asked()
    assert result.ret == 4


def test_a_mark_that_cannot_be_used_is_told_once_under_xdist_too(suite: Project) -> None:
    suite.write(
        "suites/test_wrong.py", "import pytest\n\n\n@pytest.mark.golden('mods')\ndef test_wrong(answer):\n    pass\n"
    )
    result = suite.run("suites", "--backend=clerk", "-n", "2")
    result.stdout.fnmatch_lines(["suites/test_wrong.py::test_wrong: unknown task 'mods'. Did you mean 'moods'?*"])
    assert result.parseoutcomes() == {"errors": 1}
    assert not suite.asked()
    assert result.ret == 4


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_model_that_only_one_of_two_tasks_has_is_asked_of_that_one_alone(
    suite: Project, options: tuple[str, ...]
) -> None:
    suite.copy_task("other")
    suite.write("suites/test_other.py", SUITE.replace("moods", "other"))
    suite.write("answers/moods-only.jsonl", (suite.root / "answers/good.jsonl").read_text())
    model = "--backend=replay:answers/{task}-only.jsonl"
    result = suite.run("suites", model, *options)
    result.stdout.fnmatch_lines(["suites/test_other.py::test_json: *no file *answers/other-only.jsonl*"])
    assert not suite.stored()
    assert result.ret == 4
    assert suite.run("suites/test_moods.py", model, *options).ret == 0


def test_a_golden_test_outside_the_suites_needs_a_backend_too(suite: Project) -> None:
    suite.write("tests/test_own.py", SUITE)
    result = suite.run("tests")
    result.stdout.fnmatch_lines(["tests/test_own.py::test_json: no backend: give --backend=ALIAS, *"])
    assert result.ret == 4


def test_a_task_without_an_example_in_the_marked_splits_is_told(suite: Project) -> None:
    (suite.golden / "malformed.jsonl").unlink()
    suite.write("suites/test_moods.py", SUITE.replace('["test", "reference", "malformed"]', '"malformed"'))
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["suites/test_moods.py::test_json: *golden/moods: no examples in malformed.jsonl"])
    assert result.ret == 4


def test_a_test_that_takes_two_of_the_fixtures_is_told(suite: Project) -> None:
    suite.write("suites/test_moods.py", SUITE + "\n\ndef test_both(answer, verdict):\n    pass\n")
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["*::test_both: takes answer and verdict; a golden test is about one of them"])
    assert result.ret == 4


def test_a_fixture_without_the_mark_says_that_it_needs_it(suite: Project) -> None:
    suite.write("suites/test_own.py", "def test_own(answer):\n    pass\n")
    result = suite.run("suites/test_own.py", "--backend=good")
    result.stdout.fnmatch_lines(["*::test_own: the fixture 'answer' needs @pytest.mark.golden(\"task\")"])
    result.stdout.no_fnmatch_line("*plugin.py*")
    assert result.ret == 1


def test_a_hypothesis_about_nobody_is_wrong_use(suite: Project) -> None:
    suite.replace("golden/moods/task.toml", 'against = "middling"', 'against = "midling"')
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["*::test_json: *task.toml *unknown backend 'midling'. Did you mean 'middling'?*"])
    assert result.ret == 4


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_samples_of_tasks_that_are_all_greedy_are_wrong_use_with_workers_too(
    suite: Project, options: tuple[str, ...]
) -> None:
    result = suite.run("suites", "--backend=clerk", "--samples=3", *options)
    assert "--samples=3: every task is greedy" in result.stdout.str() + result.stderr.str()
    assert not suite.asked()
    assert result.ret == 4


# -- only what is used --------------------------------------------------------------------------------


def a_task_whose_scorer_is_not_installed(suite: Project) -> None:
    suite.copy_task("other")
    suite.replace(
        "golden/other/task.toml", '[scores.kind]\nscorer = "exact"', '[scores.kind]\nscorer = "text"\nboth_empty = 1'
    )
    suite.write("outside/rouge_score/__init__.py", "raise ImportError('rouge_score is not installed here')\n")


def test_a_suite_about_one_task_runs_where_another_tasks_scorer_is_not_installed(suite: Project) -> None:
    a_task_whose_scorer_is_not_installed(suite)
    result = suite.run_apart("suites", "--backend=good")
    assert result.ret == 0
    assert [task["task"] for task in suite.report()["tasks"]] == ["moods"]


def test_a_scorer_that_is_not_installed_is_told_at_the_test_of_its_task(suite: Project) -> None:
    a_task_whose_scorer_is_not_installed(suite)
    suite.write("suites/test_other.py", SUITE.replace("moods", "other"))
    result = suite.run_apart("suites", "--backend=good")
    result.stdout.fnmatch_lines(
        ["suites/test_other.py::test_json: *", "*scorer 'text' needs rouge-score *pytest-evalkit[[]text[]]'*"]
    )
    assert not suite.stored()
    assert result.ret == 4


def test_a_broken_task_that_no_selected_test_is_about_stops_nobody(suite: Project) -> None:
    suite.copy_task("other")
    suite.write("golden/other/task.toml", "no TOML")
    assert suite.run("suites", "--backend=good").ret == 0


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_where_no_test_is_about_a_task_all_of_golden_is_checked(suite: Project, options: tuple[str, ...]) -> None:
    suite.write("suites/test_moods.py", "def test_nothing_golden():\n    pass\n")
    broken_line(suite)
    result = suite.run("suites", "--backend=good", *options)
    said = result.stdout.str() + result.stderr.str()
    assert "2 problems in the golden data:" in said
    assert "golden/moods/test.jsonl:5: not valid JSON" in said
    assert result.ret == 4


def test_a_broken_table_breaks_no_help(suite: Project) -> None:
    suite.write("pyproject.toml", "[tool.evalkit]\nbackends = 3\n")
    result = suite.run("--help")
    result.stdout.fnmatch_lines(["*--backend=ALIAS*"])
    assert result.ret == 0


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_store_that_can_not_be_opened_ends_the_run_before_a_test(suite: Project, options: tuple[str, ...]) -> None:
    suite.write(".evalkit/store.sqlite", "no database")
    result = suite.run("suites", "--backend=good", *options)
    said = result.stdout.str() + result.stderr.str()
    assert "store.sqlite: file is not a database" in said
    assert "Traceback" not in said
    assert not suite.asked()
    assert result.ret == 4
