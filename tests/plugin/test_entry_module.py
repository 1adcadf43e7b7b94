"""The door of pytest and of the command line: it leads to evalkit, or says who is in its place, and breaks nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from mini_project import Project

import evalkit.plugin
import evalkit.plugin.hooks
import pytest_evalkit


def test_the_entry_point_is_called_evalkit_and_leads_to_the_module_of_the_hooks() -> None:
    (entry,) = entry_points(group="pytest11", name="evalkit")
    assert entry.load() is evalkit.plugin.hooks


def test_the_command_comes_through_the_same_door() -> None:
    (entry,) = entry_points(group="console_scripts", name="evalkit")
    assert entry.load() is pytest_evalkit.main


def test_the_room_itself_holds_no_hook() -> None:
    assert not [name for name in vars(evalkit.plugin) if name.startswith("pytest_")]


@pytest.fixture
def installed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project as pytest finds it in an environment: plugins are loaded by their entry points."""
    project = Project(pytester, monkeypatch)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    return project


def run(project: Project, *args: str) -> pytest.RunResult:
    project.frozen.freeze()
    return project.pytester.run(sys.executable, "-m", "pytest", "-p", "no:anyio", "-p", "no:hypothesispytest", *args)


@pytest.mark.parametrize("option", [(), ("-p", "evalkit")], ids=["entry point", "entry point and -p"])
def test_it_is_loaded_once(installed: Project, option: Sequence[str]) -> None:
    installed.write("conftest.py", 'pytest_plugins = ["evalkit.plugin"]\n')
    result = run(installed, "suites", "--backend=good", *option)
    result.stdout.fnmatch_lines(["moods * good: SHIP.*"])
    assert result.ret == 0


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_it_can_be_switched_off(installed: Project, workers: Sequence[str]) -> None:
    installed.write("tests/test_own.py", "def test_own(pytestconfig):\n    assert True\n")
    result = run(installed, "tests", "-p", "no:evalkit", *workers)
    result.assert_outcomes(passed=1)
    assert run(installed, "suites", "-p", "no:evalkit", "--backend=good").ret == 4


# -- another package in its place ---------------------------------------------------------------------


@pytest.fixture
def overwritten(tmp_path: Path) -> Path:
    """A folder of installed packages where ``llm-evalkit`` has overwritten ``evalkit`` and the command."""
    site = tmp_path / "site"
    (site / "evalkit").mkdir(parents=True)
    (site / "evalkit" / "__init__.py").write_text("raise SystemExit('nobody asked for this to be imported')\n")
    info = site / "llm_evalkit-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-evalkit\nVersion: 1.0\n")
    (info / "RECORD").write_text("evalkit/__init__.py,,\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nevalkit = evalkit:main\n")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return site


def start(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=site.parent, env=environment, capture_output=True, text=True, check=False
    )


def test_a_run_says_in_one_line_who_is_in_the_place_of_evalkit_and_goes_on(overwritten: Path) -> None:
    done = start(overwritten, "pytest", "test_own.py")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("evalkit:")]
    assert line == (
        f"evalkit: switched off: the module evalkit ({overwritten}/evalkit/__init__.py) is that of llm-evalkit. "
        "Uninstall llm-evalkit, then: pip install --force-reinstall pytest-evalkit"
    )
    assert "1 passed" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_who_types_an_option_of_evalkit_is_told_why_there_is_none(overwritten: Path) -> None:
    done = start(overwritten, "pytest", "test_own.py", "--backend=tuned")
    assert done.returncode == 4
    assert "  evalkit: switched off: the module evalkit (" in done.stderr


def test_the_command_says_who_is_in_the_place_of_evalkit(overwritten: Path) -> None:
    done = start(overwritten, "pytest_evalkit", "show", "latest", "h01")
    assert done.returncode == 4
    assert "is that of llm-evalkit. Uninstall llm-evalkit, then: pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_that_overwrote_a_part_is_named_too(overwritten: Path) -> None:
    mark = pytest_evalkit._MARK.decode()
    (overwritten / "evalkit" / "__init__.py").write_text(f"{mark}\n")  # and evalkit.plugin is gone
    done = start(overwritten, "pytest", "test_own.py")
    assert "evalkit: switched off: llm-evalkit overwrote a part of it (" in done.stdout
    assert done.returncode == 0


def test_a_module_that_nobody_installed_is_named_by_its_place(overwritten: Path) -> None:
    for file in overwritten.glob("*.dist-info/*"):
        file.unlink()
    done = start(overwritten, "pytest", "test_own.py")
    place = overwritten / "evalkit" / "__init__.py"
    assert f"evalkit: switched off: `import evalkit` leads to {place}, which is not pytest-evalkit" in done.stdout
    assert done.returncode == 0


def test_a_command_of_another_package_is_told_in_a_project_of_evalkit(
    overwritten: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(pytester, monkeypatch)
    monkeypatch.syspath_prepend(overwritten)
    script = project.write("bin/evalkit", "#!/usr/bin/python3\nfrom evalkit import main\nmain()\n")
    monkeypatch.setattr(sys, "executable", str(project.root / "bin" / "python"))
    result = project.run("suites", "--backend=good", "-k", "h01")
    result.stdout.fnmatch_lines([f"evalkit: the command {script} is that of llm-evalkit; write: python -m pytest_*"])
    project.write("bin/evalkit", "from pytest_evalkit import main\n")
    project.run("suites", "--backend=good", "-k", "h01").stdout.no_fnmatch_line("evalkit: the command*")
