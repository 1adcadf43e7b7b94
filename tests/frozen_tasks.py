"""Freezes the tasks of a test's project as they stand, so that what is run of them has a verdict."""

from __future__ import annotations

import tomllib
from pathlib import Path

from evalkit.errors import FrozenError
from evalkit.golden.freeze import freeze, planned, verify
from evalkit.golden.model import SPLITS


class FrozenTasks:
    """The tasks in the folder ``golden``. One that a test has frozen itself is left as it is; a copy is frozen anew."""

    def __init__(self, golden: Path) -> None:
        self.golden = golden
        self.wanted = True
        self._written: dict[Path, str] = {}

    def never(self) -> None:
        """From now on nothing is frozen, and nothing that was frozen here is frozen any more."""
        self.wanted = False
        for file in self._written:
            file.unlink(missing_ok=True)

    def freeze(self) -> None:
        """What can't be read is not frozen: the run says what is wrong with it."""
        for task in self.golden.glob("*/task.toml") if self.wanted else ():
            folder = task.parent
            file = folder / "frozen.json"
            if file.exists() and file.read_text("utf-8") not in self._written.values():
                continue
            splits = {name: () for name in SPLITS if (folder / f"{name}.jsonl").is_file()}
            try:
                if not _holds(folder, splits) or _plan(folder) not in (None, planned(folder)):
                    freeze(folder, splits, _plan(folder))
                self._written[file] = file.read_text("utf-8")
            except (OSError, ValueError, KeyError, TypeError):
                file.unlink(missing_ok=True)


def _plan(folder: Path) -> int | None:
    looks = tomllib.loads((folder / "task.toml").read_text("utf-8")).get("looks")
    return looks.get("planned") if isinstance(looks, dict) else None


def _holds(folder: Path, splits: dict[str, tuple[()]]) -> bool:
    try:
        return verify(folder, splits)
    except FrozenError:
        return False
