"""The command line looks at stored runs, compares them and scores them again, without asking a model."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from evalkit.cli.main import main
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.5}'


def evalkit(project: MiniProject, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *arguments], catch_exceptions=False)


def stored(project: MiniProject) -> MiniProject:
    """A project with a run, and without any model: what is asked of one from now on would fail."""
    session = project.asked(("tuned",), ("base",))
    finish(session, session.selection, "pytest suites", {})
    for path in (project.root / "answers").iterdir():
        path.unlink()
    return project


def test_show_prints_prompt_answer_defects_and_scores(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": f"Well: {BAD}"})
    result = evalkit(stored(project), "show", "latest", "t-01", "--backend", "tuned")
    assert result.exit_code == 0
    for told in (
        "== tuned (replay:answers/tuned.jsonl) on mood, golden/mood/test.jsonl:1",
        "[system] Say the mood as JSON.",
        '[user] Text: "This is t-01."',
        f"Well: {BAD}",
        '{"mood": "good", "strength": 0.9}',
        "-- defects: prose_before",
        "mood: another value (got 'bad', expected 'good', score 0)",
    ):
        assert told in result.output


def test_show_has_every_models_answer_but_no_floors(project: MiniProject) -> None:
    output = evalkit(stored(project), "show", "run-1", "t-01").output
    assert [line.split()[1] for line in output.splitlines() if line.startswith("== ")] == ["tuned", "base"]


def test_show_has_every_sample(project: MiniProject) -> None:
    project.contract("max_tokens = 40", "max_tokens = 40\ntemperature = 0.7")
    right = project.right()
    project.answers("tuned", right, right | {"t-01": BAD})
    session = project.asked(samples=2)
    finish(session, session.selection, "pytest suites --samples=2", {})
    output = evalkit(project, "show", "latest", "t-01", "--backend=tuned").output
    assert [line.rpartition(", ")[2] for line in output.splitlines() if line.startswith("== ")] == [
        "sample 0", "sample 1",
    ]  # fmt: skip
    assert (right["t-01"] in output, BAD in output) == (True, True)
    evalkit(project, "rescore", "run-1")
    first, again = (session.runs.run(name).tasks for name in ("run-1", "run-1-rescored"))
    assert again == first


def test_rescore_knows_that_a_rival_was_asked_in_its_own_way(project: MiniProject) -> None:
    shots = 'shots = { spec = "replay:answers/base.jsonl", few_shot = true }'
    project.change("pyproject.toml", "base = ", f"{shots}\nbase = ")
    session = project.asked(("tuned",), ("shots",))
    finish(session, session.selection, "pytest suites", {})
    result = evalkit(project, "rescore", "run-1")
    assert "shots: asked with few_shot (1 example" in result.output
    assert "has changed since" not in result.output


def test_show_has_a_floors_answer_where_it_is_asked_for(project: MiniProject) -> None:
    assert BAD in evalkit(stored(project), "show", "run-1", "t-01", "--backend", "majority").output


def test_show_spells_half_a_surrogate_pair(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": "a\ud83db"})
    stored(project)
    done = subprocess.run(
        [sys.executable, "-m", "evalkit.cli.main", "--root", str(project.root), "show", "latest", "t-01"],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert r"a\ud83db" in done.stdout


def test_rescore_after_a_changed_threshold_gives_another_verdict_without_a_model(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": "prose"})
    stored(project)
    same = evalkit(project, "rescore", "run-1")
    assert (same.exit_code, "tuned: SHIP, keep. mood 91.7 [64.6, 98.5]" in same.output) == (0, True)
    project.contract("strict = 0.8", "strict = 0.95")
    stricter = evalkit(project, "rescore", "run-1")
    assert stricter.exit_code == 1
    assert "tuned: BLOCK, iterate. " in stricter.output
    assert "- strict is 91.7 %, the task asks for 95.0 %, on the line" in " ".join(stricter.output.split())


def test_rescore_after_a_changed_scorer_gives_other_rates(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": '{"mood": "good", "strength": 0.5}'})
    stored(project)
    before = json.loads(evalkit(project, "report", "--format=json").output)
    project.contract("tolerance = 0.2", "tolerance = 0.5")
    evalkit(project, "rescore", "run-1")
    after = json.loads(evalkit(project, "report", "run-1-rescored", "--format=json").output)
    rates = [run["tasks"][0]["model_runs"][0]["rates"]["test"]["strength"]["value"] for run in (before, after)]
    assert rates == [11 / 12, 1.0]


def test_rescore_of_an_unchanged_task_finds_the_same(project: MiniProject) -> None:
    stored(project)
    evalkit(project, "rescore", "run-1")
    first, again = (json.loads(evalkit(project, "report", name, "--format=json").output)
                    for name in ("run-1", "run-1-rescored"))  # fmt: skip
    assert again["tasks"] == first["tasks"]


def test_rescore_passes_over_an_example_that_is_gone(project: MiniProject) -> None:
    stored(project)
    lines = (project.folder / "test.jsonl").read_text().splitlines()
    project.write("golden/mood/test.jsonl", "\n".join(lines[:-1]) + "\n")
    result = evalkit(project, "rescore", "run-1")
    assert (result.exit_code, "unanswered" in result.output) == (0, False)


def test_rescore_says_whose_prompt_has_changed_since_it_was_answered(project: MiniProject) -> None:
    stored(project)
    assert "has changed since" not in evalkit(project, "rescore", "run-1").output
    lines = (project.folder / "test.jsonl").read_text().splitlines()
    changed = {**json.loads(lines[0]), "input": {"text": "another text"}}
    project.write("golden/mood/test.jsonl", "\n".join([json.dumps(changed), *lines[1:]]) + "\n")
    told = "mood: the prompt of 1 example has changed since it was answered: t-01"
    assert told in evalkit(project, "rescore", "run-1").output


def test_freeze_writes_the_record_and_says_the_counts(project: MiniProject) -> None:
    result = evalkit(project, "freeze", "mood")
    assert result.output == (
        "golden/mood/frozen.json: train 5, test 12, reference 1, malformed 1\n"
        "mood: planned for 2 looks, base among them, each at the one-sided level 0.0125 (0.025 / 2); [looks] planned "
        "in task.toml says another number\n"
    )
    assert json.loads((project.folder / "frozen.json").read_text())["splits"]["test"]["count"] == 12


def test_freeze_accepts_a_change(project: MiniProject) -> None:
    evalkit(project, "freeze")
    project.append("test", {"id": "t-13", "input": {"text": "x"}, "expected": {"mood": "good", "strength": 1}})
    assert evalkit(project, "freeze").exit_code == 0
    assert len(project.task().splits["test"]) == 13


def test_a_rescored_run_of_changed_data_is_told_as_not_frozen(project: MiniProject) -> None:
    evalkit(project, "freeze")
    stored(project)
    lines = (project.folder / "test.jsonl").read_text().splitlines()
    project.write("golden/mood/test.jsonl", "\n".join(lines[::-1]) + "\n")
    assert "NOT FROZEN" in evalkit(project, "rescore", "run-1").output
    assert "NOT FROZEN" not in evalkit(project, "report", "run-1").output


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_report_renders_a_stored_run(project: MiniProject, form: str) -> None:
    result = evalkit(stored(project), "report", "run", f"--format={form}")
    assert result.exit_code == 0
    assert "run-1" in result.output
    assert "SHIP" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["report", "nope"], "evalkit: unknown run 'nope'. Known: run-1."),
        (["rescore", "nope"], "evalkit: unknown run 'nope'. Known: run-1."),
        (["show", "run-1", "tt-01"], "evalkit: unknown example of this run 'tt-01'. Did you mean 't-01'?"),
        (
            ["show", "run-1", "t-01", "--backend", "bas"],
            "evalkit: unknown backend of this run 'bas'. Did you mean 'base'?",
        ),
        (["freeze", "moood"], "evalkit: unknown task 'moood'. Did you mean 'mood'?"),
    ],
)
def test_a_name_that_is_unknown_exits_4_with_one_message(project: MiniProject, arguments: list[str], told: str) -> None:
    result = evalkit(stored(project), *arguments)
    assert result.exit_code == 4
    assert result.stderr.startswith(told)
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "command",
    [["report"], ["rescore", "latest"], ["show", "latest", "t-01"], ["compare", "a", "b"], ["history", "mood"]],
)
def test_where_nothing_was_run_the_error_says_so_and_leaves_no_file(project: MiniProject, command: list[str]) -> None:
    result = evalkit(project, *command)
    assert result.exit_code == 4
    assert "store.sqlite: no run is stored there; run pytest first" in result.stderr
    assert not (project.root / ".evalkit").exists()


@pytest.mark.parametrize("command", [["rescore", "run-1"], ["show", "run-1", "t-01"]])
def test_a_task_that_is_gone_exits_4(project: MiniProject, command: list[str]) -> None:
    stored(project)
    project.folder.rename(project.folder.with_name("feeling"))
    result = evalkit(project, *command)
    assert (result.exit_code, result.stderr[:30]) == (4, "evalkit: unknown task 'mood'. ")


def test_an_example_that_is_gone_exits_4(project: MiniProject) -> None:
    stored(project)
    lines = (project.folder / "test.jsonl").read_text().splitlines()
    project.write("golden/mood/test.jsonl", "\n".join(lines[1:]) + "\n")
    result = evalkit(project, "show", "run-1", "t-01")
    assert result.exit_code == 4
    assert "unknown example 't-01'." in result.stderr
    assert "when the run was made" in result.stderr


def test_a_damaged_store_exits_4(project: MiniProject) -> None:
    project.write(".evalkit/store.sqlite", "no database" * 100)
    result = evalkit(project, "report")
    assert (result.exit_code, "file is not a database" in result.stderr) == (4, True)


def test_a_broken_pyproject_exits_4(project: MiniProject) -> None:
    project.write("pyproject.toml", "[tool.evalkit]\nbakend = 1\n")
    result = evalkit(project, "report")
    assert (result.exit_code, "Did you mean 'backend'?" in result.stderr) == (4, True)


def test_broken_golden_data_exits_4_with_every_place(project: MiniProject) -> None:
    number = project.append("test", "{")
    result = evalkit(project, "freeze")
    assert result.exit_code == 4
    assert f"golden/mood/test.jsonl:{number}: not valid JSON" in result.stderr
    assert not (project.folder / "frozen.json").exists()


def test_freeze_without_a_golden_task_exits_4(project: MiniProject) -> None:
    project.folder.rename(project.root / "elsewhere")
    result = evalkit(project, "freeze")
    assert (result.exit_code, "no golden task there" in result.stderr) == (4, True)


# -- two runs, and all of them ------------------------------------------------------------------------


def runs(project: MiniProject, *wrong: int) -> MiniProject:
    """A run for each number of moods that `tuned` gets wrong of 100: run-1, run-2 and so on."""
    good, bad = {"mood": "good", "strength": 0.9}, {"mood": "bad", "strength": 0.9}
    lines = [{"id": f"t-{n:03}", "input": {"text": f"{n}"}, "expected": good} for n in range(100)]
    project.split("test", lines)
    project.answers("base", dict.fromkeys(project.right(), "What a good mood!"))
    for number, count in enumerate(wrong, start=1):
        lost = {f"t-{n:03}": json.dumps(bad) for n in range(count)}
        project.answers("tuned", project.right() | lost)
        session = project.asked(("tuned",), ("base",), identity=f"run-{number}")
        finish(session, session.selection, "pytest suites", {})
    return project


def test_compare_says_what_was_lost_between_two_runs_and_exits_as_a_gate(project: MiniProject) -> None:
    worse = evalkit(runs(project, 0, 20), "compare", "run-1", "run-2", "--backend", "tuned")
    assert worse.exit_code == 1
    lost, sentence = worse.output.splitlines()
    assert lost.startswith("- tuned against run run-1: lost (20): t-000 mood, t-001 mood, ")
    assert sentence.startswith("mood · tuned against run run-1 (tuned, 20")
    assert "BLOCK. tuned loses to run run-1 on mood: -20.0 points" in sentence
    assert evalkit(project, "compare", "run-2", "run-1", "--backend", "tuned").exit_code == 0


def test_compare_is_about_every_model_of_both_runs(project: MiniProject) -> None:
    lines = evalkit(runs(project, 0, 0), "compare", "run-1", "run-2").output.splitlines()
    assert [line.partition(" against")[0] for line in lines] == ["mood · tuned", "mood · base"]


def test_compare_of_two_models_takes_one_of_each_run(project: MiniProject) -> None:
    result = evalkit(runs(project, 0), "compare", "run-1", "run-1", "--backend", "tuned", "--backend", "base")
    assert (result.exit_code, "base against run run-1 (tuned, 20" in result.output) == (1, True)


def test_compare_leaves_open_what_is_not_shown_as_the_project_says(project: MiniProject) -> None:
    runs(project, 0, 6)
    command = ("compare", "run-1", "run-2", "--backend", "tuned")
    assert (evalkit(project, *command).exit_code, "INCONCLUSIVE" in evalkit(project, *command).output) == (0, True)
    project.change("pyproject.toml", "[tool.evalkit]\n", "[tool.evalkit]\ninconclusive_no_loss = 9\n")
    assert evalkit(project, *command).exit_code == 9


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lineage", "mod"], "evalkit: unknown lineage 'mod'. Did you mean 'moods'? Known: moods."),
        (["lineage", "moods"], "evalkit: no stored run follows the lineage moods; pytest --lineage=moods makes one"),
        (["lineage", "moods", "run-1"], "evalkit: run run-1 does not follow the lineage moods; pytest --lineage=moods"),
    ],
)
def test_a_lineage_that_was_not_followed_exits_4(project: MiniProject, arguments: list[str], told: str) -> None:
    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f'{text}\n[tool.evalkit.lineage.moods]\nrungs = ["base", "tuned"]\n')
    result = evalkit(stored(project), *arguments)
    assert (result.exit_code, result.stderr[: len(told)]) == (4, told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["compare", "run-1", "run-7"], "evalkit: unknown run 'run-7'. Did you mean 'run-1'? Known: run-1."),
        (["compare", "run-1", "run-1", "--backend", "tund"], "evalkit: unknown backend of run run-1 'tund'. Did you m"),
        (["history", "moood"], "evalkit: unknown task of the stored runs 'moood'. Did you mean 'mood'?"),
        (["history", "mood", "--score", "mod"], "evalkit: unknown score of the stored runs of mood 'mod'. Did "),
    ],
)
def test_what_cannot_be_compared_or_followed_exits_4(project: MiniProject, arguments: list[str], told: str) -> None:
    result = evalkit(stored(project), *arguments)
    assert (result.exit_code, result.stderr[: len(told)]) == (4, told)


def test_history_has_a_line_a_run_and_is_json_where_asked_for(project: MiniProject) -> None:
    lines = evalkit(runs(project, 50, 20), "history", "mood").output.splitlines()
    assert lines[2] == "tuned on test  ▅▇"
    assert ["run-1  n=100  50.0 [" in lines[3], "run-2  n=100  80.0 [" in lines[4]] == [True, True]
    told = json.loads(evalkit(project, "history", "mood", "--score", "strict", "--format", "json").output)
    assert [(look["run"], look["rate"]["value"], look["rate"]["n"]) for look in told["looks"]] == [
        ("run-1", 1.0, 100), ("run-2", 1.0, 100),
    ]  # fmt: skip


def older(project: MiniProject) -> None:
    """Puts run-1 into the form in which evalkit 0.1.0 stored runs: one document, with all keys in it."""
    session = project.asked(("tuned",))
    finish(session, session.selection, "pytest suites", {})
    keys: dict[str, dict[str, list[str]]] = {}
    for row in session.runs.rows("run-1"):
        keys.setdefault(row.model, {})[row.example] = list(row.keys)
    entrants = [
        {"name": name, "role": "backend" if name == "tuned" else "floor", "spec": name, "fingerprint": "f",
         "reasons": {}, "keys": own}
        for name, own in keys.items()
    ]  # fmt: skip
    columns = [{"entrant": entrant} for entrant in entrants]
    document = {
        "id": "run-1", "created": "2026-01-01", "command": "pytest suites", "outcomes": {},
        "tasks": [{"task": "mood", "split": "test", "columns": columns}],
    }  # fmt: skip
    session.close()
    with closing(sqlite3.connect(project.root / ".evalkit" / "store.sqlite")) as database, database:
        database.execute("update runs set run = ?", (json.dumps(document),))
        database.execute("delete from rows")


def test_a_run_of_an_older_form_says_so_and_is_scored_again(project: MiniProject) -> None:
    older(project)
    refused = evalkit(project, "report", "run-1")
    assert (refused.exit_code, "`evalkit rescore run-1` makes it anew" in refused.output) == (4, True)
    assert "== tuned" in evalkit(project, "show", "run-1", "t-01").output
    evalkit(project, "rescore", "run-1")
    again = json.loads(evalkit(project, "report", "run-1-rescored", "--format=json").output)
    rates = {one["participant"]["name"]: one["rates"]["test"] for one in again["tasks"][0]["model_runs"]}
    assert (rates["tuned"]["mood"]["value"], rates["oracle"]["mood"]["value"]) == (1.0, 1.0)


def test_an_unknown_report_suggests_the_nearest(project: MiniProject) -> None:
    result = evalkit(stored(project), "report", "--format=markdwon")
    assert (result.exit_code, "Did you mean 'markdown'?" in result.output) == (2, True)


def test_the_project_is_found_from_a_folder_below_it(project: MiniProject, monkeypatch: pytest.MonkeyPatch) -> None:
    below = stored(project).root / "suites" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    result = CliRunner().invoke(main, ["report", "--format=json"], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")


def test_without_a_table_the_current_folder_is_the_project(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("pyproject.toml", "")
    monkeypatch.chdir(project.root)
    result = CliRunner().invoke(main, ["report"], catch_exceptions=False)
    assert f"{project.root / '.evalkit' / 'store.sqlite'}: no run is stored there" in result.stderr


def test_a_pyproject_that_is_a_folder_exits_4(project: MiniProject) -> None:
    (project.root / "pyproject.toml").unlink()
    (project.root / "pyproject.toml").mkdir()
    result = evalkit(project, "report")
    assert (result.exit_code, "pyproject.toml: can't be read: Is a directory" in result.stderr) == (4, True)


def test_a_file_that_cannot_be_written_is_one_message(project: MiniProject, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/full/frozen.json")

    monkeypatch.setattr("evalkit.golden.freeze.write_atomically", full)
    result = evalkit(project, "freeze", "mood")
    assert (result.exit_code, "/full/frozen.json: No space left on device" in result.output) == (4, True)
