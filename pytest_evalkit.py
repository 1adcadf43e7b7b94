"""The door to evalkit for pytest and for the command line. It lies outside the package, which others may overwrite.

Several packages of the index install a module or a command called ``evalkit``. Where one of them has taken the place of
ours, this says so in one line, and pytest runs on as if evalkit were not installed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_DISTRIBUTION = "pytest-evalkit"
_MARK = b'__distribution__ = "pytest-evalkit"'
_OUR_COMMAND = (b"pytest_evalkit", b"evalkit.cli")


class SwitchedOff:
    """A plugin in place of evalkit's: it says why, and does nothing else."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.extra_info["evalkit"] = self.problem  # shown beneath "unrecognized arguments: --backend"

    def pytest_report_header(self) -> list[str]:
        return [f"evalkit: {self.problem}"]


def __getattr__(name: str) -> object:
    if name == "plugin":  # at first use: the command line needs no pytest
        return load_plugin()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_plugin() -> object:
    """What pytest registers: the module with the hooks, or a stand-in where another package is in its place."""
    problem = find_problem()
    if problem is None:
        _rewrite_asserts()
        try:
            return import_module("evalkit.plugin.hooks")
        except ImportError as error:
            if not (owners := _others_with_module()):
                raise
            problem = f"switched off: {_owned(owners)} overwrote a part of it ({error}). {_remedy(owners)}"
    return SwitchedOff(problem)


def _rewrite_asserts() -> None:
    """The standard suite's assertions are to be shown as a test's own; of what is imported already it is too late."""
    import pytest

    pytest.register_assert_rewrite("evalkit.testing" if "evalkit" in sys.modules else "evalkit")


def main() -> int:
    """The command ``evalkit``."""
    problem = find_problem()
    if problem is not None:
        print(f"evalkit: {problem}", file=sys.stderr)
        return 4
    from evalkit.cli.main import main as command

    command()
    return 0


def find_problem() -> str | None:
    """Why ``import evalkit`` does not lead to the package of this distribution, and what to do; None where it does."""
    place = _place_of_module()
    if place is not None and _is_ours(place):
        return None
    owners = _others_with_module()
    if owners:
        return f"switched off: the module evalkit ({place}) is that of {_owned(owners)}. {_remedy(owners)}"
    if place is None:
        return f"switched off: its package is not here. Install it again: pip install --force-reinstall {_DISTRIBUTION}"
    return f"switched off: `import evalkit` leads to {place}, which is not {_DISTRIBUTION}. Rename or move that one."


def find_command_problem() -> str | None:
    """Why the command ``evalkit`` of this environment is not ours, and what to write in its place; else None."""
    script = Path(sys.executable).with_name("evalkit")
    try:
        content = script.read_bytes()
    except OSError:
        return None  # not installed as a command, or as an .exe
    if any(mark in content for mark in _OUR_COMMAND):
        return None
    scripts = entry_points(group="console_scripts", name="evalkit")
    owners = sorted({entry.dist.name for entry in scripts if entry.dist is not None} - {_DISTRIBUTION})
    return f"the command {script} is that of {_owned(owners)}; write: python -m {Path(__file__).stem}"


def _place_of_module() -> Path | None:
    try:
        spec = find_spec("evalkit")
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.origin is not None:
        return Path(spec.origin)
    return next((Path(folder) for folder in spec.submodule_search_locations or ()), None)


def _is_ours(place: Path) -> bool:
    try:
        return _MARK in place.read_bytes()
    except OSError:
        return False


def _others_with_module() -> list[str]:
    return sorted(set(packages_distributions().get("evalkit", ())) - {_DISTRIBUTION})


def _owned(owners: list[str]) -> str:
    return " and ".join(owners) or "another package"


def _remedy(owners: list[str]) -> str:
    return f"Uninstall {_owned(owners)}, then: pip install --force-reinstall {_DISTRIBUTION}"


if __name__ == "__main__":
    sys.exit(main())
