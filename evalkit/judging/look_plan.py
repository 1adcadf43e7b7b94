"""How many candidates a test split is for: what was frozen, else what task.toml says, else a proposal."""

from __future__ import annotations

from evalkit.golden import freeze as frozen
from evalkit.golden.looks import PLANNED
from evalkit.golden.model import Task
from evalkit.models.backends.floors import FLOORS


def planned_looks(task: Task) -> int:
    """How many candidates the test split of ``task`` is for. Raises FrozenError where frozen.json can't be read."""
    return frozen.planned(task.folder) or task.planned_looks or proposed_looks(task)


def proposed_looks(task: Task) -> int:
    """What to plan where task.toml says nothing: three candidates, and each declared rival that is shown."""
    return PLANNED + len(rivals_to_show(task))


def rivals_to_show(task: Task) -> set[str]:
    """The declared rivals whose figures count when they are shown.

    Floors answer without reading, and a parent is a candidate's own, so that neither is chosen by what was seen of it.
    """
    return {name for hypothesis in task.hypotheses for name in hypothesis.against} - {"parent", *FLOORS}


def needed_for_margins(task: Task, alpha: float) -> dict[float, int | None]:
    """How many independent examples each declared margin takes at the level ``alpha``, for power 0.8 where nothing is
    lost and 5 in 100 answers flip; None where no number is enough."""
    from evalkit.stats.margin_power import examples_for_margin_with_flips  # not needed to begin a session

    margins = sorted({hypothesis.margin for hypothesis in task.hypotheses if hypothesis.margin})
    return {margin: examples_for_margin_with_flips(margin, alpha=alpha) for margin in margins}
