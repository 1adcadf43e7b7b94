"""Rivals that a task declares of a tested model: which of them take part though nobody named them, and why not all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from evalkit.golden.model import Task
from evalkit.judging.not_judged import Absent, WhyNotJudged
from evalkit.judging.planned import NO_PARENT, Lineup, declared_comparisons
from evalkit.models.backends.floors import FLOORS


def declared_rivals(
    task: Task,
    lineup: Lineup,
    rungs: Collection[str],
    problem: Callable[[str], str | None],
    costs: Callable[[str], bool],
) -> Mapping[str, Absent | None]:
    """Every rival that ``task`` declares of the backends and that nobody named, with why it takes no part; None where
    it does, because it can be opened and its answers cost nothing each."""
    named = {*lineup.backends, *lineup.against, *rungs, *FLOORS, NO_PARENT}
    names = dict.fromkeys(plan.against for plan in declared_comparisons(task, lineup) if plan.against not in named)
    return {name: _absent(name, problem, costs) for name in names}


def candidates_of(task: Task, lineup: Lineup, rival: str) -> Sequence[str]:
    """The backends of which something is declared against ``rival``."""
    return [*dict.fromkeys(plan.candidate for plan in declared_comparisons(task, lineup) if plan.against == rival)]


def _absent(name: str, problem: Callable[[str], str | None], costs: Callable[[str], bool]) -> Absent | None:
    if (what := problem(name)) is not None:
        return Absent(WhyNotJudged.NOT_OPENED, what)
    return Absent(WhyNotJudged.COSTS) if costs(name) else None
