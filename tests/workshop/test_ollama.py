"""Where there is no Ollama, what is missing is said; where there is, it runs beside a command and ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from urllib.error import URLError
from urllib.request import urlopen

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


def test_ctrl_c_ends_the_command_and_the_server(tmp_path: Path) -> None:
    if reason := ollama.why_not():
        pytest.skip(reason)
    told = tmp_path / "told"
    script = f"""
        import os, time
        open({str(told)!r} + ".part", "w").write(os.environ["OLLAMA_HOST"])
        os.rename({str(told)!r} + ".part", {str(told)!r})
        time.sleep(60)
    """
    program = dedent(f"""
        import sys
        from pathlib import Path
        from fixtures.ollama import run_beside
        sys.exit(run_beside(Path({str(tmp_path / "home")!r}), [sys.executable, "-c", {dedent(script)!r}]))
    """)
    # A group of its own, as a shell would start it: Ctrl-C reaches all that is in it.
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, start_new_session=True)
    until = time.monotonic() + 60
    while not told.exists():
        assert time.monotonic() < until, "the command was not started"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    with pytest.raises(URLError):
        urlopen(f"http://{told.read_text()}/api/version")
