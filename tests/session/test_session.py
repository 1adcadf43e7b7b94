"""A session finds every mistake before a model is asked, asks once, and judges from the store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalkit.errors import ConfigError, FrozenError, GoldenError, MissingModel, NotAnswered, UnknownName
from evalkit.golden.freeze import freeze
from evalkit.reports.page import PAGE
from evalkit.runs.record import no_rows
from evalkit.session.finish import finish, write

if TYPE_CHECKING:
    from conftest import MiniProject


def test_a_sound_project_passes(project: MiniProject) -> None:
    project.session([], ["base"]).check()


def test_without_a_backend_the_error_says_how_to_give_one(project: MiniProject) -> None:
    project.change("pyproject.toml", 'backend = "tuned"', "")
    with pytest.raises(ConfigError, match="no backend: give --backend=ALIAS, or backend = "):
        project.session().check()


def test_without_golden_tasks_the_error_names_the_folder(project: MiniProject) -> None:
    project.change("pyproject.toml", 'backend = "tuned"', 'backend = "tuned"\ngolden = "gold"')
    with pytest.raises(ConfigError, match="project/gold: no golden task there"):
        project.session().check()


def test_an_unknown_model_to_compare_with_is_told(project: MiniProject) -> None:
    with pytest.raises(UnknownName, match=r"unknown backend 'bas'. Did you mean 'base'"):
        project.session(["tuned"], ["bas"]).check()


def test_a_model_that_is_not_there_is_told(project: MiniProject) -> None:
    (project.root / "answers" / "base.jsonl").unlink()
    with pytest.raises(MissingModel, match=r"replay:answers/base.jsonl: no file .*answers/base.jsonl"):
        project.session(["tuned"], ["base"]).check()


def test_a_split_that_no_task_has_is_told(project: MiniProject) -> None:
    with pytest.raises(ConfigError, match=r"golden/mood: no dev.jsonl to judge on"):
        project.session(["tuned"], split="dev").check()


def test_a_changed_frozen_split_is_told(project: MiniProject) -> None:
    freeze(project.folder, project.task().splits)
    project.append("test", {"id": "t-13", "input": {"text": "x"}, "expected": {"mood": "good", "strength": 1}})
    with pytest.raises(FrozenError, match="added: t-13"):
        project.session(["tuned"]).check()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('candidate = "tuned"', 'candidate = "tunned"', "unknown backend 'tunned'. Did you mean 'tuned'"),
        ('against = ["base"', 'against = ["bsae"', "unknown backend 'bsae'. Did you mean 'base'"),
    ],
)
def test_a_hypothesis_about_a_model_that_nobody_has_is_told(
    project: MiniProject, old: str, new: str, what: str
) -> None:
    # Otherwise it would never be judged, and the model would ship without it.
    project.contract(old, new)
    with pytest.raises(ConfigError, match=rf"golden/mood/task.toml \[\[hypotheses\]\] number 1: {what}"):
        project.session(["tuned"]).check()


def test_a_hypothesis_about_a_floor_that_there_is_no_data_for_is_told(project: MiniProject) -> None:
    (project.folder / "train.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"'majority' can't be judged: majority: mood has no train.jsonl"):
        project.session(["tuned"]).check()


def test_an_alias_cant_take_the_name_of_a_floor(project: MiniProject) -> None:
    project.change("pyproject.toml", "base = ", 'oracle = "replay:answers/base.jsonl"\nbase = ')
    with pytest.raises(ConfigError, match="oracle: is the name of a floor; choose another alias"):
        project.session(["tuned"]).check()


def test_prompts_that_cant_be_rendered_are_golden_errors(project: MiniProject) -> None:
    project.contract("{{ text | json }}", "{{ source | json }}")
    with pytest.raises(GoldenError, match=r"\[prompt\] user: 'source' is undefined \(example t-01"):
        project.session(["tuned"]).check()


def rival(project: MiniProject, keys: str, spec: str = "replay:answers/base.jsonl") -> None:
    project.change("pyproject.toml", "base = ", f'rival = {{ spec = "{spec}", {keys} }}\nbase = ')


def test_each_alias_asks_in_its_own_way_and_the_report_says_how(project: MiniProject) -> None:
    rival(project, 'few_shot = true, prefill = "{"')
    session = project.asked(("tuned",), ("rival", "base"))
    few, plain = (session.answer("mood", name, "t-01").request for name in ("rival", "base"))
    assert [len(few.messages), len(plain.messages), few.prefill, plain.prefill] == [4, 2, "{", ""]
    told = {one.participant.name: one.participant.asked for one in session.judged("mood").model_runs}
    assert told["rival"] == "few_shot (1 example, never one of the asked one's own group), prefill '{'"
    assert {told[name] for name in told.keys() - {"rival"}} == {""}


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("few_shot = true", r"few_shot = true shows the examples of .*reference.jsonl, and there are none"),
        ("constrained = true", r"constrained = true and the prefill '{' exclude each other; set prefill = .. for this"),
    ],
)
def test_a_way_of_asking_that_the_task_does_not_allow_is_told(project: MiniProject, keys: str, what: str) -> None:
    rival(project, keys)
    (project.folder / "reference.jsonl").unlink()
    project.contract("[decoding]", 'prefill = "{"\n[decoding]')
    with pytest.raises(ConfigError, match=rf"\[tool.evalkit.backends.rival\]: {what}"):
        project.session(["tuned"], ["rival"]).check()


def test_constrained_goes_with_a_prefill_that_was_taken_away(project: MiniProject) -> None:
    rival(project, 'constrained = true, prefill = ""')
    project.contract("[decoding]", 'prefill = "{"\n[decoding]')
    session = project.asked(("tuned",), ("rival",))
    assert session.answer("mood", "rival", "t-01").request.schema == project.task().schema


def test_an_answer_is_read_from_the_store(project: MiniProject) -> None:
    answer = project.asked().answer("mood", "tuned", "t-01")
    assert (answer.strict, bool(answer.scores["mood"])) == (True, True)


def test_an_answer_that_is_missing_says_why(project: MiniProject) -> None:
    project.answers("tuned", {"t-01": "x"})
    session = project.asked()
    with pytest.raises(NotAnswered, match=r"tuned did not answer t-02: .*tuned.jsonl has no answer for t-02, sample 0"):
        session.answer("mood", "tuned", "t-02")


def test_an_answer_that_was_never_asked_for_says_so(project: MiniProject) -> None:
    session = project.session(["tuned"])
    session.ask(project.selection(tuned=["t-01"]), lambda _: None)
    with pytest.raises(NotAnswered, match="tuned did not answer t-02: it was never asked"):
        session.answer("mood", "tuned", "t-02")


def test_what_broke_the_asking_is_told_by_every_answer(project: MiniProject) -> None:
    project.write(".evalkit/store.sqlite", "no database" * 100)
    session = project.asked()
    for example in ("t-01", "t-02"):
        with pytest.raises(Exception, match=r"store.sqlite: file is not a database.*move it away"):
            session.answer("mood", "tuned", example)


def test_a_second_session_asks_nothing_again(project: MiniProject) -> None:
    before = project.asked(("tuned",), ("base",)).store.count()
    assert project.asked(("tuned",), ("base",), identity="run-2").store.count() == before


@pytest.mark.parametrize(("tuned", "code"), [("right", 0), ("wrong", 1)])
def test_the_end_of_a_session_stores_the_run_writes_reports_and_has_an_exit_code(
    project: MiniProject, tuned: str, code: int
) -> None:
    if tuned == "wrong":
        project.answers("tuned", dict.fromkeys(project.right(), "prose"))
    session = project.asked(("tuned",), ("base",))
    finished_run = finish(session, session.selection, "pytest suites", {"passed": 12})
    assert finished_run.exit_code == code
    assert session.runs.run("latest").id == "run-1"
    assert [path.name for path in finished_run.written] == ["latest.md", "latest.json", "latest.jsonl"]


@pytest.mark.parametrize(("set_to", "code"), [(None, 1), (0, 0), (7, 7)])
def test_an_inconclusive_win_ends_as_it_is_set_to(project: MiniProject, set_to: int | None, code: int) -> None:
    if set_to is not None:
        project.change("pyproject.toml", 'backend = "tuned"', f'backend = "tuned"\ninconclusive_win = {set_to}')
    project.answers("base", project.right() | {"t-01": "prose"})
    session = project.asked(("tuned",), ("base",))
    assert finish(session, session.selection, "pytest", {}).exit_code == code


def test_a_partial_run_leaves_the_last_reports_alone(project: MiniProject) -> None:
    session = project.session(["tuned"])
    session.ask(project.selection(tuned=["t-01"]), lambda _: None)
    assert finish(session, session.selection, "pytest", {}).written == ()
    assert not (project.root / "reports").exists()


def test_a_reason_that_quotes_half_a_surrogate_pair_can_be_written(project: MiniProject) -> None:
    session = project.asked()
    run = replace(finish(session, session.selection, "pytest", {}).run, command="pytest \ud83d")
    written = write(run, no_rows, PAGE, project.root / "reports")
    headers = [path for path in written if path.suffix != ".jsonl"]
    assert len(headers) == 2
    assert all(r"pytest \ud83d" in path.read_text(encoding="utf-8") for path in headers)


def test_a_process_that_joins_a_session_goes_on_with_its_budget(project: MiniProject) -> None:
    project.session(["tuned"]).store.save_spent("run-1", (1.5, 0.25, 2))
    session = project.asked()
    assert session.budget.ledger == (1.5, 0.25, 2)
    assert session.spent() == "spent in this session: 1.5000 USD, and 2 answers whose cost is not known"
    assert project.session(["tuned"], identity="run-2").spent() == ""
