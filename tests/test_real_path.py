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

from fixtures.quantize import base_gguf

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
    """What models answered, by the store of ``project``: ``{fingerprint: {example: text}}``. Floors read no prompt."""
    with closing(sqlite3.connect(project / ".evalkit" / "store.sqlite")) as store:
        rows = store.execute("select fingerprint, example_id, completion from completions").fetchall()
    found: dict[str, dict[str, str]] = {}
    for mark, example, completion in rows:
        answer = json.loads(completion)
        if answer["rendered"] is not None:
            found.setdefault(mark, {})[example] = answer["text"]
    return found


def ask(project: Path, backend: str) -> subprocess.CompletedProcess[str]:
    """Runs the suite's format test on a few examples, and expects that nothing broke."""
    done = run(project, f"--backend={backend}", "-k", f"test_json and ({FEW})")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no verdict" in done.stdout
    return done


def test_the_tuned_model_answers_held_out_examples_in_json(project: Path) -> None:
    ask(project, "tuned")
    [texts] = answers(project).values()
    objects = [json.loads(text) for text in texts.values()]
    judged = [one for one in objects if one.keys() >= {"relevance", "direction", "magnitude"}]
    assert len(judged) > 1
    # It may refuse a good headline, which costs it every field of that example, but not its format.
    assert all(one in judged or one.keys() == {"error"} for one in objects)


def test_the_base_answers_the_same_examples_otherwise_and_nothing_is_asked_twice(project: Path) -> None:
    before = answers(project)
    ask(project, "base")
    after = answers(project)
    [tuned] = before
    [base] = after.keys() - before.keys()
    assert after[base].keys() == after[tuned].keys()
    assert all(after[base][example] != text for example, text in after[tuned].items())

    assert "asking" not in ask(project, "base").stdout
    assert answers(project) == after
