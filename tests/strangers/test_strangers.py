"""Installed and unused: projects that have nothing of evalkit run beside other plugins as if it were not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

STRANGERS = Path(sys.prefix) / "strangers"
"""Where `make test` installs plugins of other people: apart, so that pytest loads them in these tests alone."""

PLUGINS = {
    "pytest_asyncio": ("asyncio", ()),
    "pytest_cov": ("pytest_cov", ("--cov=.",)),
    "pytest_html": ("html", ("--html=report.html",)),
    "pytest_json_report": ("pytest_jsonreport", ("--json-report",)),
    "pytest_randomly": ("randomly", ()),
    "pytest_rerunfailures": ("rerunfailures", ("--reruns=1",)),
    "pytest_sugar": ("sugar", ()),
    "pytest_timeout": ("timeout", ("--timeout=60",)),
    "xdist": ("xdist", ("-n", "2")),
}
"""Each plugin by its distribution: the name that pytest loads it by, and the options with which it does something."""

BESIDE = {
    "pytest_html": ("-p", "metadata"),
    "pytest_json_report": ("-p", "metadata"),
}

LIGHT = """
import sys

HEAVY = ("click", "filelock", "jinja2", "jsonschema", "numpy", "pydantic", "rich", "scipy")
ROOMS = ("scorers", "stats", "golden", "models", "judging", "runs", "reports", "session", "cli")


def test_light():
    assert "evalkit.plugin.hooks" in sys.modules
    loaded = {name.partition(".")[0] for name in sys.modules} & set(HEAVY)
    assert not loaded, loaded
    rooms = {name for name in sys.modules if name.startswith("evalkit.") and name.split(".")[1] in ROOMS}
    assert not rooms, rooms
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project, but for one test, far from this one."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    return folder


def start(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest with evalkit and the plugins that are named, and no other."""
    environment = {
        **os.environ, "PYTHONPATH": str(STRANGERS),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "evalkit", *options]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def words_of_evalkit(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Lines with a word of evalkit; pytest's own list of plugins apart, where every plugin stands."""
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if "evalkit" in line and not line.startswith("plugins: ")]


def loading(*names: str) -> list[str]:
    return [word for name in names for word in (*BESIDE.get(name, ()), "-p", PLUGINS[name][0], *PLUGINS[name][1])]


@pytest.fixture
def strangers() -> Path:
    if not STRANGERS.is_dir():
        pytest.skip(f"{STRANGERS} is not there: `make .venv/.test` installs the plugins of the group strangers into it")
    return STRANGERS


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize("names", [*([name] for name in PLUGINS), [*PLUGINS]], ids=[*PLUGINS, "all together"])
def test_an_empty_project_runs_beside_another_plugin_without_a_word_of_evalkit(
    project: Path, names: Sequence[str]
) -> None:
    done = start(project, *loading(*names))
    assert done.returncode == 0, done.stdout + done.stderr
    assert words_of_evalkit(done) == []


@pytest.mark.usefixtures("strangers")
def test_every_plugin_of_the_group_is_run_beside_evalkit() -> None:
    installed = {path.name.partition("-")[0] for path in STRANGERS.glob("pytest_*.dist-info")}
    assert installed - {"pytest_metadata"} == PLUGINS.keys() - {"xdist"}


@pytest.mark.usefixtures("strangers")
def test_coverage_without_xdist_runs(project: Path) -> None:
    # pytest-cov names hooks of xdist, whether or not that is there.
    done = start(project, "-p", "no:xdist", *loading("pytest_cov"))
    assert (done.returncode, "INTERNALERROR" in done.stdout + done.stderr) == (0, False), done.stdout


def test_nothing_is_written_and_nothing_else_is_imported(project: Path) -> None:
    (project / "test_nothing.py").write_text(LIGHT)
    before = sorted(project.rglob("*"))
    done = start(project)
    assert done.returncode == 0, done.stdout
    assert words_of_evalkit(done) == []
    assert sorted(project.rglob("*")) == before


def test_the_output_is_the_very_same_with_and_without_evalkit(project: Path) -> None:
    (project / "test_nothing.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    lines = [start(project, "-v", *options).stdout.splitlines() for options in ((), ("-p", "no:evalkit"))]
    with_it, without = ([line for line in of if not line.startswith(("plugins: ", "====="))] for of in lines)
    assert with_it == without


@pytest.mark.usefixtures("strangers")
def test_it_is_as_silent_where_pytest_loads_all_plugins_by_itself(project: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(STRANGERS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, words_of_evalkit(done)) == (0, [])
    loaded = next(line for line in done.stdout.splitlines() if line.startswith("plugins: "))
    assert all(f"{name}-" in loaded for name in ("evalkit", "cov", "randomly", "timeout", "xdist"))


def test_reports_of_pytest_hold_nothing_of_evalkit(project: Path) -> None:
    done = start(project, "--junitxml=out.xml", "-rA")
    assert done.returncode == 0
    assert "evalkit" not in (project / "out.xml").read_text()


@pytest.mark.parametrize("table", ["", "[tool.evalkit]\n"], ids=["a stranger's", "one of evalkit"])
@pytest.mark.parametrize("name", ["--backend", "--against", "--split", "--lineage"])
def test_an_option_that_a_project_registers_itself_stays_its_own(project: Path, name: str, table: str) -> None:
    (project / "pyproject.toml").write_text(table)
    (project / "conftest.py").write_text(
        f"def pytest_addoption(parser):\n    parser.addoption({name!r}, default='a')\n"
    )
    (project / "test_nothing.py").write_text(
        f"def test_own(request):\n    assert request.config.getoption({name!r}) == 'b'\n"
    )
    done = start(project, f"{name}=b", "test_nothing.py")
    assert done.returncode == 0, done.stdout + done.stderr
