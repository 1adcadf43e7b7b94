"""Builds the wheel, installs it alone in an empty environment, and judges a task of two examples with it.

What is missing from the wheel, or is needed and not declared, is seen here and nowhere else. Runs with any Python that
has uv beside it or on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]

TASK = """
title = "Moods"
[input]
required = ["text"]
[prompt]
system = "Say the mood."
user = "{{ text }}"
[scores.mood]
scorer = "exact"
[primary]
score = "mood"
[thresholds]
strict = 0.9
"""

SCHEMA = {"type": "object", "required": ["mood"], "properties": {"mood": {"enum": ["good", "bad"]}}}

SUITE = """
import pytest

pytestmark = pytest.mark.golden("moods")


def test_json(answer):
    assert answer.strict, answer.defects


def test_mood(answer):
    assert answer.scores["mood"]
"""


def main() -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "uv is needed: pip install uv"
    with TemporaryDirectory(prefix="evalkit-") as name:
        folder = Path(name)
        run(uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT))
        [wheel] = folder.glob("*.whl")
        environment = folder / "venv"
        run(uv, "venv", "--quiet", "--python", sys.executable, str(environment))
        python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
        constraints = ("--constraint", str(ROOT / "constraints.txt"))
        run(uv, "pip", "install", "--quiet", "--python", str(python), *constraints, str(wheel))
        run(str(python.with_name("evalkit")), "--version")
        project = folder / "project"
        write(project)
        # Outside the repository, so that nothing of it can be imported by accident.
        run(str(python), "-m", "pytest", "-q", "suites", "--backend=recorded", cwd=project)
        report = json.loads((project / "reports" / "latest.json").read_text(encoding="utf-8"))
        assert report["tasks"][0]["task"] == "moods", report["tasks"]
    print("the wheel works alone")


def run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd or Path(command[0]).parent, check=True)


def write(project: Path) -> None:
    """A task of two examples with recorded answers, as a user would have it."""
    lines = {
        "golden/moods/task.toml": TASK,
        "golden/moods/schema.json": json.dumps(SCHEMA),
        "suites/test_moods.py": SUITE,
        "pyproject.toml": '[tool.evalkit.backends]\nrecorded = "replay:answers.jsonl"\n',
        "golden/moods/train.jsonl": jsonl(example("l-1", "fair", "good"), example("l-2", "foul", "bad")),
        "golden/moods/test.jsonl": jsonl(example("t-1", "sunny", "good"), example("t-2", "stormy", "bad")),
        "answers.jsonl": jsonl(
            {"id": "t-1", "text": '{"mood": "good"}'},
            {"id": "t-2", "text": '{"mood": "bad"}'},
        ),
    }
    for name, text in lines.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")


def example(name: str, text: str, mood: str) -> dict[str, object]:
    return {"id": name, "input": {"text": text}, "expected": {"mood": mood}}


def jsonl(*entries: dict[str, object]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


if __name__ == "__main__":
    main()
