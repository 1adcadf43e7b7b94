"""What one run does, it does once in a process: read, grade, key, compile, verify."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from mini_project import ALL, IDS, SHIPS, SUITE, Project

from evalkit.golden import freeze as frozen
from evalkit.golden.schema import Schema
from evalkit.judging.answer import Grader
from evalkit.models.cache import Store
from evalkit.models.request import Request

RELATIONS = """
[relations.loud]
relation = "case"
input = "headline"
to = "upper"
"""

FLOORS = ("empty", "majority", "words", "error", "oracle")


class Work:
    """Counts how often each piece of work is done in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch.setattr
        self.graded: Counter[Any] = Counter()
        self.keyed: Counter[Any] = Counter()
        self.compiled: Counter[Any] = Counter()
        self.verified: Counter[Any] = Counter()
        self.read: Counter[Any] = Counter()
        self._count(
            Grader, "grade", self.graded, lambda _, model, example, request, __: (model, example.id, request.sample)
        )
        self._count(Request, "key", self.keyed, lambda request, mark: (mark, request.example_id, request.sample))
        self._count(Schema, "__init__", self.compiled, lambda _, source: source["title"])
        self._count(frozen, "verify", self.verified, lambda folder, _: folder.name)
        self._count(Store, "get", self.read, lambda *_: "store")

    def _count(self, owner: Any, name: str, counter: Counter[Any], what: Callable[..., object]) -> None:
        function = getattr(owner, name)

        def counting(*args: Any) -> Any:
            counter[what(*args)] += 1
            return function(*args)

        self._patch(owner, name, counting)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project with a second task, relations, and tests of everything that an answer is for."""
    made = Project(pytester, monkeypatch)
    made.replace("golden/moods/schema.json", '{"oneOf"', f'{{"title": "{made.root.name}", "oneOf"')
    made.write("golden/moods/task.toml", (made.golden / "task.toml").read_text() + RELATIONS)
    frozen.freeze(made.golden, dict.fromkeys(("train", "dev", "test", "reference", "malformed"), ()))
    made.copy_task("other")
    related = "\n\ndef test_holds_loudly(relation):\n    assert relation.holds, relation\n"
    again = "\n\ndef test_kind(answer):\n    assert answer.scores['kind']\n"
    made.write("suites/test_moods.py", SUITE + again + SHIPS + related)
    return made


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def test_each_answer_is_graded_once_and_its_key_computed_once(suite: Project, work: Work) -> None:
    suite.run("suites", "--backend=clerk", "--against=bad")
    loud = [f"{name}~loud" for name in IDS]
    whole = [("clerk", name, 0) for name in (*ALL, *loud)] + [("bad", name, 0) for name in IDS]
    floors = [(floor, name, 0) for floor in FLOORS for name in ALL]
    assert work.graded == Counter([*whole, *floors])
    assert len(work.keyed) == len(whole) + len(floors)
    assert set(work.keyed.values()) == {1}


def test_the_answers_of_a_model_are_read_from_the_store_at_once(suite: Project, work: Work) -> None:
    suite.run("suites", "--backend=clerk", "--against=bad")
    assert work.read["store"] <= 2 + len(FLOORS)


def test_a_task_is_verified_and_its_schema_compiled_once_and_other_tasks_are_left_alone(
    suite: Project, work: Work
) -> None:
    suite.run("suites", "--backend=clerk", "--against=bad")
    assert work.verified == {"moods": 1}
    assert work.compiled == {suite.root.name: 1}


def test_each_rung_of_a_lineage_and_its_second_answers_are_graded_once(suite: Project, work: Work) -> None:
    suite.replace(
        "pyproject.toml", 'good = "replay:answers/good.jsonl"', 'good = { spec = "clerk:two", parent = "clerk" }'
    )
    rungs = '\n[tool.evalkit.lineage.moods]\nrungs = ["clerk", "good"]\n'
    suite.write("pyproject.toml", (suite.root / "pyproject.toml").read_text() + rungs)
    suite.run("suites", "--lineage=moods")
    assert {(model, sample) for model, _, sample in work.graded} >= {("good", 0), ("good", 1), ("clerk", 1)}
    assert set(work.graded.values()) == {1}
    assert set(work.keyed.values()) == {1}


def test_whether_a_rival_is_settled_grades_nothing_twice(suite: Project, work: Work) -> None:
    suite.examples("test", {f"h{n:03}": (f"Headline {n}", 1 if n % 2 else -1) for n in range(60)})
    frozen.freeze(suite.golden, dict.fromkeys(("train", "dev", "test", "reference", "malformed"), ()))
    suite.run("suites", "--backend=dying", "--against=clerk", "--sequential")
    assert len(suite.asked("one")) > 24
    assert set(work.graded.values()) == {1}
