"""The project at hand is the nearest folder whose pyproject.toml has a table [tool.evalkit]."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit._internal.toml import find_project, read_table
from evalkit.errors import ConfigError


def write(folder: Path, content: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "pyproject.toml").write_bytes(data)
    return folder


def test_the_project_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    root = write(tmp_path / "work", "[tool.evalkit]\n")
    below = write(root / "packages" / "one", "[tool.other]\n")
    (below / "pytest.ini").write_text("[pytest]\n")
    assert find_project(root) == root
    assert find_project(below) == root


def test_the_nearest_project_wins(tmp_path: Path) -> None:
    write(tmp_path, "[tool.evalkit]\n")
    inner = write(tmp_path / "inner", '[tool.evalkit.backends]\nbase = "gguf:m"\n')
    assert find_project(inner / "suites") == inner


@pytest.mark.parametrize(
    "content",
    ["", "[tool.other]\nx = 1\n", '[project]\ndependencies = ["pytest-evalkit"]\n', "tool = 'evalkit'\n", "[tool.evl"],
)
def test_a_project_of_others_is_none_of_ours(tmp_path: Path, content: str) -> None:
    assert find_project(write(tmp_path, content)) is None


@pytest.mark.parametrize("content", ["[tool.evalkit]\nbackend =\n", b"[tool.evalkit]\n# caf\xe9\n", "[tool.evalkit"])
def test_a_project_whose_file_is_broken_is_found_and_refused(tmp_path: Path, content: str | bytes) -> None:
    root = write(tmp_path, content)
    assert find_project(root) == root
    with pytest.raises(ConfigError, match=r"pyproject\.toml: not valid TOML"):
        read_table(root)


def test_a_folder_called_pyproject_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    assert find_project(tmp_path) is None
