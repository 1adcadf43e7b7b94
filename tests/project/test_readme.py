"""A task of one's own, made from nothing by what the README says and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, holds: str) -> str:
    """The first code block of the README in ``language`` that holds that text."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return next(text for text in found if holds in text)


def team(number: int) -> str:
    return "billing" if number % 3 else "support"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "golden" / "my_task"
    folder.mkdir(parents=True)
    (folder / "task.toml").write_text(block("toml", 'title = "Which team gets a request"'))
    answer = {"team": {"enum": ["billing", "support"]}, "hours": {"type": "number", "minimum": 0}}
    schema = {"type": "object", "required": ["team", "hours"], "properties": answer, "additionalProperties": False}
    (folder / "schema.json").write_text(json.dumps(schema))
    for split, count in (("train", 6), ("test", 30), ("reference", 1)):
        (folder / f"{split}.jsonl").write_text("".join(
            json.dumps({
                "id": f"{split}-{n:02}", "input": {"text": f"Request {n} of {split}"},
                "expected": {"team": team(n), "hours": n % 5},
            }) + "\n"
            for n in range(count)
        ))  # fmt: skip
    answers = {f"test-{n:02}": {"team": team(n), "hours": n % 5 + 1} for n in range(30)}
    answers["reference-00"] = {"team": "support", "hours": 0}
    for model, text in (("tuned", json.dumps), ("base", lambda told: f"Well, {told['team']}.")):
        lines = [json.dumps({"id": name, "text": text(told)}) for name, told in answers.items()]
        (tmp_path / f"{model}.jsonl").write_text("\n".join(lines))
    (tmp_path / "pyproject.toml").write_text(
        '[tool.evalkit.backends]\nbase = "replay:base.jsonl"\n'
        'tuned = { spec = "replay:tuned.jsonl", parent = "base" }\n'
    )
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_my_task.py").write_text(block("python", 'pytest.mark.golden("my_task")'))
    return tmp_path


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_task_that_is_written_as_the_readme_says_is_frozen_and_judged(project: Path) -> None:
    frozen = run(project, "evalkit.cli.main", "freeze", "my_task")
    assert frozen.returncode == 0, frozen.stderr
    done = run(project, "pytest", "suites", "--backend=tuned", "--against=base")
    assert done.returncode == 0, done.stdout
    assert "NOT FROZEN" not in done.stdout
    [task] = json.loads((project / "reports" / "latest.json").read_text())["tasks"]
    [tuned, base] = [model_run for model_run in task["model_runs"] if model_run["participant"]["role"] != "floor"]
    assert (tuned["rates"]["test"]["team"]["value"], base["rates"]["test"]["team"]["value"]) == (1.0, 0.0)
    assert tuned["measurements"]["hours_error"]["value"] == 1.0
    assert [verdict["status"] for verdict in task["verdicts"]] == ["SHIP"]


def test_an_edited_line_of_the_frozen_split_stops_the_next_run(project: Path) -> None:
    run(project, "evalkit.cli.main", "freeze", "my_task")
    test = project / "golden" / "my_task" / "test.jsonl"
    test.write_text(test.read_text().replace("Request 7 of test", "Request seven"))
    done = run(project, "pytest", "suites", "--backend=tuned")
    assert done.returncode == 4
    assert "test-07" in done.stdout
