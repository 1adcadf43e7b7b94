"""The main job on the real thing: this project's golden data, base, adapter and suite, in a project of their own."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.fetch import base_gguf

ROOT = Path(__file__).parents[1]
FEW = "riksbank or sudan"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy without a store, so that every answer comes from a model that is asked here and now."""
    base_gguf()
    folder = tmp_path_factory.mktemp("project")
    for name in ("golden", "suites", "fixtures/adapters"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def run(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "suites", "-p", "no:cacheprovider", *args]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=540, check=False)


def answers(project: Path) -> dict[str, dict[str, str]]:
    """What the store of ``project`` holds: ``{fingerprint: {example: text}}``."""
    with closing(sqlite3.connect(project / ".evalkit" / "store.sqlite")) as store:
        rows = store.execute("select fingerprint, example_id, completion from completions").fetchall()
    found: dict[str, dict[str, str]] = {}
    for mark, example, completion in rows:
        found.setdefault(mark, {})[example] = json.loads(completion)["text"]
    return found


def test_base_and_tuned_answer_real_examples_and_only_the_tuned_one_in_json(project: Path) -> None:
    done = run(project, "--backend=tuned", "--backend=base", "-k", f"test_json and ({FEW})")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stdout.splitlines()[-1], done.stdout
    assert "no verdict" in done.stdout
    texts = [text for mark in answers(project).values() for text in mark.values()]
    readable = sum(text.lstrip().startswith("{") and "relevance" in json.loads(text) for text in texts if _is_json(text))
    assert readable >= len(texts) // 2


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def test_the_same_again_asks_no_model(project: Path) -> None:
    before = answers(project)
    done = run(project, "--backend=tuned", "--backend=base", "-k", f"test_json and ({FEW})")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "asking" not in done.stdout
    assert answers(project) == before
