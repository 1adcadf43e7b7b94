"""The standard suite of a golden task, in two lines of a test file.

    from evalkit.testing import standard_suite

    globals().update(standard_suite("ticket_priority"))

Each test is an ordinary one: write your own beside them, or one of the same name in place of it.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import pytest

from evalkit._internal.strict_json import JsonError, read_text
from evalkit._internal.toml import find_project, read_table
from evalkit.errors import ConfigError

if TYPE_CHECKING:
    from evalkit.golden.lints.finding import Finding
    from evalkit.judging.answer import Answer
    from evalkit.judging.comparison import Comparison
    from evalkit.judging.relation_check import RelationResult
    from evalkit.judging.verdict import Verdict
    from evalkit.models.weights.merge_check import MergeReport

__all__ = ["relation_suite", "standard_suite"]

_ANSWERED = ("strict", "extractable")


def standard_suite(task: str, *, without: Collection[str] = ()) -> dict[str, Any]:
    """The tests that every golden task should have, by name, and the mark that tests of your own need.

    - ``test_json``: the whole answer is one JSON object that the schema accepts
    - ``test_<score>``: one for each score of task.toml, on the examples that have it; the primary one on the must-pass
      examples too, and where such an example lacks it, whatever else that one is scored by
    - ``test_malformed``: a bad input gets the error object that is expected, where the task has malformed.jsonl
    - ``test_ships``, ``test_holds``, ``test_merge``, ``test_sound``: verdict, comparisons, merges, findings of the data

    ``without`` names tests to leave out. Raises ValueError for one that is not there.
    """
    frame = sys._getframe(1)
    folder = _folder_of(Path(frame.f_code.co_filename), task)
    malformed = folder is None or (folder / "malformed.jsonl").is_file()
    primary, scores = _scores_of(folder)
    tests: dict[str, Callable[..., None]] = {"test_json": _json(task, malformed)}
    for score in dict.fromkeys((*([primary] if primary else []), *scores)):
        name = f"test_{score}" if f"test_{score}" not in _NAMES else f"test_score_{score}"
        tests[name] = _primary(task, score) if score == primary else _score(task, score)
    if malformed:
        tests["test_malformed"] = _malformed(task)
    for name, test in (("ships", _ships), ("holds", _holds), ("merge", _merge), ("sound", _sound)):
        tests[f"test_{name}"] = test(task)
    for name in without:
        if tests.pop(name, None) is None:
            nearest = get_close_matches(name, tests, n=1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise ValueError(f"the standard suite of {task} has no {name!r}.{hint} It has: {', '.join(tests)}")
    return _placed(tests, frame, task)


def relation_suite(task: str) -> dict[str, Any]:
    """The test of a task's relations, ``test_relation``: one for each relation and example that it changes.

    A file of its own, in a folder of its own: each example is asked many times over.
    """
    return _placed({"test_relation": _relation(task)}, sys._getframe(1), task)


_NAMES = frozenset({"test_json", "test_malformed", "test_ships", "test_holds", "test_merge", "test_sound"})


def _json(task: str, malformed: bool) -> Callable[..., None]:
    @pytest.mark.golden(task, split=["test", "reference", "malformed"] if malformed else ["test", "reference"])
    def test_json(answer: Answer) -> None:
        assert answer.strict, answer.defects

    return test_json


def _primary(task: str, score: str) -> Callable[..., None]:
    @pytest.mark.golden(task)
    def test_primary(answer: Answer) -> None:
        if score in answer.scores:
            assert answer.scores[score]
        else:
            _assert_all(answer)

    return test_primary


def _score(task: str, score: str) -> Callable[..., None]:
    @pytest.mark.golden(task, split="test", score=score)
    def test_score(answer: Answer) -> None:
        assert answer.scores[score]

    return test_score


def _malformed(task: str) -> Callable[..., None]:
    @pytest.mark.golden(task, split="malformed")
    def test_malformed(answer: Answer) -> None:
        _assert_all(answer)

    return test_malformed


def _assert_all(answer: Answer) -> None:
    for name in answer.scores:
        if name not in _ANSWERED:
            assert answer.scores[name]


def _ships(task: str) -> Callable[..., None]:
    @pytest.mark.golden(task)
    def test_ships(verdict: Verdict) -> None:
        assert verdict.ships, verdict

    return test_ships


def _holds(task: str) -> Callable[..., None]:
    @pytest.mark.golden(task)
    def test_holds(comparison: Comparison) -> None:
        assert comparison.holds, comparison

    return test_holds


def _merge(task: str) -> Callable[..., None]:
    @pytest.mark.golden(task)
    def test_merge(merge: MergeReport) -> None:
        assert merge.whole, merge

    return test_merge


def _sound(task: str) -> Callable[..., None]:
    @pytest.mark.golden(task)
    def test_sound(finding: Finding) -> None:
        assert finding.waived, finding

    return test_sound


def _relation(task: str) -> Callable[..., None]:
    @pytest.mark.golden(task)
    def test_relation(relation: RelationResult) -> None:
        assert relation.holds, relation

    return test_relation


class _Place:
    """Where pytest shows a test: at the line of the suite that asked for it, not in this file."""

    def __init__(self, frame: FrameType) -> None:
        self.__code__: CodeType = frame.f_code.replace(co_firstlineno=frame.f_lineno)


def _placed(tests: Mapping[str, Callable[..., None]], frame: FrameType, task: str) -> dict[str, Any]:
    place = _Place(frame)
    for name, test in tests.items():
        test.__name__ = test.__qualname__ = name
        test.__module__ = frame.f_globals["__name__"]
        test.place_as = place  # type: ignore[attr-defined]  # pytest's word for it
    return {"pytestmark": pytest.mark.golden(task), **tests}


def _folder_of(suite: Path, task: str) -> Path | None:
    """The golden folder of ``task``; None where there is none, which its first test then says."""
    root = find_project(suite.parent)
    golden: object = "golden"
    if root is not None:
        try:
            golden = read_table(root).get("golden", golden)
        except ConfigError:
            return None  # told as wrong use before a test is collected
    for folder in [root] if root is not None else suite.absolute().parents:
        place = folder / str(golden) / task
        if (place / "task.toml").is_file():
            return place
    return None


def _scores_of(folder: Path | None) -> tuple[str, tuple[str, ...]]:
    """The primary score and all scores of task.toml, as far as it can be read; what is wrong is told elsewhere."""
    if folder is None:
        return "", ()
    try:
        contract = tomllib.loads(read_text(folder / "task.toml"))
    except (OSError, JsonError, tomllib.TOMLDecodeError):
        return "", ()
    scores, primary = contract.get("scores", {}), contract.get("primary", {})
    names = tuple(scores) if isinstance(scores, dict) else ()
    first = primary.get("score") if isinstance(primary, dict) else None
    return (first if isinstance(first, str) and first in names else ""), names
