"""Where there is no Ollama, what is missing is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import MissingModel
from fixtures import ollama

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Ollama, no Go and no compiler."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("bare")
def test_without_ollama_and_without_go_both_remedies_are_told() -> None:
    with pytest.raises(MissingModel, match=r"no ollama on PATH, .*go and gcc and g\+\+ would be needed\. Inst"):
        ollama.ollama()


@pytest.mark.usefixtures("bare")
def test_the_command_says_so_without_a_traceback() -> None:
    command = [sys.executable, "-m", "fixtures", "ollama"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith("error: there is no ollama on PATH")
