"""Where there is no Ollama, what is missing is said; where there is, it runs beside a command and ends with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from evalkit.errors import MissingModel
from fixtures import ollama

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(monkeypatch, tmp_path: Path) -> None:
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


def test_a_command_finds_the_server_beside_it_and_hands_its_exit_code_on(tmp_path: Path) -> None:
    if reason := ollama.why_not():
        pytest.skip(reason)
    told = tmp_path / "told"
    script = f"""
        import os, sys, urllib.request
        place = os.environ["OLLAMA_HOST"]
        urllib.request.urlopen(f"http://{{place}}/api/version")
        open({str(told)!r}, "w").write(place)
        sys.exit(7)
    """
    assert ollama.run_beside(tmp_path / "home", [sys.executable, "-c", dedent(script)]) == 7
    with pytest.raises(URLError):
        urlopen(f"http://{told.read_text()}/api/version")
