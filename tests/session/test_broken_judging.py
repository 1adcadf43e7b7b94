"""A mistake of ours while an answer is scored, or a task judged, loses nothing that was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import HarnessError, NotAnswered
from evalkit.judging.answer import Grader
from evalkit.models.cache import Store
from evalkit.runs.rescore import rescore
from evalkit.session.finish import FinishedRun, finish
from evalkit.session.session import EvalSession

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def one_breaks(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Scoring t-03 breaks until that is undone."""
    real = Grader.grade

    def grade(self: Grader, backend: str, example: Any, *more: Any) -> Any:
        if example.id == "t-03" and backend == "tuned":
            raise IndexError("list index out of range")
        return real(self, backend, example, *more)

    monkeypatch.setattr(Grader, "grade", grade)
    return monkeypatch


def finished(session: EvalSession) -> FinishedRun:
    return finish(session, session.selection, "pytest suites", {"passed": 12})


@pytest.mark.usefixtures("one_breaks")
def test_an_answer_that_can_not_be_scored_is_named_and_the_others_are(project: MiniProject) -> None:
    session = project.asked(("tuned",), ("base",))
    with pytest.raises(NotAnswered, match=r"tuned on t-03: its answer is stored and could not be scored \(IndexError"):
        session.answer("mood", "tuned", "t-03")
    assert session.answer("mood", "tuned", "t-04").strict


@pytest.mark.usefixtures("one_breaks")
def test_its_run_is_stored_and_red_and_says_which_answer_it_was(project: MiniProject) -> None:
    run = finished(project.asked(("tuned",), ("base",)))
    [task] = run.run.tasks
    tuned = next(model for model in task.model_runs if model.name == "tuned")
    assert run.exit_code == 1
    assert list(tuned.unanswered) == ["t-03"]
    assert tuned.rates["test"]["strict"].n == 11


def test_the_run_is_judged_again_once_the_mistake_is_mended(
    project: MiniProject, one_breaks: pytest.MonkeyPatch
) -> None:
    session = project.asked(("tuned",), ("base",))
    name = finished(session).run.id
    one_breaks.undo()
    store = Store(session.config.store)
    again = rescore(session.config, store, session.runs, name)
    store.close()
    [task] = again.run.tasks
    assert [str(verdict.status) for verdict in task.verdicts] == ["SHIP"]


def test_a_task_whose_judging_breaks_is_stored_without_figures_and_judged_again(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = project.asked(("tuned",), ("base",))
    with monkeypatch.context() as broken:
        broken.setattr("evalkit.session.results.judge_task", lambda *_: 1 // 0)
        run = finished(session)
        with pytest.raises(HarnessError, match=r"judging mood broke \(ZeroDivisionError"):
            session.verdict("mood", "tuned")
    assert (run.exit_code, run.run.tasks[0].problem[:17]) == (1, "ZeroDivisionError")
    store = Store(session.config.store)
    again = rescore(session.config, store, session.runs, run.run.id)
    store.close()
    assert [str(verdict.status) for verdict in again.run.tasks[0].verdicts] == ["SHIP"]
