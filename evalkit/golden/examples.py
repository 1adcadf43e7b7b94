"""Reads the examples of a golden folder: each line of its splits, checked against the schema and the task's inputs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from evalkit._internal.strict_json import JsonError, parse_json, read_lines
from evalkit._internal.telling import Waiting
from evalkit.errors import Problem, UnknownName
from evalkit.golden.contract import InputTable
from evalkit.golden.ledger_lines import FILE as LEDGER
from evalkit.golden.model import SPLITS, Example
from evalkit.golden.schema import Schema

_KEYS: Mapping[str, tuple[type, str]] = {
    "id": (str, "a text"),
    "input": (dict, "an object"),
    "expected": (dict, "an object"),
    "tags": (list, "a list"),
    "group": (str, "a text"),
    "must_pass": (bool, "true or false"),
    "known_fail": (str, "a text"),
    "thinking": (str, "a text"),
}
"""The keys of a line, with their types."""

LARGEST = 512 << 20
"""A split of more bytes would take many times as much memory, and days to be asked."""

_REQUIRED = ("id", "input", "expected")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def is_id(name: str) -> bool:
    """Whether ``name`` can be part of a test's name."""
    return _ID.match(name) is not None


def place(folder: Path, file: str, line: int | None = None) -> str:
    """Where a ``file`` of a golden ``folder`` is, as messages say it: ``golden/<task>/test.jsonl:14``."""
    return f"{folder.parent.name}/{folder.name}/{file}" + (f":{line}" if line else "")


@dataclass(slots=True)
class ExampleReader:
    """Reads the splits of ``folder``. Collects ``problems`` instead of stopping at the first."""

    folder: Path
    schema: Schema
    inputs: InputTable
    problems: list[Problem] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)

    def splits(self) -> dict[str, tuple[Example, ...]]:
        """The examples of every split that the folder holds."""
        splits: dict[str, tuple[Example, ...]] = {}
        for split in SPLITS:
            path = self.folder / f"{split}.jsonl"
            if path.exists() or path.is_symlink():  # a link that leads nowhere is no split that is not there
                splits[split] = tuple(self._examples(path, split))
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stem not in SPLITS and path.name != LEDGER:
                self._unknown(place(self.folder, path.name), UnknownName("split", path.stem, SPLITS))
        if not splits.get("test"):
            self._problem(place(self.folder, "test.jsonl"), "no examples: a task needs at least one line here")
        return splits

    def _problem(self, where: str, what: str) -> None:
        self.problems.append(Problem(where, what))

    def _unknown(self, where: str, unknown: UnknownName, prefix: str = "") -> None:
        self.problems.append(Problem(where, f"{prefix}{unknown}", unknown.name, unknown.suggestion))

    def _examples(self, path: Path, split: str) -> Iterator[Example]:
        file, waiting = place(self.folder, path.name), Waiting()
        if path.is_file() and (size := path.stat().st_size) > LARGEST:
            most = f"at most {LARGEST >> 20:,} MiB are read"
            self._problem(file, f"has {size >> 20:,} MiB; {most}: take a random sample of its lines")
            return
        try:
            for number, line, part in read_lines(path):
                example = self._example(line, f"{file}:{number}", split)
                if example is not None:
                    self._check(example)
                    yield example
                waiting.tell(partial("reading {}: line {:,}, {:.0%} of the file".format, file, number, part))
        except JsonError as error:
            self._problem(place(self.folder, path.name, error.line), str(error))
        except FileNotFoundError:
            self._problem(file, "it is a link that leads nowhere; a file is expected")

    def _example(self, line: str, where: str, split: str) -> Example | None:
        try:
            entry = parse_json(line)
        except JsonError as error:
            self._problem(where, str(error))
            return None
        if not isinstance(entry, dict):
            self._problem(where, f"is a JSON {type(entry).__name__}, expected an object with id, input and expected")
            return None
        before = len(self.problems)
        self._check_keys(entry, where)
        if len(self.problems) > before:
            return None
        return Example(
            id=entry["id"],
            split=split,
            input=entry["input"],
            expected=entry["expected"],
            tags=tuple(str(tag) for tag in entry.get("tags", ())),
            group=entry.get("group") or entry["id"],
            must_pass=entry.get("must_pass", split == "reference"),
            known_fail=entry.get("known_fail"),
            where=where,
            thinking=entry.get("thinking"),
        )

    def _check_keys(self, entry: Mapping[str, Any], where: str) -> None:
        for key in entry:
            if key not in _KEYS:
                self._unknown(where, UnknownName("key", key, _KEYS))
        for key, (kind, what) in _KEYS.items():
            if key not in entry and key in _REQUIRED:
                self._problem(where, f"{key!r} is missing")
            elif key in entry and not isinstance(entry[key], kind):
                self._problem(where, f"{key!r} is {entry[key]!r}, expected {what}")
        name = entry.get("id")
        if isinstance(name, str) and not is_id(name):
            self._problem(where, f"'id' is {name!r}, expected letters, digits, '.', '_', '-' (it names a test)")

    def _check(self, example: Example) -> None:
        if example.id in self._places:
            first = self._places[example.id]
            self._problem(example.where, f"id {example.id!r} stands already at {first}; ids must be unique")
        self._places.setdefault(example.id, example.where)
        if violation := self.schema.violation(example.expected):
            self._problem(example.where, f"expected: {violation}")
        self._check_input(example, self.inputs.required, self.inputs.optional)

    def _check_input(self, example: Example, required: Sequence[str], optional: Sequence[str]) -> None:
        for key in example.input:
            if (required or optional) and key not in required and key not in optional:
                self._unknown(example.where, UnknownName("field", key, [*required, *optional]), "input: ")
        for key in required:
            if key not in example.input:
                self._problem(example.where, f"input: {key!r} is missing")
        if example.split != "malformed" and "error" not in example.expected:
            for key in required:
                value = example.input.get(key, "-")
                if not isinstance(value, str) or not value.strip():
                    self._problem(example.where, f"input: {key!r} is {value!r}, expected text")
