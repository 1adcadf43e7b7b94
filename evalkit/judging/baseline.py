"""What a model scored on a day, example by example, in a small file that is reviewed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from evalkit._internal.counts import abbreviate, counted
from evalkit._internal.files import write_atomically
from evalkit.errors import ConfigError, GoldenError, Problem, UnknownName

Scores = Mapping[str, Mapping[str, float]]
"""``{example id: {score: value}}``, values in [0, 1]."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HEAD = ("task", "split", "backend", "checksum", "date")


@dataclass(frozen=True, slots=True)
class BaselineOptions:
    """What a session is to do about baselines: compare with the one called ``compare``, save one called ``save``.

    ``strict`` makes every score that an example lost red.
    """

    compare: str | None = None
    save: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """The scores of one model on the whole of one task.

    ``name`` is what sentences call it. ``checksum`` is that of the task's contract and data, ``date`` the day of
    the run (ISO, UTC).
    """

    name: str
    task: str
    split: str
    backend: str
    checksum: str
    date: str
    scores: Scores


@dataclass(frozen=True, slots=True)
class ScoredExample:
    """What one example scored: values in [0, 1] by score."""

    split: str
    group: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """What one model scored on one task in a run: what a baseline is taken from, and what is compared with one.

    ``selected`` of ``judged`` examples of the judged split were asked. ``examples_asked`` are its examples, answered or
    not, ``examples_of_run`` those that any model of the run was asked. ``failed`` are must-pass examples that it got
    wrong.
    """

    task: str
    split: str
    backend: str
    checksum: str
    primary: str
    selected: int
    judged: int
    examples: Mapping[str, ScoredExample]
    examples_asked: frozenset[str]
    examples_of_run: frozenset[str]
    failed: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


# -- the file ---------------------------------------------------------------------------------------


def place(golden: Path, task: str, name: str) -> Path:
    """Where the baseline called ``name`` of ``task`` stands."""
    return golden / "baselines" / task / f"{name}.json"


def write(path: Path, baseline: Baseline) -> None:
    """Writes ``baseline`` to ``path``, whole or not at all. Raises OSError."""
    entries = [[name, *cell] for name in sorted(baseline.scores) for cell in sorted(baseline.scores[name].items())]
    head = {key: getattr(baseline, key) for key in _HEAD}
    # 1.0 as 1: a line is read by people.
    lines = _spelled(head, [[name, score, int(value) if value in (0, 1) else value] for name, score, value in entries])
    write_atomically(path, "\n".join(lines) + "\n")


def _spelled(head: Mapping[str, Any], entries: Sequence[Any]) -> list[str]:
    """The lines of the file: one a score of an example, so that a diff says what changed."""
    head_lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
    cells = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    return ["{", *head_lines, '"scores": [', *(f"{cell}," for cell in cells[:-1]), *cells[-1:], "]", "}"]


def read(path: Path) -> Baseline:
    """The baseline at ``path``. Raises GoldenError with the line of a file that ``write`` would not have written."""

    def wrong(line: int, what: str) -> GoldenError:
        place = "/".join(path.parts[-4:])
        return GoldenError([Problem(f"{place}:{line}", f"{what}. Take the edit back, or save the baseline again")])

    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text)
    except json.JSONDecodeError as error:
        raise wrong(error.lineno, f"not valid JSON: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(1, f"can't be read: {error}") from error
    if not isinstance(table, dict) or [*table] != [*_HEAD, "scores"] or not isinstance(table["scores"], list):
        raise wrong(1, f"expected an object with {', '.join(_HEAD)} and the list scores, in this order")
    entries = table.pop("scores")
    lines = zip_longest(text.removesuffix("\n").split("\n"), _spelled(table, entries), fillvalue="no more")
    for number, (got, expected) in enumerate(lines, start=1):
        if got != expected:
            raise wrong(number, f"got {got!r}, expected {expected!r}: one line a score of an example")
    for number, (key, value) in enumerate(table.items(), start=2):
        if not isinstance(value, str) or (key == "task" and value != path.parent.name):
            expected = repr(path.parent.name) if key == "task" else "a text"
            raise wrong(number, f"{key} is {value!r}, expected {expected}")
    scores: dict[str, dict[str, float]] = {}
    before = ("", "")
    for number, entry in enumerate(entries, start=len(_HEAD) + 3):
        if not _is_entry(entry):
            raise wrong(number, f'got {entry!r}, expected ["example", "score", a number from 0 to 1]')
        name, score, value = entry
        if (name, score) <= before:
            raise wrong(number, f"{name} {score} stands twice, or out of order")
        scores.setdefault(name, {})[score] = float(value)
        before = (name, score)
    return Baseline(f"baseline {path.stem}", **table, scores=scores)


def _is_entry(entry: object) -> bool:
    match entry:
        case [str(), str(), bool()]:
            return False
        case [str(), str(), int() | float() as value]:
            return 0 <= value <= 1
    return False


def saved_names(golden: Path, task: str) -> list[str]:
    """The names of the baselines that ``task`` has."""
    return sorted(path.stem for path in place(golden, task, "x").parent.glob("*.json") if _NAME.match(path.stem))


def find(golden: Path, task: str, name: str) -> Baseline:
    """The baseline called ``name`` of ``task``. Raises UnknownName with those there are, GoldenError as ``read``."""
    names = saved_names(golden, task)
    if name not in names:
        raise UnknownName(f"baseline of {task}", name, names, f"Save one with --save-baseline={name}.")
    return read(place(golden, task, name))


def check(wanted: BaselineOptions, golden: Path, tasks: Iterable[str], backends: Sequence[str], split: str) -> None:
    """Finds what can't be done about baselines before a model is asked. Raises SetupError."""
    if wanted.strict and wanted.compare is None:
        raise ConfigError("--strict-baseline needs --baseline=NAME: there is nothing to be strict about")
    if wanted.save is not None and not _NAME.match(wanted.save):
        raise ConfigError(f"--save-baseline: {wanted.save!r} is no name: letters, digits, '.', '_' and '-' make one")
    if (wanted.compare is not None or wanted.save is not None) and len(backends) != 1:
        raise ConfigError(f"a baseline is about one model: give exactly one --backend, got {', '.join(backends)}")
    if wanted.compare is None:
        return
    names = {task: saved_names(golden, task) for task in tasks}
    if not any(wanted.compare in there for there in names.values()):
        choices = [name for there in names.values() for name in there]
        raise UnknownName("baseline", wanted.compare, choices, "Save one with --save-baseline=NAME.")
    for task, there in names.items():
        if wanted.compare in there:
            check_split(find(golden, task, wanted.compare), split)


def check_split(then: Baseline, split: str) -> None:
    """Raises ConfigError where ``then`` is about another split than ``split``."""
    if then.split != split:
        raise ConfigError(f"{then.name} of {then.task} is about the {then.split} split, this run about {split}")


# -- what a run holds -------------------------------------------------------------------------------


def take(name: str, model: ScoredModel, created: str) -> Baseline:
    """What ``model`` scored in a run of ``created`` (ISO), to be called ``name``.

    Raises ConfigError where it was not run whole, or left examples unanswered: what is absent can't be lost.
    """
    if model.selected < model.judged:
        part = f"{model.selected} of {counted(model.judged, 'example')} of {model.split} were selected"
        raise ConfigError(f"{model.task}: no baseline of {model.backend}: {part}, and a baseline is about all of them")
    if count := len(model.unanswered):
        problem = f"{counted(count, 'example')} stayed unanswered ({abbreviate(model.unanswered)})"
        raise ConfigError(f"{model.task}: no baseline of {model.backend}: {problem}")
    scores = {name: example.scores for name, example in model.examples.items()}
    return Baseline(name, model.task, model.split, model.backend, model.checksum, created[:10], scores)
