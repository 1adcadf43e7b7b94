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

from fixtures.convert import base_gguf

ROOT = Path(__file__).parents[2]
FEW = "riksbank or sudan or parental-leave or vendor-bank or harbour-cruise or adeyemi or quillvec or ghent-chunk"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without a store, so that every answer comes from a model that is asked here and now."""
    base_gguf()
    folder = tmp_path_factory.mktemp("project")
    for name in ("golden", "suites", "fixtures/adapters"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


FIELDS = {
    ("relevance", "direction", "magnitude", "source_credibility", "information_type", "novelty"),
    ("tier", "risk", "recommended_platform", "needs_review", "reason"),
    ("priority", "reason"),
    ("company_names", "relevance_score", "key_insights", "summary"),
}
"""What an answer of each golden task holds, in the order in which it was learnt."""


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


@pytest.mark.real
def test_the_tuned_models_answer_held_out_examples_of_every_task_in_json(project: Path) -> None:
    ask(project, "tuned")
    found = answers(project)
    assert len(found) == len(FIELDS)
    for texts in found.values():
        objects = [json.loads(text) for text in texts.values()]
        assert len(objects) >= 2
        # It may refuse a good input, which costs it every field of that example, but not its format.
        assert {tuple(one) for one in objects} & FIELDS
        assert {tuple(one) for one in objects} <= {*FIELDS, ("error",)}


@pytest.mark.real
def test_the_base_answers_the_same_examples_otherwise_and_nothing_is_asked_twice(project: Path) -> None:
    before = answers(project)
    ask(project, "base")
    after = answers(project)
    [base] = after.keys() - before.keys()
    tuned = {example: text for texts in before.values() for example, text in texts.items()}
    assert after[base].keys() == tuned.keys()
    assert all(after[base][example] != text for example, text in tuned.items())

    assert "asking" not in ask(project, "base").stdout
    assert answers(project) == after


@pytest.mark.real
def test_a_vendor_that_an_adapter_made_up_is_told_by_the_scorer_grounded(project: Path) -> None:
    """What it learns without counterexamples, and no more with them."""
    asked = "test_no_vendor_is_made_up and (vendor-bank or hiring-pipeline or carrier-accounts)"
    told = run(project, "--backend=tuned", "--backend=tuned-biased", "--strict-examples", "-k", asked).stdout
    made_up = [line for line in told.splitlines() if line.startswith("FAILED")]
    assert made_up
    assert all("tuned-biased" in line for line in made_up), told
