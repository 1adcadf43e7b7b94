"""What a session holds of each example is bounded (docs/growth.md has the figures)."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

GROWTH = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "growth.py"))
MOST = 30
"""Kilobytes of memory that an example may take: it takes 20, and took 31."""


def peak(root: Path, count: int) -> float:
    """The peak of memory of a session with so many examples, in MiB."""
    GROWTH["build"](root, count)
    subprocess.run([sys.executable, "-m", "evalkit.cli.main", "freeze", "tickets"], cwd=root, check=True)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "evalkit.plugin.hooks", "suites", "--backend=model")
    mebibytes: float = GROWTH["measured"](root, *command)[0]
    return mebibytes


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="the peak of a process is asked for as Unix has it")
def test_an_example_takes_little_memory(tmp_path: Path) -> None:
    few, many = peak(tmp_path / "few", 500), peak(tmp_path / "many", 2_500)
    assert (many - few) * 1024 / 2_000 < MOST
