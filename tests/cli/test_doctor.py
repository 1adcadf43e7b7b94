"""The doctor says of each thing that a run needs whether it is there, and what to do where it is not."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from evalkit.cli.main import main
from evalkit.session import checkup
from evalkit.session.checkup import EXTRAS

if TYPE_CHECKING:
    from conftest import MiniProject

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalkit.cli.doctor.find_command_problem", lambda: None)


def doctor(project: MiniProject, *backends: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "doctor", *backends], catch_exceptions=False)


def test_where_all_is_there_nothing_is_wrong(project: MiniProject) -> None:
    project.frozen.freeze()
    result = doctor(project, "tuned")
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[-1]) == (0, "nothing is wrong")
    assert "ok     golden task mood: 12 test examples" in lines
    assert any(line.startswith("ok     backend tuned (") for line in lines)


def test_a_backend_that_cannot_be_opened_is_told_with_the_reason(project: MiniProject) -> None:
    result = doctor(project, "ollama:no-such-model@")
    assert (result.exit_code, "WRONG  backend ollama:no-such-model@ can't be opened" in result.stdout) == (1, True)


def test_broken_golden_data_are_told_with_their_place(project: MiniProject) -> None:
    project.write("golden/mood/test.jsonl", "{")
    result = doctor(project, "tuned")
    assert result.exit_code == 1
    assert "golden/mood/test.jsonl:1: not valid JSON" in result.stdout


def test_a_full_disk_is_told(project: MiniProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "LEAST_FREE", 1 << 62)
    assert "GiB of disk are free\n       make room before a run" in doctor(project, "tuned").stdout


def test_a_package_that_is_not_there_comes_with_the_line_that_installs_it(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "find_spec", lambda _: None)
    result = doctor(project, "tuned")
    assert "-      openai: openai not installed\n       pip install 'pytest-evalkit[openai]'" in result.stdout
    assert result.stdout.splitlines()[-1] == "nothing is wrong"  # nobody needs all of them


def test_every_extra_of_the_package_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert EXTRAS.keys() == project["optional-dependencies"].keys() - {"all"}
