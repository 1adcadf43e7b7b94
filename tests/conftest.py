"""Two projects: `project` for tests of functions, asked through `replay`; `suite` for tests that run pytest."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from frozen_tasks import FrozenTasks
from mini_project import Project

from evalkit._internal import bounded
from evalkit.errors import GoldenError
from evalkit.golden.loader import load_task
from evalkit.golden.model import Task
from evalkit.models.config import read_config
from evalkit.session.options import SessionOptions
from evalkit.session.plan import Selection
from evalkit.session.session import EvalSession


def pytest_configure() -> None:
    """A job in the background inherits deafness to Ctrl-C, and would hand it on to what tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


TASK = """
title = "Is the mood good?"

[input]
required = ["text"]
optional = ["source"]

[prompt]
system = "Say the mood as JSON."
user = "Text: {{ text | json }}"

[decoding]
max_tokens = 40

[scores.mood]
scorer = "exact"

[scores.strength]
scorer = "number"
tolerance = 0.2

[scores.error]
scorer = "exact"

[measurements.strength_mae]
field = "strength"
measure = "mae"

[primary]
score = "mood"

[looks]
planned = 2

[thresholds]
strict = 0.8

[thresholds.malformed]
error = 0.5

[[hypotheses]]
kind = "win"
candidate = "tuned"
against = ["base", "majority"]
score = "mood"
"""

SCHEMA: Mapping[str, Any] = {
    "oneOf": [
        {
            "type": "object",
            "required": ["mood", "strength"],
            "additionalProperties": False,
            "properties": {
                "mood": {"enum": ["good", "bad"]},
                "strength": {"type": "number", "minimum": 0, "maximum": 1},
            },
        },
        {
            "type": "object",
            "required": ["error"],
            "additionalProperties": False,
            "properties": {"error": {"enum": ["no_text", "not_english"]}},
        },
    ]
}

PYPROJECT = """
[tool.evalkit]
backend = "tuned"

[tool.evalkit.backends]
base = "replay:answers/base.jsonl"
tuned = { spec = "replay:answers/tuned.jsonl", parent = "base" }
"""

GOOD, BAD = {"mood": "good", "strength": 0.9}, {"mood": "bad", "strength": 0.5}


def example(name: str, expected: Mapping[str, Any], text: str | None = None, **more: Any) -> dict[str, Any]:
    """One line of a split."""
    return {"id": name, "input": {"text": f"This is {name}." if text is None else text}, "expected": expected, **more}


class MiniProject:
    """The task `mood`: 12 test examples (8 good, 4 bad), train with a majority of bad, one must-pass, one malformed.

    Each session finds it frozen as it stands. As written, `tuned` answers everything rightly and `base` talks without
    JSON.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "golden" / "mood"
        self.folder.mkdir(parents=True)
        self.opened: list[EvalSession] = []
        self.frozen = FrozenTasks(self.folder.parent)
        self.write("pyproject.toml", PYPROJECT)
        self.write("golden/mood/task.toml", TASK)
        self.write("golden/mood/schema.json", json.dumps(SCHEMA))
        self.split("train", [example(f"l-{n}", GOOD if n < 2 else BAD) for n in range(5)])
        self.split("test", [example(f"t-{n:02}", GOOD if n <= 8 else BAD) for n in range(1, 13)])
        self.split("reference", [example("r-1", GOOD)])
        self.split("malformed", [example("m-1", {"error": "no_text"}, text="")])
        self.answers("tuned", self.right())
        self.answers("base", dict.fromkeys(self.right(), "What a good mood!"))

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def change(self, name: str, old: str, new: str) -> None:
        """Replaces what stands exactly once in a file."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def contract(self, old: str, new: str) -> None:
        """Replaces what stands exactly once in task.toml."""
        self.change("golden/mood/task.toml", old, new)

    def split(self, name: str, examples: Sequence[Mapping[str, Any]]) -> Path:
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in examples)
        return self.write(f"golden/mood/{name}.jsonl", lines)

    def append(self, split: str, line: str | Mapping[str, Any]) -> int:
        """Adds a line to a split; the answer is its number."""
        path = self.folder / f"{split}.jsonl"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + (line if isinstance(line, str) else json.dumps(line)) + "\n", encoding="utf-8")
        return before.count("\n") + 1

    def tag(self, tag: str, *names: str) -> None:
        """Gives some examples of the test split a tag."""
        lines = [json.loads(line) for line in (self.folder / "test.jsonl").read_text(encoding="utf-8").splitlines()]
        self.split("test", [line | ({"tags": [tag]} if line["id"] in names else {}) for line in lines])

    def right(self, *splits: str) -> dict[str, str]:
        """``{example id: the expected answer, spelled}``."""
        lines = [
            json.loads(line)
            for split in splits or ("test", "reference", "malformed")
            for line in (self.folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        return {line["id"]: json.dumps(line["expected"]) for line in lines}

    def answers(self, alias: str, *samples: Mapping[str, str]) -> Path:
        """Records what an alias answers, by example id; once for each sample."""
        lines = (
            json.dumps({"id": name, "text": text, "finish_reason": "stop", "sample": number})
            for number, answers in enumerate(samples)
            for name, text in answers.items()
        )
        return self.write(f"answers/{alias}.jsonl", "\n".join(lines) + "\n")

    def name_people(self) -> None:
        """Adds a field of names: t-01 expects Ann, t-02 to t-04 expect Ann and Bo, the others expect nobody.

        `names` is scored on all of them, `named` on the four that name anyone. `tuned` is right again.
        """
        schema = json.loads((self.folder / "schema.json").read_text(encoding="utf-8"))
        schema["oneOf"][0]["required"].append("names")
        schema["oneOf"][0]["properties"]["names"] = {"type": "array", "items": {"type": "string"}}
        self.write("golden/mood/schema.json", json.dumps(schema))
        people = {"t-01": ["Ann"]} | {name: ["Ann", "Bo"] for name in ("t-02", "t-03", "t-04")}
        for split in ("train", "test", "reference"):
            lines = [json.loads(line) for line in (self.folder / f"{split}.jsonl").read_text("utf-8").splitlines()]
            named = [line | {"expected": line["expected"] | {"names": people.get(line["id"], [])}} for line in lines]
            self.split(split, named)
        options = 'scorer = "set"\nboth_empty = 1\n'
        tables = f'[scores.names]\n{options}\n[scores.named]\nfield = "names"\nnonempty = true\n{options}\n'
        self.contract("[scores.error]", f"{tables}[scores.error]")
        self.answers("tuned", self.right())

    def task(self) -> Task:
        return load_task(self.folder)

    def problems(self) -> list[str]:
        """Everything that the reading of the golden folder finds wrong."""
        with pytest.raises(GoldenError, match="problem") as caught:
            self.task()
        return [str(problem) for problem in caught.value.problems]

    def session(
        self,
        backends: Sequence[str] = (),
        against: Sequence[str] = (),
        split: str = "test",
        identity: str = "run-1",
        samples: int = 1,
    ) -> EvalSession:
        self.frozen.freeze()
        options = SessionOptions(tuple(backends), tuple(against), split, samples)
        self.opened.append(EvalSession(read_config(self.root), options, identity))
        return self.opened[-1]

    def asked(self, backends: Sequence[str] = ("tuned",), against: Sequence[str] = (), **more: Any) -> EvalSession:
        """A session that has asked its backends the whole test split."""
        session = self.session(backends, against, **more)
        session.check()
        whole = list(self.right("test"))
        session.ask({"mood": dict.fromkeys(backends, whole)}, lambda _: None)
        return session

    def selection(self, **examples: Sequence[str]) -> Selection:
        return {"mood": {name: list(ids) for name, ids in examples.items()}}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[MiniProject]:
    """A mini golden project in its own folder."""
    made = MiniProject(tmp_path / "project")
    yield made
    for session in made.opened:
        session.close()


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with suites, for tests that run pytest. What a file needs of its own it adds under the same name."""
    return Project(pytester, monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left_behind() -> Iterator[None]:
    """Whatever tests start, they end: the last test is red where a child is still there."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    bounded.end()  # which would end with this process
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    _, alive = psutil.wait_procs(left, timeout=5)
    told = [f"{child.pid}: {' '.join(child.cmdline())[:200]}" for child in alive if child.is_running()]
    for child in alive:
        child.kill()
    assert not told, f"tests left processes behind: {told}"
