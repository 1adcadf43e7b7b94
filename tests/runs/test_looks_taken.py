"""What a session spends of a test split, and which of its verdicts count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.cli.main import main
from evalkit.errors import FrozenError, LooksError
from evalkit.golden import freeze as frozen
from evalkit.judging.notes import LooksAhead, LookSpent
from evalkit.judging.reason import Code, Status
from evalkit.runs.record import no_rows
from evalkit.runs.requests import load_requests
from evalkit.session.finish import exit_code

if TYPE_CHECKING:
    from conftest import MiniProject
    from evalkit.judging.verdict import Verdict
    from evalkit.runs.record import TaskResult


def candidate(project: MiniProject, wrong: int) -> None:
    """Another model under the alias ``tuned``, with so many wrong answers."""
    answers = project.right()
    for name in list(answers)[:wrong]:
        answers[name] = json.dumps({"mood": "bad", "strength": 0.1})
    project.answers("tuned", answers)


def judged(
    project: MiniProject, run: str = "run-1", against: tuple[str, ...] = ("base",), **more: object
) -> TaskResult:
    """What a session on all of a split says of the task."""
    session = project.session(["tuned"], against, identity=run, **more)  # type: ignore[arg-type]
    session.check()
    session.ask({"mood": {"tuned": list(project.right(session.split))}}, lambda _: None)
    return session.judged("mood")


def look(result: TaskResult, model: str = "tuned") -> int:
    """The number of the look that ``model`` took."""
    (number,) = (item.number for item in result.looks if item.model == model)
    return number


def verdict(result: TaskResult) -> Verdict:
    found = result.verdict("tuned")
    assert found is not None
    return found


def plan(project: MiniProject, looks: int) -> None:
    project.contract("planned = 2", f"planned = {looks}")


@pytest.fixture
def project(project: MiniProject) -> MiniProject:
    plan(project, 5)
    return project


def lines(project: MiniProject, kind: str = "look") -> list[dict[str, object]]:
    """What the ledger says, line by line."""
    path = project.folder / "looks.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in found if line["kind"] == kind]


def test_the_first_look_is_written_down_with_its_verdict_and_the_same_model_again_is_free(project: MiniProject) -> None:
    first = judged(project)
    assert first.looks == (LookSpent("tuned", 1, 5, 3), LookSpent("base", 2, 5, 3, judged=False))
    tuned, base = lines(project)
    assert (tuned["model"], tuned["run"], tuned["planned"], base["model"]) == ("tuned", "run-1", 5, "base")
    [decided] = lines(project, "verdict")
    assert (decided["status"], decided["run"]) == ("SHIP", "run-1")
    again = judged(project, "run-2")
    assert (again.looks, again.verdicts) == (first.looks, first.verdicts)
    assert (len(lines(project)), len(lines(project, "verdict"))) == (2, 1)


def test_each_other_model_takes_the_next_look_and_keeps_it(project: MiniProject) -> None:
    """The base counts once, when it is first shown."""
    for wrong, number in ((1, 1), (2, 3), (3, 4), (2, 3)):
        candidate(project, wrong)
        result = judged(project, f"run-{wrong}-{number}")
        assert (look(result), look(result, "base")) == (number, 2)
    assert len(lines(project)) == 4


def test_beyond_the_plan_nothing_ships_and_the_figures_are_shown(project: MiniProject) -> None:
    project.contract("planned = 5", "planned = 2")
    assert verdict(judged(project)).status is Status.SHIP
    candidate(project, wrong=1)
    result = judged(project, "run-2")
    last = verdict(result)
    assert (last.status, last.because.code, last.because.count) == (Status.INCONCLUSIVE, Code.WORN_OUT, 2)
    assert "evalkit freeze --renew" in repr(last)
    assert exit_code([result], project.session(["tuned"]).config) == 1
    assert [item.status for item in result.comparisons if item.candidate == "tuned"] == [Status.INCONCLUSIVE] * 2
    assert next(run for run in result.model_runs if run.name == "tuned").rates["test"]["mood"].n == 12
    assert [line["model"] for line in lines(project)] == ["tuned", "base", "tuned"]


def test_what_was_judged_within_the_plan_still_ships_when_the_split_is_worn_out(project: MiniProject) -> None:
    project.contract("planned = 5", "planned = 2")
    judged(project)
    candidate(project, wrong=1)
    judged(project, "run-2")
    candidate(project, wrong=0)
    assert verdict(judged(project, "run-3")).status is Status.SHIP


def test_a_worn_out_split_still_blocks_what_misses_a_threshold(project: MiniProject) -> None:
    project.contract("planned = 5", "planned = 2")
    judged(project)
    project.answers("tuned", dict.fromkeys(project.right(), "Well."))
    last = verdict(judged(project, "run-2"))
    assert (last.status, last.reasons[-1].code) == (Status.BLOCK, Code.WORN_OUT)


def test_the_first_verdict_counts_where_answers_waver(project: MiniProject) -> None:
    """Under the same fingerprint: as a store of another machine would have it."""
    first = judged(project)
    session = project.session(["tuned"], ["base"], identity="run-2")
    answers = project.right("test")
    for name in list(answers)[:8]:
        answers[name] = json.dumps({"mood": "bad", "strength": 0.1})
    session.ask({"mood": {"tuned": list(answers)}}, lambda _: None)
    with session.store._db.transaction():
        for name, text in answers.items():
            session.store._db.execute(
                "update completions set completion = json_set(completion, '$.text', ?) where example_id = ? and "
                "fingerprint = ?",
                (text, name, session.participants.model("tuned", session.task("mood")).fingerprint),
            )
    again = project.session(["tuned"], ["base"], identity="run-3")
    again.ask({"mood": {"tuned": list(answers)}}, lambda _: None)
    result = again.judged("mood")
    found = verdict(result)
    assert (verdict(first).status, found.status) == (Status.SHIP, Status.SHIP)
    assert (found.reasons[0].code, found.reasons[0].first, found.reasons[0].run) == (
        Code.FIRST_VERDICT,
        Status.SHIP,
        "run-1",
    )
    assert found.reasons[0].now is not Status.SHIP
    assert look(result) == 1
    assert all(item.holds for item in result.comparisons if item.declared)
    assert exit_code([result], again.config) == 0


def test_who_moves_a_threshold_after_seeing_spends_a_new_look(project: MiniProject) -> None:
    judged(project)
    project.contract("strict = 0.8", "strict = 0.9")
    assert look(judged(project, "run-2")) == 3
    project.contract("strict = 0.9", "strict = 0.8")
    assert look(judged(project, "run-3")) == 1


def test_who_moves_a_hypothesis_to_another_score_spends_a_new_look(project: MiniProject) -> None:
    judged(project)
    text = (project.folder / "task.toml").read_text()
    project.write("golden/mood/task.toml", text[::-1].replace('"doom"', '"htgnerts"', 1)[::-1])
    assert look(judged(project, "run-2")) == 3


def test_a_comment_in_the_contract_spends_nothing(project: MiniProject) -> None:
    judged(project)
    project.contract("[[hypotheses]]", "# As agreed.\n[[hypotheses]]")
    assert look(judged(project, "run-2")) == 1


def test_another_rival_under_the_same_name_is_a_new_look(project: MiniProject) -> None:
    judged(project)
    project.answers("base", dict.fromkeys(project.right(), "What a mood!"))
    result = judged(project, "run-2")
    assert (look(result), look(result, "base")) == (3, 4)


def test_a_split_that_grows_is_a_new_look_and_its_base_was_shown(project: MiniProject) -> None:
    judged(project)
    line = (project.folder / "test.jsonl").read_text().splitlines()[0]
    project.append("test", line.replace("t-01", "t-13"))
    project.answers("tuned", project.right())
    project.answers("base", dict.fromkeys(project.right(), "What a good mood!"))
    result = judged(project, "run-2")
    assert (look(result), len(lines(project))) == (3, 4)


def test_a_part_of_the_split_was_seen_and_counts(project: MiniProject) -> None:
    """Whatever is shown of it; who is then judged on all of it spends no more."""
    session = project.session(["tuned"])
    session.ask({"mood": {"tuned": ["t-01"]}}, lambda _: None)
    assert session.judged("mood").looks == (LookSpent("tuned", 1, 5, 4, judged=False),)
    assert session.judged("mood").verdicts == ()
    assert look(judged(project, "run-2")) == 1


def test_a_dev_split_and_what_is_no_part_of_the_test_split_spend_nothing(project: MiniProject) -> None:
    lines_of_test = (project.folder / "test.jsonl").read_text().replace('"t-', '"d-').replace("This is t", "This is d")
    project.write("golden/mood/dev.jsonl", lines_of_test)
    project.answers("tuned", project.right("test", "dev", "reference", "malformed"))
    project.answers("base", project.right("test", "dev", "reference", "malformed"))
    assert judged(project, split="dev").looks == ()
    session = project.session(["tuned"])
    session.ask({"mood": {"tuned": ["r-1", "m-1"]}}, lambda _: None)
    assert session.judged("mood").looks == ()
    assert lines(project) == []


def test_before_it_is_frozen_a_split_has_no_looks(project: MiniProject) -> None:
    project.frozen.never()
    assert judged(project).looks == ()
    assert lines(project) == []


def test_taking_away_what_was_frozen_hides_no_look(project: MiniProject) -> None:
    judged(project)
    project.frozen.never()
    candidate(project, wrong=1)
    assert look(judged(project, "run-2")) == 3


def test_who_left_examples_unanswered_was_shown_and_is_held_to_no_verdict(project: MiniProject) -> None:
    answers = project.right()
    project.answers("tuned", {name: text for name, text in answers.items() if name != "t-05"})
    result = judged(project)
    assert (look(result), verdict(result).status) == (1, Status.BLOCK)
    assert lines(project, "verdict") == []


def test_a_verdict_for_which_a_rival_was_not_run_binds_nobody(project: MiniProject) -> None:
    project.change("pyproject.toml", "answers/base.jsonl", "answers/gone.jsonl")
    assert verdict(judged(project, against=())).is_red
    assert lines(project, "verdict") == []
    project.change("pyproject.toml", "answers/gone.jsonl", "answers/base.jsonl")
    assert verdict(judged(project, "run-2")).status is Status.SHIP


def test_another_way_to_ask_that_changes_answers_is_another_candidate(project: MiniProject) -> None:
    judged(project)
    project.contract("max_tokens = 40", "max_tokens = 60")
    assert look(judged(project, "run-2")) == 1  # everything is answered alike
    candidate(project, wrong=1)
    assert look(judged(project, "run-3")) == 3


def test_more_samples_of_a_greedy_task_are_no_other_candidate(project: MiniProject) -> None:
    """As where another task of the project draws its answers."""
    judged(project)
    shutil.copytree(project.folder, project.root / "golden" / "drawn")
    path = project.root / "golden" / "drawn" / "task.toml"
    path.write_text(path.read_text().replace("max_tokens = 40", "max_tokens = 40\ntemperature = 0.7"))
    for split in ("test", "train", "reference", "malformed"):
        file = project.root / "golden" / "drawn" / f"{split}.jsonl"
        file.write_text(file.read_text().replace('"id": "', '"id": "drawn-'))
    assert look(judged(project, "run-2", samples=3)) == 1


def test_a_clone_judges_as_its_origin_does(project: MiniProject, tmp_path: Path) -> None:
    for wrong in (1, 2):
        candidate(project, wrong)
        judged(project, f"run-{wrong}")
    clone = type(project)(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder, dirs_exist_ok=True)
    candidate(clone, wrong=2)
    assert look(judged(clone)) == 3
    assert lines(clone) == lines(project)


def test_what_may_be_spent_is_told_before_anything_is_asked(project: MiniProject) -> None:
    selection = {"mood": {"tuned": list(project.right("test"))}}
    session = project.session(["tuned"], ["base"])
    assert session.looks_ahead(selection) == [LooksAhead("mood", ("tuned", "base"), 1, 5)]
    assert lines(project) == []
    judged(project)
    assert project.session(["tuned"], ["base"]).looks_ahead(selection) == []
    candidate(project, wrong=1)
    assert project.session(["tuned"], ["base"]).looks_ahead(selection) == [LooksAhead("mood", ("tuned",), 3, 5)]
    assert project.session(["tuned"], split="dev").looks_ahead(selection) == []


def test_a_plan_can_not_be_raised_after_the_first_look(project: MiniProject) -> None:
    judged(project)
    project.contract("planned = 5", "planned = 6")
    with pytest.raises(LooksError, match=r"task\.toml: \[looks\] planned is 6, and 5 is frozen"):
        check(project)
    with pytest.raises(FrozenError, match=r"2 looks of 5 planned were taken: 6 can't be planned .*--renew mood"):
        frozen.freeze(project.folder, project.task().splits, 6)


def test_a_plan_that_is_raised_by_hand_is_found(project: MiniProject) -> None:
    judged(project)
    project.contract("planned = 5", "planned = 50")
    project.change("golden/mood/frozen.json", '"planned_looks": 5', '"planned_looks": 50')
    with pytest.raises(LooksError, match=r"frozen\.json: planned_looks is 50, and was 5 when a look was taken"):
        check(project)


def test_a_plan_can_be_lowered_to_what_was_spent(project: MiniProject) -> None:
    judged(project)
    splits = project.task().splits
    with pytest.raises(FrozenError, match="2 looks were taken: fewer than that can't be planned"):
        frozen.freeze(project.folder, splits, 1)
    frozen.freeze(project.folder, splits, 3)
    assert frozen.planned(project.folder) == 3


def check(project: MiniProject) -> None:
    """Opens a session that finds what is frozen as it is."""
    project.frozen.wanted = False
    project.session(["tuned"]).check()


def test_what_was_frozen_before_there_were_plans_takes_one_once(project: MiniProject) -> None:
    judged(project)
    path = project.folder / "frozen.json"
    path.write_text(
        json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "planned_looks"})
    )
    frozen.freeze(project.folder, project.task().splits, 7)
    assert frozen.planned(project.folder) == 7


def test_a_ledger_that_lacks_what_the_store_knows_is_found(project: MiniProject) -> None:
    judged(project)
    before = (project.folder / "looks.jsonl").read_text()
    for left in ("", before.splitlines(keepends=True)[0]):
        (project.folder / "looks.jsonl").write_text(left)
        with pytest.raises(LooksError, match=r"looks\.jsonl: \d lines? that evalkit wrote .*--mend"):
            project.session(["tuned"]).check()
    (project.folder / "looks.jsonl").unlink()
    main(["--root", str(project.root), "looks", "mood", "--mend"], standalone_mode=False)
    assert (project.folder / "looks.jsonl").read_text() == before


def test_the_store_says_nothing_of_a_split_that_shares_no_example(project: MiniProject) -> None:
    judged(project)
    (project.folder / "looks.jsonl").unlink()
    lines_of_test = [json.loads(line) for line in (project.folder / "test.jsonl").read_text().splitlines()]
    new = [line | {"id": f"n{line['id']}", "input": {"text": f"New: {line['id']}"}} for line in lines_of_test]
    project.split("test", new)
    project.answers("tuned", project.right())
    assert look(judged(project, "run-2", against=())) == 1


def test_where_nothing_is_declared_figures_are_shown_and_count(project: MiniProject) -> None:
    text = (project.folder / "task.toml").read_text()
    project.write("golden/mood/task.toml", text[: text.index("[[hypotheses]]")])
    assert judged(project).looks == (
        LookSpent("tuned", 1, 5, 3, judged=False),
        LookSpent("base", 2, 5, 3, judged=False),
    )


@pytest.mark.parametrize("line", ["{torn", "[1]", '{"split": 3}', '{"renewed": "", "who": 1}'])
def test_a_line_that_is_no_look_stops_before_anything_is_asked(project: MiniProject, line: str) -> None:
    judged(project)
    with (project.folder / "looks.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(LooksError, match=r"looks\.jsonl:4: .*Take looks.jsonl back from version control"):
        project.session(["tuned"]).check()


def test_a_look_that_can_not_be_written_down_is_not_taken(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = project.session(["tuned"])
    session.check()
    real = Path.open

    def full(self: Path, mode: str = "r", **more: object) -> object:
        if self.name.startswith(".looks.jsonl.") and mode == "wb":
            raise OSError(28, "No space left on device")
        return real(self, mode, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    session.ask({"mood": {"tuned": list(project.right("test"))}}, lambda _: None)
    with pytest.raises(LooksError, match=r"looks\.jsonl: can't be written: .*No space left.*--split=dev"):
        session.judged("mood")


def test_a_run_of_before_there_were_looks_has_none() -> None:
    older = {"name": "x", "role": "backend", "spec": "", "fingerprint": "", "keys": {}, "reasons": {}}
    table = {"id": "run-0", "tasks": [{"task": "mood", "split": "test", "columns": [{"entrant": older}]}]}
    [request] = load_requests(table, no_rows)
    assert request.participations[0].participant.look == 0


def test_a_renewed_split_goes_to_train_and_the_count_begins_again(
    project: MiniProject, capsys: pytest.CaptureFixture[str]
) -> None:
    judged(project)
    held_out = (project.folder / "test.jsonl").read_text().splitlines()
    taught = (project.folder / "train.jsonl").read_text().splitlines()
    main(["--root", str(project.root), "freeze", "--renew", "mood"], standalone_mode=False)
    assert "12 examples went from test.jsonl to train.jsonl" in capsys.readouterr().out
    assert (project.folder / "train.jsonl").read_text().splitlines() == taught + held_out
    assert any("test.jsonl" in problem for problem in project.problems())
    project.split("test", [json.loads(line.replace('"t-', '"u-').replace("is t-", "is u-")) for line in held_out])
    project.answers("tuned", project.right())
    project.answers("base", dict.fromkeys(project.right(), "What a good mood!"))
    main(["--root", str(project.root), "freeze", "mood"], standalone_mode=False)
    assert look(judged(project, "run-2")) == 1
    assert len(lines(project, "renewed")) == 1


STAGES = {
    "while train is written": ("open", "wb", 1),
    "as train is put in its place": ("replace", "", 1),
    "as test is taken away": ("unlink", "", 1),
    "while what is left is frozen": ("open", "wb", 2),
    "as what is frozen is put in its place": ("replace", "", 2),
    "while the renewal is noted": ("open", "wb", 3),
    "as the renewal is put in its place": ("replace", "", 3),
}
"""The method of Path that fails there, with the mode that it is called with, and at which call."""


@pytest.mark.parametrize(("stage", "mode", "count"), STAGES.values(), ids=STAGES)
def test_what_can_not_be_renewed_is_left_as_it_is(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch, stage: str, mode: str, count: int
) -> None:

    judged(project)
    frozen.freeze(project.folder, project.task().splits)
    before = {path.name: path.read_text() for path in project.folder.iterdir()}
    splits, real = project.task().splits, getattr(Path, stage)
    calls: list[object] = []

    def full(self: Path, *more: object, **named: object) -> object:
        if not mode or mode in (*more, named.get("mode")):
            calls.append(self)
            if len(calls) == count:
                raise OSError(28, "No space left on device")
        return real(self, *more, **named)

    with monkeypatch.context() as broken:
        broken.setattr(Path, stage, full)
        with pytest.raises(FrozenError, match=r"No space left.*The splits are as they were"):
            frozen.renew(project.folder, splits)
    assert {path.name: path.read_text() for path in project.folder.iterdir()} == before


def test_a_split_to_renew_must_be_named(project: MiniProject) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(["--root", str(project.root), "freeze", "--renew"], standalone_mode=False)
