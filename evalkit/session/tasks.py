"""The golden tasks of a session: each read, held against what was frozen, and linted once, when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evalkit.errors import ConfigError, GoldenError, Problem, UnknownName
from evalkit.golden import freeze as frozen
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.waivers import lint
from evalkit.golden.loader import find_tasks, load_task
from evalkit.golden.model import Task


class GoldenTasks:
    """The tasks in ``folder``. One that nobody asks for is not read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tasks: dict[str, Task] = {}
        self._frozen: dict[str, bool] = {}
        self._findings: dict[str, tuple[Finding, ...]] = {}

    @property
    def read(self) -> Mapping[str, Task]:
        """The tasks that were read so far, by name."""
        return self._tasks

    def need_some(self) -> dict[str, Path]:
        """The folders of all tasks, by name. Raises ConfigError where there is none."""
        folders = find_tasks(self.folder)
        if not folders:
            raise ConfigError(f"{self.folder}: no golden task there (a folder with a task.toml)")
        return folders

    def task(self, name: str) -> Task:
        """The task called ``name``. Raises UnknownName, GoldenError, or FrozenError where it is not what was frozen."""
        if name not in self._tasks:
            folders = find_tasks(self.folder)
            if name not in folders:
                remedy = f"Tasks are the folders of {self.folder} that hold a task.toml."
                raise UnknownName("task", name, folders, remedy)
            task = load_task(folders[name], verify=False)
            self._frozen[name] = frozen.verify(task.folder, task.splits)
            self._tasks[name] = task
        return self._tasks[name]

    def all(self) -> list[Task]:
        """Every task there is. Raises GoldenError with the problems of all of them, else as ``task``."""
        problems: list[Problem] = []
        for name in self.need_some():
            try:
                self.task(name)
            except GoldenError as error:
                problems.extend(error.problems)
        if problems:
            raise GoldenError(problems)
        return [self._tasks[name] for name in self.need_some()]

    def is_frozen(self, task: Task) -> bool:
        """Whether ``task`` was frozen, and so is what it was then."""
        return self._frozen[task.name]

    def findings(self, task: Task) -> tuple[Finding, ...]:
        """What ``evalkit lint`` finds in the examples of ``task``, waived or not; notes are left out."""
        if task.name not in self._findings:
            self._findings[task.name] = tuple(finding for finding in lint(task) if finding.level != "note")
        return self._findings[task.name]
