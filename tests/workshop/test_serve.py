"""A server of Ollama runs beside a command, and ends with it."""

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

from fixtures.ollama import find_ollama
from fixtures.serve import run_beside

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(find_ollama() is None, reason="there is no Ollama here; `make ollama` builds one")


def test_a_command_finds_the_server_beside_it_and_hands_its_exit_code_on(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"""
        import os, sys, urllib.request
        place = os.environ["OLLAMA_HOST"]
        urllib.request.urlopen(f"http://{{place}}/api/version")
        open({str(told)!r}, "w").write(place)
        sys.exit(7)
    """
    assert run_beside(tmp_path / "home", [sys.executable, "-c", dedent(script)]) == 7
    with pytest.raises(URLError):
        urlopen(f"http://{told.read_text()}/api/version")


def test_ctrl_c_ends_the_command_and_the_server(tmp_path: Path) -> None:
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
        from fixtures.serve import run_beside
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
