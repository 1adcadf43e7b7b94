"""Two runs are compared on what both have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evalkit.errors import ConfigError, UnknownName
from evalkit.runs.build import make_run
from evalkit.runs.compare import in_both, scored_model
from evalkit.runs.record import Run

if TYPE_CHECKING:
    from conftest import MiniProject


def test_runs_are_compared_on_every_model_that_both_have(project: MiniProject) -> None:
    first = make_run("run-1", [project.asked(("tuned",), ("base",)).judged("mood")], "", {})
    second = make_run("run-2", [project.asked(("tuned",), identity="run-2").judged("mood")], "", {})

    def pairs(*runs: Run, backends: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        before, after = runs
        return [(one, other) for _, one, _, other in in_both(before, after, backends)]

    assert pairs(first, second) == [("tuned", "tuned"), ("base", "base")]  # the second asked base too
    assert pairs(first, first) == [("tuned", "tuned"), ("base", "base")]
    assert pairs(first, first, backends=("base",)) == [("base", "base")]
    assert pairs(first, second, backends=("base", "majority")) == [("base", "majority")]
    with pytest.raises(UnknownName, match="unknown backend of run run-1 'bases'"):
        pairs(first, second, backends=("bases",))
    with pytest.raises(ConfigError, match="got a, b, c, expected one model, or one of each run"):
        pairs(first, second, backends=("a", "b", "c"))
    with pytest.raises(ConfigError, match="runs run-1 and run-3 have no task with a model in both"):
        pairs(first, make_run("run-3", [], "", {}))


def test_a_stored_run_has_the_scores_of_the_one_that_ends(project: MiniProject) -> None:
    session = project.asked(("tuned",))
    judged = session.judged("mood")
    session.runs.save(make_run("run-1", [judged], "", {}), session.rows("mood"))
    [stored] = session.runs.run("run-1").tasks
    assert scored_model(stored, "tuned", session.runs.rows("run-1")) == scored_model(
        judged, "tuned", session.rows("mood")
    )


def test_a_model_that_is_not_in_the_run_is_named(project: MiniProject) -> None:
    with pytest.raises(UnknownName, match=r"unknown backend of this run on mood 'tunde'. Did you mean 'tuned'\?"):
        scored_model(project.asked(("tuned",)).judged("mood"), "tunde", ())
