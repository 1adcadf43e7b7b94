"""A project that may only be read can be scored again: it is shown, judged, and not stored."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from evalkit.cli.main import main
from evalkit.golden.freeze import freeze
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.5}'


@pytest.fixture
def stored(project: MiniProject) -> Iterator[MiniProject]:
    """A project with a run of a frozen split, that other users can reach."""
    # Not below tmp_path, where nobody else may look.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        there = type(project)(Path(folder, "project"))
        freeze(there.folder, there.task().splits)
        there.answers("tuned", there.right() | {f"t-{number:02}": BAD for number in range(1, 7)})
        session = there.asked(("tuned",))
        finish(session, session.selection, "pytest suites", {})
        session.close()
        rescore(there)  # what a command imports at first use can't be read by everyone
        yield there


@contextmanager
def as_a_reader(root: Path) -> Iterator[None]:
    """Nothing below ``root`` may be written: root may always, so another user looks at it."""
    user = os.geteuid()
    paths = [root, *root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def rescore(project: MiniProject) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "rescore", "run-1"], catch_exceptions=False)


def test_it_is_judged_as_where_it_can_be_stored_and_says_that_it_is_not(stored: MiniProject) -> None:
    there = rescore(stored)
    before = (stored.root / ".evalkit" / "store.sqlite").read_bytes()
    with as_a_reader(stored.root):
        here = rescore(stored)
    assert (here.exit_code, here.stdout) == (there.exit_code, there.stdout)
    assert there.exit_code == 1
    assert "store.sqlite: it can't be written to: run-1-rescored is shown here and is not stored" in here.stderr
    assert (stored.root / ".evalkit" / "store.sqlite").read_bytes() == before


def test_a_look_that_can_t_be_written_down_shows_nothing(stored: MiniProject) -> None:
    (stored.folder / "looks.jsonl").unlink()
    with as_a_reader(stored.root):
        result = rescore(stored)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "looks.jsonl: can't be written: " in result.stderr
