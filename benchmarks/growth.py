"""How memory and time of a session grow with its examples: `python benchmarks/growth.py [N ...]` (1,000 and 50,000).

Each size is a project of its own in a temporary folder: one task of five fields, prompts of about 300 characters, a
recorded model. It is judged by the standard suite in a process of its own, of which the peak of resident memory and the
seconds are told, beside those of as many empty parametrized tests of bare pytest.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

TASK = """
title = "Tickets"
[prompt]
system = "Answer with one JSON object."
user = "{{ text }}"
[scores.team]
scorer = "exact"
[scores.urgent]
scorer = "exact"
[scores.hours]
scorer = "number"
tolerance = 1
[scores.tags]
scorer = "set"
both_empty = 1
[scores.note]
scorer = "exact"
[primary]
score = "team"
[thresholds]
team = 0.5
"""
SCHEMA = {
    "type": "object",
    "required": ["team", "urgent", "hours", "tags", "note"],
    "additionalProperties": False,
    "properties": {
        "team": {"enum": ["billing", "network", "hardware", "other"]},
        "urgent": {"type": "boolean"},
        "hours": {"type": "number", "minimum": 0, "maximum": 100},
        "tags": {"type": "array", "items": {"enum": ["vip", "repeat", "outage", "refund"]}},
        "note": {"type": "string"},
    },
}
WORDS = ["the", "line", "is", "down", "since", "noon", "nobody", "answers", "we", "were", "charged", "twice", "please"]
BARE = "import pytest\n@pytest.mark.parametrize('n', range({count}))\ndef test_n(n):\n    pass\n"


def build(root: Path, count: int) -> None:
    """Writes the project."""
    draw = Random(count)
    golden = root / "golden" / "tickets"
    golden.mkdir(parents=True)
    (golden / "task.toml").write_text(TASK, encoding="utf-8")
    (golden / "schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    answers = []
    for split, number in (("test", count), ("train", 200)):
        with (golden / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for each in range(number):
                expected = {
                    "team": draw.choice(SCHEMA["properties"]["team"]["enum"]),  # type: ignore[index]
                    "urgent": draw.random() < 0.3, "hours": draw.randrange(100),
                    "tags": draw.sample(["vip", "repeat", "outage", "refund"], draw.randrange(3)),
                    "note": f"n{each % 50}",
                }  # fmt: skip
                text = f"#{split}{each} " + " ".join(draw.choices(WORDS, k=60))
                file.write(json.dumps({"id": f"{split}-{each}", "input": {"text": text}, "expected": expected}) + "\n")
                if split == "test":
                    answer = expected if draw.random() < 0.8 else {**expected, "team": "other"}
                    answers.append(json.dumps({"id": f"{split}-{each}", "text": json.dumps(answer)}))
    (root / "answers.jsonl").write_text("\n".join(answers) + "\n", encoding="utf-8")
    (root / "suites").mkdir()
    (root / "suites" / "test_tickets.py").write_text(SUITE, encoding="utf-8")
    (root / "pyproject.toml").write_text(
        '[tool.evalkit]\n[tool.evalkit.backends]\nmodel = "replay:answers.jsonl"\n', encoding="utf-8"
    )


SUITE = """
import pytest

pytestmark = pytest.mark.golden("tickets")


def test_team(answer):
    assert answer.scores["team"]
"""


def measured(root: Path, *command: str) -> tuple[float, float]:
    """Peak of resident memory in MiB and seconds of a command, with all that it starts."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENBLAS_NUM_THREADS": "1"}
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    with process.stdout as printed:
        output = printed.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # it would wait for what was waited for
    if process.returncode not in (0, 1):
        sys.exit(output.decode()[-3000:])
    return used.ru_maxrss / 1024, time.monotonic() - begun


def main() -> None:
    """Prints a line for each size."""
    python = sys.executable
    print("examples   bare pytest        first run          all stored         report")
    for count in map(int, sys.argv[1:] or ["1000", "50000"]):
        with TemporaryDirectory() as folder:
            root = Path(folder)
            build(root, count)
            (root / "test_bare.py").write_text(BARE.format(count=count), encoding="utf-8")
            subprocess.run([python, "-m", "evalkit.cli.main", "freeze", "tickets"], cwd=root, check=False)
            pytest = (python, "-m", "pytest", "-q", "-p", "evalkit.plugin.hooks")
            cells = [
                measured(root, python, "-m", "pytest", "-q", "test_bare.py", "-p", "no:cacheprovider"),
                measured(root, *pytest, "suites", "--backend=model"),
                measured(root, *pytest, "suites", "--backend=model"),
                measured(root, python, "-m", "evalkit.cli.main", "report", "latest"),
            ]
            told = "".join(f"{mib:7.0f} MiB {seconds:6.1f} s" for mib, seconds in cells)
            print(f"{count:8,} {told}", flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
