"""Every candidate that is judged on a held-out split makes the next one harder to believe."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import binom

from evalkit.cli.main import main
from evalkit.errors import FrozenError, LooksError
from evalkit.golden.looks import Look, read, split_digest
from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import NO_LOOK, Pair, judge_pair
from evalkit.judging.notes import LookSpent
from evalkit.judging.reason import Status
from evalkit.runs.record import no_rows
from evalkit.runs.requests import load_requests
from evalkit.stats.intervals import ALPHA
from evalkit.stats.paired import paired

if TYPE_CHECKING:
    from conftest import MiniProject


def candidate(project: MiniProject, wrong: int) -> None:
    """Another model under the alias ``tuned``, with so many wrong answers."""
    answers = project.right()
    for name in list(answers)[:wrong]:
        answers[name] = json.dumps({"mood": "bad", "strength": 0.1})
    project.answers("tuned", answers)


def looked(project: MiniProject, split: str = "test", **more: object) -> list[LookSpent]:
    """Runs a session on ``split`` and says what its report does of looks."""
    session = project.session(["tuned"], ["base"], split=split, **more)  # type: ignore[arg-type]
    session.check()
    session.ask({"mood": {"tuned": list(project.right(split))}}, lambda _: None)
    return list(session.judged("mood").looks)


def spent(number: int, taken: int | None = None) -> LookSpent:
    """The look of ``tuned``, of the five that this project plans; of them so many are ``taken``."""
    return LookSpent("tuned", number, 5, 5 - (number if taken is None else taken))


@pytest.fixture
def project(project: MiniProject) -> MiniProject:
    project.contract("planned = 2", "planned = 5")
    return project


def lines(project: MiniProject) -> list[dict[str, object]]:
    path = project.folder / "looks.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_first_look_is_written_down_and_the_same_model_again_is_free(project: MiniProject) -> None:
    first = looked(project)
    assert first == [spent(1)]
    [line] = lines(project)
    assert (line["model"], line["against"], line["run"]) == ("tuned", ["base"], "run-1")
    assert line["split"] == split_digest(project.task().splits["test"])
    assert looked(project, identity="run-2") == first
    assert len(lines(project)) == 1


def test_each_other_model_is_judged_at_a_smaller_level_and_keeps_it(project: MiniProject) -> None:
    for number in (1, 2, 3):
        candidate(project, wrong=number)
        assert looked(project, identity=f"run-{number}") == [spent(number)]
    candidate(project, wrong=2)
    assert looked(project, identity="run-4") == [spent(2, taken=3)]
    assert len(lines(project)) == 3


def test_a_clone_judges_as_its_origin_does(project: MiniProject, tmp_path: Path) -> None:
    for wrong in (1, 2):
        candidate(project, wrong)
        looked(project, identity=f"run-{wrong}")
    origin = project.session(["tuned"], identity="run-2").judge_selection(
        {"mood": {"tuned": list(project.right("test"))}}
    )
    clone = type(project)(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder, dirs_exist_ok=True)
    candidate(clone, wrong=2)
    assert looked(clone) == list(origin[0].looks) == [spent(2)]
    assert lines(clone) == lines(project)


def test_a_development_split_and_a_part_of_the_test_split_spend_nothing(project: MiniProject) -> None:
    lines_of_test = (project.folder / "test.jsonl").read_text().replace('"t-', '"d-').replace("This is t", "This is d")
    project.write("golden/mood/dev.jsonl", lines_of_test)
    project.answers("tuned", project.right("test", "dev", "reference", "malformed"))
    project.answers("base", project.right("test", "dev", "reference", "malformed"))
    assert looked(project, split="dev") == []
    session = project.session(["tuned"])
    session.ask({"mood": {"tuned": list(project.right("test"))[:11]}}, lambda _: None)
    assert session.judged("mood").looks == ()
    assert lines(project) == []


def test_a_model_that_did_not_answer_all_was_not_looked_at_and_gets_no_easier_level(project: MiniProject) -> None:
    """It is blocked for what it left unanswered, and is judged as the one that comes next."""
    answers = project.right()
    project.answers("tuned", {name: text for name, text in answers.items() if name != "t-05"})
    assert looked(project) == [spent(1)]
    assert lines(project) == []


def test_examples_that_are_mended_or_changed_make_no_new_split(project: MiniProject) -> None:
    """What was seen before was seen."""
    looked(project)
    project.change("golden/mood/test.jsonl", '"t-03"', '"t-99"')
    project.answers("tuned", project.right())
    project.answers("base", project.right())
    assert looked(project, identity="run-2") == [spent(2)]
    assert len({line["split"] for line in lines(project)}) == 2


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("pyproject.toml", 'parent = "base" }', 'parent = "base", prefill = "{" }'),
        ("golden/mood/task.toml", "Say the mood as JSON.", "Say the mood as JSON, and nothing else."),
        ("golden/mood/task.toml", "max_tokens = 40", "max_tokens = 60"),
    ],
)
def test_another_way_to_ask_is_another_candidate(project: MiniProject, file: str, old: str, new: str) -> None:
    looked(project)
    project.change(file, old, new)
    assert looked(project, identity="run-2") == [spent(2)]


def test_other_shots_are_another_candidate_where_they_are_shown(project: MiniProject) -> None:
    for number, (old, new) in enumerate(
        [('parent = "base" }', 'parent = "base", few_shot = true }'), ("", "")], start=1
    ):
        if old:
            project.change("pyproject.toml", old, new)
        else:
            project.change("golden/mood/reference.jsonl", "This is r-1.", "This is another shot.")
        assert looked(project, identity=f"run-{number}") == [spent(number)]


def test_more_samples_of_a_greedy_task_are_no_other_candidate(project: MiniProject) -> None:
    """As where another task of the project draws its answers."""
    looked(project)
    shutil.copytree(project.folder, project.root / "golden" / "drawn")
    path = project.root / "golden" / "drawn" / "task.toml"
    path.write_text(path.read_text().replace("max_tokens = 40", "max_tokens = 40\ntemperature = 0.7"))
    for split in ("test", "train", "reference", "malformed"):
        file = project.root / "golden" / "drawn" / f"{split}.jsonl"
        file.write_text(file.read_text().replace('"id": "', '"id": "drawn-'))
    assert looked(project, identity="run-2", samples=3) == [spent(1)]


def test_where_no_hypothesis_is_declared_there_is_nothing_to_say_of_looks(project: MiniProject) -> None:
    text = (project.folder / "task.toml").read_text()
    project.write("golden/mood/task.toml", text[: text.index("[[hypotheses]]")])
    assert looked(project) == []


@pytest.mark.parametrize("line", ["{torn", "[1]", '{"split": 3}', '{"renewed": "", "who": 1}'])
def test_a_line_that_is_no_look_stops_before_anything_is_asked(project: MiniProject, line: str) -> None:
    looked(project)
    with (project.folder / "looks.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(LooksError, match=r"looks\.jsonl:2: no look .*take the file back from version control"):
        project.session(["tuned"]).check()


def test_a_look_that_can_not_be_written_down_is_not_taken(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = project.session(["tuned"])
    session.check()
    real = Path.open

    def full(self: Path, mode: str = "r", **more: object) -> object:
        if self.name == "looks.jsonl" and mode == "a":
            raise OSError(28, "No space left on device")
        return real(self, mode, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    session.ask({"mood": {"tuned": list(project.right("test"))}}, lambda _: None)
    with pytest.raises(LooksError, match=r"looks\.jsonl: can't be written: .*No space left.*--split=dev"):
        session.judged("mood")


def scores(wins: int, losses: int, n: int = 100) -> tuple[list[float], list[float]]:
    ours = [1.0] * wins + [0.0] * losses + [1.0] * (n - wins - losses)
    theirs = [0.0] * wins + [1.0] * losses + [1.0] * (n - wins - losses)
    return ours, theirs


def compared(hypothesis: Hypothesis, wins: int, losses: int, look: Look) -> tuple[Status | None, str]:
    ours, theirs = scores(wins, losses)
    names = [str(number) for number in range(len(ours))]
    at = paired(ours, theirs, names, alpha=look.alpha)
    found = judge_pair(Pair(hypothesis, "tuned", "base", "mood", at, at.difference, look=look))
    return found.status, repr(found)


WIN = Hypothesis("win", "tuned", ("base",), "mood")
NO_LOSS = Hypothesis("no_loss", "tuned", ("base",), "mood", margin=0.09)


def test_a_level_is_that_of_the_exact_test() -> None:
    """10 against 2: p = 0.0193 by the binomial distribution, enough for nothing but a model that spends no look."""
    assert binom.sf(9, 12, 0.5) == pytest.approx(0.0193, abs=1e-4)
    assert compared(WIN, 10, 2, NO_LOOK)[0] is Status.SHIP
    assert compared(WIN, 10, 2, Look(1, planned=2))[0] is Status.INCONCLUSIVE
    assert binom.sf(9, 10, 0.5) < Look(1, planned=20).alpha < binom.sf(9, 11, 0.5)
    assert compared(WIN, 10, 0, Look(1, planned=20))[0] is Status.SHIP
    assert compared(WIN, 10, 1, Look(1, planned=20))[0] is Status.INCONCLUSIVE


def test_the_first_and_the_last_of_a_plan_are_judged_alike() -> None:
    assert {Look(number, planned=5).alpha for number in range(1, 6)} == {0.005}
    assert [number for number in range(8) if Look(number, planned=5).is_beyond_plan] == [6, 7]


def test_what_nothing_but_the_plan_keeps_from_shipping_says_so() -> None:
    for hypothesis, wins, losses in ((WIN, 10, 2), (NO_LOSS, 1, 2)):
        assert compared(hypothesis, wins, losses, NO_LOOK)[0] is Status.SHIP
        status, told = compared(hypothesis, wins, losses, Look(2, planned=90))
        assert status is Status.INCONCLUSIVE
        assert "Look 2 at this split asks for p <= 0.000278" in told
    assert "Look 2" not in compared(WIN, 3, 2, Look(2, planned=90))[1]  # nobody would have seen anything


def test_what_refutes_needs_no_smaller_level() -> None:
    assert compared(WIN, 1, 12, Look(1, planned=90))[0] is Status.BLOCK


def test_twenty_useless_candidates_ship_one_in_less_than_a_fortieth_of_all_tries() -> None:
    """By simulation: none is better than the base, all answer the same 120 examples, and each is judged."""
    tries, models, n = 4000, 20, 120
    rng = np.random.default_rng(11)
    base = rng.random((tries, 1, n)) < 0.6
    found = rng.random((tries, models, n)) < 0.6
    wins, losses = (found & ~base).sum(axis=2), (~found & base).sum(axis=2)
    p = binom.sf(wins - 1, wins + losses, 0.5)  # what sign_flip comes to, where scores are right or wrong
    levels = np.array([Look(number, models).alpha for number in range(1, models + 1)])
    with_ledger, without = ((p <= level).any(axis=1).mean() for level in (levels, ALPHA))
    assert with_ledger <= binom.ppf(0.999, tries, ALPHA) / tries
    assert with_ledger < ALPHA
    assert without > 5 * ALPHA
    # The first pieces of it through the code that judges.
    for one in range(3):
        for number in range(1, models + 1):
            look = Look(number, models)
            status, _ = compared(WIN, int(wins[one, number - 1]), int(losses[one, number - 1]), look)
            assert (status is Status.SHIP) == (p[one, number - 1] <= look.alpha)


def test_a_run_that_is_scored_again_keeps_its_look(project: MiniProject) -> None:
    for wrong in (1, 2):
        candidate(project, wrong)
        looked(project, identity=f"run-{wrong}")
    [judged] = project.session(["tuned"], identity="run-2").judge_selection(
        {"mood": {"tuned": list(project.right("test"))}}
    )
    (tuned,) = (model_run.participant for model_run in judged.model_runs if model_run.participant.name == "tuned")
    assert tuned.look == 2
    older = {"name": "x", "role": "backend", "spec": "", "fingerprint": "", "keys": {}, "reasons": {}}
    [request] = load_requests(
        {"id": "run-0", "tasks": [{"task": "mood", "split": "test", "columns": [{"entrant": older}]}]},
        no_rows,
    )
    assert request.participations[0].participant.look == 0


def test_a_renewed_split_goes_to_train_and_the_count_begins_again(
    project: MiniProject, capsys: pytest.CaptureFixture[str]
) -> None:
    looked(project)
    held_out = (project.folder / "test.jsonl").read_text().splitlines()
    taught = (project.folder / "train.jsonl").read_text().splitlines()
    main(["--root", str(project.root), "freeze", "--renew", "mood"], standalone_mode=False)
    assert "12 examples went from test.jsonl to train.jsonl" in capsys.readouterr().out
    assert (project.folder / "train.jsonl").read_text().splitlines() == taught + held_out
    assert any("test.jsonl" in problem for problem in project.problems())
    project.split("test", [json.loads(line.replace('"t-', '"u-').replace("is t-", "is u-")) for line in held_out])
    project.answers("tuned", project.right())
    project.answers("base", project.right())
    main(["--root", str(project.root), "freeze", "mood"], standalone_mode=False)
    assert looked(project, identity="run-2") == [spent(1)]
    assert [sorted(line) == ["renewed"] for line in lines(project)] == [False, True, False]


STAGES = {
    "while train is written": ("open", "wb", 1),
    "as train is put in its place": ("replace", "", 1),
    "as test is taken away": ("unlink", "", 1),
    "while what is left is frozen": ("open", "wb", 2),
    "as what is frozen is put in its place": ("replace", "", 2),
    "as the renewal is noted": ("open", "a", 1),
}
"""The method of Path that fails there, with the mode that it is called with, and at which call."""


@pytest.mark.parametrize(("stage", "mode", "count"), STAGES.values(), ids=STAGES)
def test_what_can_not_be_renewed_is_left_as_it_is(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch, stage: str, mode: str, count: int
) -> None:
    from evalkit.golden import freeze as frozen

    looked(project)
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


def test_the_looks_of_our_own_tasks_can_be_read() -> None:
    for folder in sorted((Path(__file__).parents[2] / "golden").iterdir()):
        for line in read(folder):
            assert line is None or (line.model and line.run and len(line.candidate) in (12, 64))


def test_a_bound_that_no_draw_could_tell_is_none() -> None:
    """Of three groups that differ, a level of a millionth says nothing, and takes no hour to say so."""
    groups = ["a", "a", "b", "b", "c", "c"]
    found = paired([1, 0.5, 1, 1, 1, 0.25], [0, 0, 0, 0, 0.5, 0], groups, alpha=1e-6)
    assert (found.decisive.low, found.decisive.high) == (-1.0, 1.0)
    assert found.difference.low is not None
    assert found.difference.low > -1
