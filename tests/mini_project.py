"""A small project as a user would have it: one golden task, one suite, recorded and homemade models.

Its tasks are frozen as they stand whenever it is run, so that there are verdicts. What it holds is small enough to
count by hand: 12 test examples, 1 reference example, 1 malformed one.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from frozen_tasks import FrozenTasks

IDS = tuple(f"h{number:02}" for number in range(12))
XDIST = find_spec("xdist") is not None
PLUGINS = ("-p", "evalkit.plugin.hooks", *(("-p", "xdist.plugin") if XDIST else ()))

ALL = (*IDS, "ref-cut", "bad-empty")
"""Every example that a whole run asks of a model."""

TASK = """
title = "Moods of headlines"
[input]
required = ["headline"]
[prompt]
system = "Judge the headline."
user = "Headline: {{ headline }}"
[scores.direction]
scorer = "sign"
[scores.kind]
scorer = "exact"
[scores.error]
scorer = "exact"
[looks]
planned = 2

[primary]
score = "direction"
[thresholds]
strict = 0.9
direction = 0.6
[[hypotheses]]
kind = "win"
candidate = "good"
against = "bad"
score = "direction"
[[hypotheses]]
kind = "win"
candidate = "twin"
against = "middling"
score = "direction"
"""

SCHEMA = {
    "oneOf": [
        {
            "type": "object",
            "required": ["direction", "kind"],
            "additionalProperties": False,
            "properties": {
                "direction": {"type": "number", "minimum": -1, "maximum": 1},
                "kind": {"enum": ["report", "rumour"]},
            },
        },
        {"type": "object", "required": ["error"], "properties": {"error": {"enum": ["empty"]}}},
    ]
}

PYPROJECT = """
[tool.pytest.ini_options]
filterwarnings = ["error"]
addopts = ["--strict-markers", "--strict-config"]
[tool.evalkit]
[tool.evalkit.backends]
good = "replay:answers/good.jsonl"
bad = "replay:answers/bad.jsonl"
middling = "replay:answers/middling.jsonl"
failing = "replay:answers/failing.jsonl"
gappy = "replay:answers/gappy.jsonl"
twin = "replay:answers/twin.jsonl"
clerk = "clerk:one"
dying = { spec = "clerk:two", dies_after = 3 }
"""

SUITE = """
import pytest

pytestmark = pytest.mark.golden("moods")


@pytest.mark.golden("moods", split=["test", "reference", "malformed"])
def test_json(answer):
    assert answer.strict, answer.defects


def test_direction(answer):
    assert answer.scores["direction"]
"""

SHIPS = """
def test_ships(verdict):
    assert verdict.ships, verdict


def test_holds(comparison):
    assert comparison.holds, comparison
"""

CLERK = '''
"""A backend of an outside package: notes what it is asked, before it answers."""

import os
import time
from pathlib import Path

from evalkit.models.backend import Completion
from evalkit.errors import BackendDied


def open_backend(opening):
    return Clerk(opening)


class Clerk:
    by_example = False

    def __init__(self, opening):
        self.name = opening.spec.model
        self.fingerprint = {"clerk": self.name}
        self.log = Path(opening.root) / "asked.log"
        self.dies_after = opening.options.get("dies_after")

    def answer(self, requests):
        for number, request in enumerate(requests):
            if number == self.dies_after:
                raise BackendDied("out of paper")
            with self.log.open("a") as log:
                log.write(f"{self.name} {request.example_id}\\n")
            time.sleep(float(os.environ.get("CLERK_SECONDS", "0")))
            if number == int(os.environ.get("CLERK_WAITS_AFTER", "-1")):
                time.sleep(300)  # for whoever interrupts it
            yield request, Completion('{"direction": 1, "kind": "report"}', "stop")

    def close(self):
        pass
'''


def answer(direction: float, kind: str = "report") -> str:
    """What a model writes that answers as it should."""
    return json.dumps({"direction": direction, "kind": kind})


def truth(number: int) -> int:
    """The right direction of the test example of that number: half of them rise."""
    return 1 if number % 2 else -1


class Project:
    """The project on disk, and what can be done with it."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.monkeypatch = monkeypatch
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)  # or each run would tell the job that these tests run in
        self.root = pytester.path
        self.golden = self.root / "golden" / "moods"
        self.frozen = FrozenTasks(self.golden.parent)
        self.write("golden/moods/task.toml", TASK)
        self.write("golden/moods/schema.json", json.dumps(SCHEMA))
        for split, prefix in (("test", "h"), ("train", "t"), ("dev", "d")):
            self.examples(split, {f"{prefix}{n:02}": (f"Headline {prefix}{n:02}", truth(n)) for n in range(12)})
        self.examples("reference", {"ref-cut": ("Rates are cut", 1)})
        self.lines("golden/moods/malformed.jsonl", [_line("bad-empty", "", {"error": "empty"})])
        right = {name: answer(truth(number)) for number, name in enumerate(IDS)}
        right |= {f"d{number:02}": answer(truth(number)) for number in range(12)}
        right |= {"ref-cut": answer(1), "bad-empty": '{"error": "empty"}'}
        wrong = {name: answer(-truth(number)) for number, name in enumerate(IDS)}
        self.answers("good", right | {"h03": answer(-1)})
        self.answers("bad", right | wrong | {"h00": "I can't say.", "h05": answer(1)})
        self.answers("middling", right | {name: wrong[name] for name in ("h00", "h01", "h02")})
        # As good as good: one answer is spelled another way. Against middling it wins 3 and loses 1: too few to tell.
        self.answers("twin", right | {"h03": answer(-1), "h04": '{"kind": "report", "direction": -1}'})
        self.answers("failing", right | {"h03": answer(-1), "ref-cut": answer(-1)})
        self.answers("gappy", {name: text for name, text in right.items() if name != "h07"})
        self.write("pyproject.toml", PYPROJECT)
        self.write("suites/test_moods.py", SUITE)
        self.write("outside/clerk.py", CLERK)
        self.write("outside/clerk-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: clerk\nVersion: 1.0\n")
        self.write("outside/clerk-1.0.dist-info/entry_points.txt", "[evalkit.backends]\nclerk = clerk\n")
        monkeypatch.setenv("PYTHONPATH", str(self.root / "outside"))
        monkeypatch.syspath_prepend(self.root / "outside")
        monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
        monkeypatch.setenv("COLUMNS", "300")  # so that no sentence is broken in two
        # The plugins of other packages cost a second a process, and are not what is tested.
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")

    # -- writing ------------------------------------------------------------------------------------

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def copy_task(self, name: str) -> None:
        """Adds a second task, which is the first under that name. It is in no suite."""
        shutil.copytree(self.golden, self.golden.with_name(name))

    def lines(self, path: str, entries: Sequence[Mapping[str, Any]]) -> None:
        self.write(path, "".join(json.dumps(entry) + "\n" for entry in entries))

    def examples(self, split: str, entries: Mapping[str, tuple[str, int]], **keys: Any) -> None:
        """``{id: (headline, direction)}`` as a split; ``keys`` go on every line."""
        self.lines(
            f"golden/moods/{split}.jsonl",
            [
                _line(name, headline, {"direction": direction, "kind": "report"}) | keys
                for name, (headline, direction) in entries.items()
            ],
        )

    def answers(self, model: str, texts: Mapping[str, str]) -> None:
        self.lines(f"answers/{model}.jsonl", [{"id": name, "text": text} for name, text in texts.items()])

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold {old!r}"
        self.write(path, text.replace(old, new))

    # -- running ------------------------------------------------------------------------------------

    def run(self, *args: str) -> pytest.RunResult:
        """Pytest in this process, which saves the second that a new one needs; with workers in a process of its own."""
        if "-n" in args:
            return self.run_apart(*args)
        self.frozen.freeze()
        libraries = _Libraries(self.root)
        result = self.pytester.runpytest_inprocess(*PLUGINS, *args, plugins=[libraries])
        libraries.keep(self.monkeypatch)
        return result

    def run_apart(self, *args: str) -> pytest.RunResult:
        """A real pytest in a process of its own: what it does to its process it does to that one alone."""
        _need_workers(args)
        self.frozen.freeze()
        return self.pytester.runpytest_subprocess(*PLUGINS, *args)

    def start(self, *args: str, **environment: str) -> subprocess.Popen[str]:
        """The same, still running; in a process group of its own, as a shell would start it."""
        _need_workers(args)
        self.frozen.freeze()
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *PLUGINS, *args], cwd=self.root, env={**os.environ, **environment},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    # -- looking ------------------------------------------------------------------------------------

    @property
    def store(self) -> Path:
        return self.root / ".evalkit" / "store.sqlite"

    def stored(self) -> list[str]:
        """The example ids whose answers are stored, once for each model that is no floor."""
        if not self.store.exists():
            return []
        query = "select example_id, f.fingerprint from completions c join fingerprints f on f.digest = c.fingerprint"
        with closing(sqlite3.connect(self.store)) as db:
            try:
                rows = db.execute(query).fetchall()
            except sqlite3.OperationalError:  # another process is about to make the tables
                return []
        floors = ('{"constant"', '{"floor"')
        return sorted(example for example, fingerprint in rows if not fingerprint.startswith(floors))

    def asked(self, name: str = "one") -> Counter[str]:
        """How often the clerk of that name was asked what: ``{"h03": 1}``."""
        log = self.root / "asked.log"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return Counter(example for who, example in lines if who == name)

    def fingerprint_of(self, name: str) -> str:
        """The digest of the model of that name in the latest run, judged or not."""
        with closing(sqlite3.connect(self.store)) as db:
            (text,) = db.execute("select run from runs order by created desc limit 1").fetchone()
        model_runs = json.loads(text)["tasks"][0]["model_runs"]
        return str(next(one["participant"]["fingerprint"] for one in model_runs if one["participant"]["name"] == name))

    def report(self) -> dict[str, Any]:
        """The JSON report of the last judged run."""
        return dict(json.loads((self.root / "reports" / "latest.json").read_text(encoding="utf-8")))


class _Libraries:
    """A plugin of one run in this process: what it imported stays imported, the project's own modules apart.

    Pytester forgets every module that a run has imported; NumPy can't be imported twice.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.imported: dict[str, ModuleType] = {}

    def pytest_unconfigure(self) -> None:
        self.imported = dict(sys.modules)

    def keep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, module in self.imported.items():
            file = getattr(module, "__file__", None)
            if name not in sys.modules and file and not Path(file).is_relative_to(self.root):
                sys.modules[name] = module
                # Pytester forgets them once more when the test ends; after that monkeypatch puts back what it found.
                monkeypatch.setitem(sys.modules, name, module)


def _need_workers(args: Sequence[str]) -> None:
    if "-n" in args and not XDIST:
        pytest.skip("needs pytest-xdist")


def _line(name: str, headline: str, expected: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "input": {"headline": headline}, "expected": expected}


def wait_until(happened: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for what another process does."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"it did not happen in {seconds} s"
        time.sleep(0.02)
