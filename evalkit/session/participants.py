"""Who takes part in a session: the models that are tested, those they are compared with, rungs of a lineage, floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from evalkit.errors import ConfigError, HarnessError, SetupError, UnknownName
from evalkit.golden.model import Hypothesis, Task
from evalkit.judging.not_judged import Absent, WhyNotJudged
from evalkit.judging.planned import Lineup, Planned, planned_comparisons
from evalkit.models.backends.floors import FLOORS
from evalkit.models.budget import Budget
from evalkit.models.config import Config
from evalkit.models.opened import Model
from evalkit.models.weights.parents import parents_of
from evalkit.models.workbench import Workbench
from evalkit.session.declared_rivals import candidates_of, declared_rivals
from evalkit.session.options import SessionOptions

if TYPE_CHECKING:
    from evalkit.models.weights.merge_check import MergeReport


class Participants:
    """The models of one session, each opened once for a task.

    ``named`` are to be tested, as far as that is known without a task; ``lineage`` is the name of one of
    pyproject.toml and its ``rungs``, None without. Raises UnknownName for a lineage that nobody has.
    """

    def __init__(self, config: Config, options: SessionOptions, budget: Budget) -> None:
        self.config = config
        self.lineage = None if options.lineage is None else (options.lineage, _rungs(config, options.lineage))
        self.rungs = self.lineage[1] if self.lineage else ()
        self._given = tuple(dict.fromkeys(options.backends))
        self._rivals = options.against
        self._bench = Workbench(config, budget=budget)
        self._problems: dict[tuple[str, str], str | None] = {}
        self._declared: dict[str, Mapping[str, Absent | None]] = {}
        self.named = self._given or self.rungs[-1:] or tuple(dict.fromkeys(config.backend))

    def backends(self, task: Task) -> tuple[str, ...]:
        """Who is tested on ``task``: whoever was named, else the last rung of the lineage.

        What is shipped is the last rung. Where it can't run here, the last that can is tested in its place.
        """
        if self._given or not self.rungs:
            return self.named
        runnable = (rung for rung in reversed(self.rungs) if self.problem(rung, task) is None)
        return tuple(islice(runnable, 1)) or self.named

    def against(self, task: Task) -> tuple[str, ...]:
        """Who is only compared with on ``task``: whoever was named, the rungs, and who joins."""
        tested, joining = self.backends(task), self.joining(task)
        return tuple(name for name in dict.fromkeys((*self._rivals, *self.rungs, *joining)) if name not in tested)

    def joining(self, task: Task) -> dict[str, Sequence[str]]:
        """The declared rivals that take part though nobody named them, with the tested models that they are declared
        of: they can be opened, and their answers cost nothing each."""
        named = self._named_lineup(task)
        return {
            name: candidates_of(task, named, name)
            for name, absent in self._declared_rivals(task).items()
            if absent is None
        }

    def absent(self, task: Task) -> dict[str, Absent]:
        """The declared rivals that take no part, and why."""
        return {name: absent for name, absent in self._declared_rivals(task).items() if absent is not None}

    def _declared_rivals(self, task: Task) -> Mapping[str, Absent | None]:
        if task.name not in self._declared:
            self._declared[task.name] = declared_rivals(
                task,
                self._named_lineup(task),
                self.rungs,
                lambda name: self.problem(name, task),
                lambda name: self.model(name, task).is_sold(self.config.prices),
            )
        return self._declared[task.name]

    def _named_lineup(self, task: Task) -> Lineup:
        tested = self.backends(task)
        return Lineup(tested, self._rivals, {name: self.config.alias(name).parent for name in tested}, self.rungs)

    @property
    def compared(self) -> tuple[str, ...]:
        """Who is only compared with, as far as that is known without a task."""
        return tuple(name for name in dict.fromkeys((*self._rivals, *self.rungs)) if name not in self.named)

    def model(self, name: str, task: Task) -> Model:
        """The model that the alias or spec ``name`` is for ``task``. Raises SetupError."""
        return self._bench.open(name, task)

    def problem(self, name: str, task: Task) -> str | None:
        """Why ``name`` can't be run on ``task``; None where it can."""
        place = (task.name, name)
        if place not in self._problems:
            try:
                self.model(name, task)
                self._problems[place] = None
            except SetupError as error:
                self._problems[place] = str(error)
        return self._problems[place]

    def takes_part(self, name: str, task: Task) -> bool:
        """Whether ``name`` is asked of ``task``: not a rung or a rival that nobody named and that can't run."""
        if self._declared_rivals(task).get(name) is not None:
            return False
        return not self._tolerated(name) or self.problem(name, task) is None

    def leave_out(self, name: str, task: Task, reason: str) -> bool:
        """Treats ``name``, which answered nothing of ``task``, as what can't be opened, where its absence is borne: a
        floor, a rung that is not tested, a rival that is declared and that nobody named. Whether it is."""
        declared = self._declared_rivals(task)
        borne = name in FLOORS or name in declared or self._tolerated(name)
        if not borne or name in self.backends(task):
            return False
        if name in declared:
            self._declared[task.name] = {**declared, name: Absent(WhyNotJudged.NOT_OPENED, reason)}
        self._problems[task.name, name] = reason
        return True

    def _tolerated(self, name: str) -> bool:
        """Whether ``name`` is in the session as a rung alone: where it can't run, its column says why."""
        return name in self.rungs and name not in self._given

    def tested(self, task: Task) -> list[str]:
        """The backends that are tested on ``task``."""
        return [name for name in self.backends(task) if self.takes_part(name, task)]

    def comparisons(self, task: Task) -> list[Planned]:
        """What is compared in this session on ``task``."""
        tested = self.tested(task)
        parents = {name: self.config.alias(name).parent for name in tested}
        lineup = Lineup(tested, self.against(task), parents, self.rungs, self.joining(task))
        return planned_comparisons(task, lineup, self.config.baseline_margin)

    def candidate(self, task: Task, name: str) -> str:
        """By what a candidate is known among the looks: which model it is, and how it is asked."""
        return self.model(name, task).candidate

    def merges(self, task: Task) -> list[str]:
        """The tested models, and the rungs that can be run, that are said to be a merge."""
        names = dict.fromkeys((*self.backends(task), *self.rungs))
        stated = (name for name in names if parents_of(self.config, name, task.name) is not None)
        return [name for name in stated if self.takes_part(name, task)]

    def merge(self, task_name: str, name: str) -> MergeReport:
        """Whether the model ``name`` holds what it is said to be a merge of. Raises SetupError for a missing file."""
        from evalkit.models.weights.merge_check import check_merge

        if (stated := parents_of(self.config, name, task_name)) is None:
            raise HarnessError(f"{name}: nothing says what it is a merge of")
        return check_merge(stated.base, stated.adapter, stated.merged)

    def release(self) -> None:
        """Gives back what the models hold; one that is asked again loads again."""
        self._bench.release()

    # -- mistakes -----------------------------------------------------------------------------------

    def need_backend(self) -> None:
        """Raises ConfigError where there is no model to test."""
        if not self.named:
            raise ConfigError(
                'no backend: give --backend=ALIAS, or backend = "ALIAS" in [tool.evalkit] of pyproject.toml'
            )

    def need_models(self, task: Task) -> None:
        """Raises SetupError where a model that was named can't be run on ``task``, or none was named."""
        self.need_backend()
        for name in (*self.backends(task), *self.against(task)):
            if not self._tolerated(name):
                self.model(name, task)

    def check_names(self) -> None:
        """Raises ConfigError or UnknownName for a name that stands for nothing, or for two things."""
        self.need_backend()
        for name in (*self.named, *self._rivals, *self.rungs):
            self.config.alias(name)
        for name in self._rivals:
            if name in self.named:
                raise ConfigError(
                    f"--against={name}: {name} is tested in this session, and tested models are compared with each "
                    f"other anyway; take --against={name} away, or --backend={name}"
                )
        for name in FLOORS:
            if name in self.config.aliases:
                raise ConfigError(f"[tool.evalkit.backends] {name}: is the name of a floor; choose another alias")

    def check_hypothesis(self, task: Task, hypothesis: Hypothesis) -> None:
        """A hypothesis whose names nobody has would never be judged, and the model would ship without it."""
        for name in (hypothesis.candidate, *hypothesis.against):
            if name is None or name == "parent":
                continue
            try:
                self.config.alias(name)
            except UnknownName as error:
                raise ConfigError(f"{hypothesis.where}: {error}") from error
            problem = self.problem(name, task) if name in FLOORS else None
            if problem is not None:
                raise ConfigError(f"{hypothesis.where}: {name!r} can't be judged: {problem}")

    def check_models(self, tasks: Sequence[Task]) -> None:
        """Opens every model for every task. Raises SetupError for one that was named and that no task has."""
        for name in (*self.named, *self.compared):
            if not self._tolerated(name) and all(self.problem(name, task) for task in tasks):
                self.model(name, tasks[0])  # raises again what it raised first


def _rungs(config: Config, lineage: str) -> tuple[str, ...]:
    if lineage not in config.lineages:
        remedy = "Lineages stand in [tool.evalkit.lineage.NAME] of pyproject.toml."
        raise UnknownName("lineage", lineage, config.lineages, remedy)
    return config.lineages[lineage]
