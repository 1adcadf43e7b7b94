"""Reads a golden folder into a Task, and finds everything that is wrong with it in one reading."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from evalkit._internal.files import text_digest
from evalkit._internal.registry import names
from evalkit.errors import ConfigError, EvalkitError, GoldenError, Problem, UnknownName
from evalkit.golden import freeze as frozen
from evalkit.golden import looks
from evalkit.golden.hypotheses import read_hypothesis
from evalkit.golden.model import (
    ANSWERED,
    SPLITS,
    Decoding,
    Example,
    Hypothesis,
    MeasureRule,
    Prompt,
    Relation,
    ScoreRule,
    Task,
    Waiver,
)
from evalkit.golden.perturbations import read_relation
from evalkit.golden.schema import Schema, compiled
from evalkit.golden.scoring import Reader, measure_reader, score_reader

_SECTIONS = {
    "title", "input", "prompt", "decoding", "scores", "measurements", "primary", "thresholds", "hypotheses",
    "relations", "waivers",
}  # fmt: skip
_LINE = {
    "id": str,
    "input": dict,
    "expected": dict,
    "tags": list,
    "group": str,
    "must_pass": bool,
    "known_fail": str,
    "thinking": str,
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def find_tasks(golden: Path) -> dict[str, Path]:
    """The task folders under ``golden``, by name: those that hold a task.toml."""
    return {path.parent.name: path.parent for path in sorted(golden.glob("*/task.toml"))}


def load_task(folder: Path, *, verify: bool = True) -> Task:
    """Reads and checks a golden folder.

    Raises GoldenError with *all* problems found, each with file, line and field; FrozenError (only with
    ``verify``) when a split is not what was frozen.
    """
    reading = _Reading(folder)
    task = reading.task()
    if reading.problems or task is None:
        raise GoldenError(reading.problems)
    if verify:
        frozen.verify(folder, task.splits)
    return task


class _Reading:
    """One reading of a folder: collects problems instead of stopping at the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def problem(self, where: str, what: str) -> None:
        self.problems.append(Problem(where, what))

    def place(self, file: str, line: int | None = None) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}/{file}" + (f":{line}" if line else "")

    # -- the contract -------------------------------------------------------------------------------

    def task(self) -> Task | None:
        toml = self._toml()
        schema = self._schema()
        if toml is None or schema is None:
            return None
        scores = self._rules(toml, "scores", ScoreRule, "scorer")
        measurements = self._rules(toml, "measurements", MeasureRule, "measure")
        known = (*ANSWERED, *scores)
        thresholds = self._thresholds(self._section(toml, "thresholds"), known)
        primary = self._known_keys(toml, "primary", ("score",)).get("score", "")
        if primary not in known:
            self.problem(self.place("task.toml"), f"[primary] {UnknownName('score', str(primary), known)}")
        splits = self._splits(toml, schema)
        hypotheses = tuple(self._hypotheses(toml.get("hypotheses", []), scores, splits.get("test", ())))
        if not splits.get("test"):
            self.problem(self.place("test.jsonl"), "no examples: a task needs at least one line here")
        self._check_expected(scores, measurements, splits)
        prompt = self._dataclass(Prompt, "prompt", toml)
        decoding = self._dataclass(Decoding, "decoding", toml)
        waivers = tuple(self._waivers(toml.get("waivers", [])))
        relations = {one.name: one for one in self._relations(toml, splits.get("test", ()), scores)}
        if prompt is None or decoding is None or self.problems:
            return None
        checksum = text_digest("".join((self.folder / name).read_text("utf-8") for name in self._files(splits)))
        return Task(
            name=self.folder.name,
            folder=self.folder,
            title=str(toml.get("title", self.folder.name)),
            prompt=prompt,
            decoding=decoding,
            schema=schema.source,
            scores=scores,
            measurements=measurements,
            primary=primary,
            thresholds=thresholds,
            hypotheses=hypotheses,
            splits=splits,
            checksum=checksum,
            waivers=waivers,
            relations=relations,
        )

    def _files(self, splits: Mapping[str, object]) -> list[str]:
        return ["task.toml", "schema.json", *(f"{split}.jsonl" for split in splits)]

    def _toml(self) -> dict[str, Any] | None:
        place = self.place("task.toml")
        try:
            toml = tomllib.loads((self.folder / "task.toml").read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.problem(place, "there is no such file: every golden folder needs its contract")
            return None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.problem(place, f"not valid TOML: {error}")
            return None
        for section in toml:
            if section not in _SECTIONS:
                self.problem(place, str(UnknownName("section", section, _SECTIONS)))
        return toml

    def _schema(self) -> Schema | None:
        place = self.place("schema.json")
        try:
            return compiled(_json((self.folder / "schema.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            self.problem(place, "there is no such file: it says what JSON object the model must return")
        except ValueError as error:
            self.problem(place, f"not a valid JSON Schema: {error}")
        return None

    def _relations(
        self, toml: Mapping[str, Any], test: Sequence[Example], scores: Mapping[str, ScoreRule]
    ) -> Iterator[Relation]:
        scorers = {rule.field: rule.scorer for rule in reversed([*scores.values()])}
        for name, entry in self._section(toml, "relations").items():
            try:
                if not _ID.match(name):
                    raise ConfigError("a name has letters, digits, dots, dashes and underscores only")
                yield read_relation(name, entry, test, scorers)
            except EvalkitError as error:
                self.problem(self.place("task.toml"), f"[relations.{name}] {error}")

    def _waivers(self, entries: object) -> Iterator[Waiver]:
        place, wanted = self.place("task.toml"), [one.name for one in fields(Waiver)]
        if not isinstance(entries, list):
            self.problem(place, f"waivers is {entries!r}, expected [[waivers]]")
            return
        for number, entry in enumerate(entries, 1):
            texts = isinstance(entry, dict) and all(
                isinstance(value, str) and value.strip() for value in entry.values()
            )
            if not texts or sorted(entry) != sorted(wanted):
                self.problem(place, f"[[waivers]] {number}: got {entry!r}, expected {', '.join(wanted)}, each a text")
            elif entry["lint"] not in names("lints"):
                self.problem(place, f"[[waivers]] {number}: {UnknownName('lint', entry['lint'], names('lints'))}")
            else:
                yield Waiver(**entry)

    def _section(self, toml: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = toml.get(name, {})
        if isinstance(value, dict):
            return value
        self.problem(self.place("task.toml"), f"[{name}] is {value!r}, expected a table")
        return {}

    def _known_keys(self, toml: Mapping[str, Any], name: str, known: Sequence[str]) -> Mapping[str, Any]:
        section = self._section(toml, name)
        for key in section:
            if key not in known:
                self.problem(self.place("task.toml"), f"[{name}] {UnknownName('key', key, known)}")
        return section

    def _fields(self, inputs: Mapping[str, Any], key: str) -> list[str]:
        value = inputs.get(key, [])
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return value
        self.problem(self.place("task.toml"), f"[input] {key} is {value!r}, expected a list of field names")
        return []

    def _dataclass(self, kind: Any, section: str, toml: Mapping[str, Any]) -> Any:
        given, place = dict(self._section(toml, section)), self.place("task.toml")
        known = {entry.name: entry for entry in fields(kind)}
        for key in [key for key in given if key not in known]:
            self.problem(place, f"[{section}] {UnknownName('key', key, known)}")
            del given[key]
        if section == "decoding" and given.get("tail") == "all":
            given["tail"] = None
        for key, value in given.items():
            allowed = (
                (int, float) if "float" in str(known[key].type) else (int,) if "int" in str(known[key].type) else (str,)
            )
            negative = isinstance(value, int | float) and value < 0
            if not (key == "tail" and value is None) and (
                not isinstance(value, allowed) or isinstance(value, bool) or negative
            ):
                self.problem(place, f"[{section}] {key} is {value!r}, expected {known[key].type}, not negative")
        if given.get("repeat_penalty") == 0:
            self.problem(place, f"[{section}] repeat_penalty is 0, expected more: 1 is none")
        try:
            return kind(**given)
        except TypeError as error:
            self.problem(place, f"[{section}] {str(error).partition('() ')[2] or error}")
            return None

    def _rules(self, toml: Mapping[str, Any], section: str, kind: Any, component: str) -> dict[str, Any]:
        rules: dict[str, Any] = {}
        for name, entry in self._section(toml, section).items():
            where = f"[{section}.{name}]"
            if not isinstance(entry, dict) or not isinstance(entry.get(component), str):
                self.problem(
                    self.place("task.toml"), f'{where} is {entry!r}, expected a table with {component} = "..."'
                )
            elif section == "scores" and name in ANSWERED:
                self.problem(
                    self.place("task.toml"), f"{where}: {name!r} is scored for every answer; choose another name"
                )
            else:
                generic = {key: entry[key] for key in ("nonempty",) if section == "scores" and key in entry}
                if not isinstance(generic.get("nonempty", False), bool):
                    told = f"{where} nonempty is {generic['nonempty']!r}, expected true or false"
                    self.problem(self.place("task.toml"), told)
                options = {key: value for key, value in entry.items() if key not in (component, "field", *generic)}
                rules[name] = kind(name, str(entry.get("field", name)), entry[component], options, **generic)
        return rules

    def _check_expected(
        self,
        scores: Mapping[str, ScoreRule],
        measurements: Mapping[str, MeasureRule],
        splits: Mapping[str, tuple[Example, ...]],
    ) -> None:
        """A rule that can't read what an example expects would break the run, after the models were asked."""
        readers: dict[str, tuple[str, Reader]] = {}
        made = (("scores", scores, score_reader), ("measurements", measurements, measure_reader))
        for section, name, rule, make in ((section, *one, make) for section, of, make in made for one in of.items()):
            try:
                readers[f"[{section}.{name}]"] = (rule.field, make(rule))
            except EvalkitError as error:
                self.problem(self.place("task.toml"), f"[{section}.{name}] {error}")
        for example in (example for split, examples in splits.items() if split != "train" for example in examples):
            for where, (field, read) in readers.items():
                try:
                    read(example)
                except EvalkitError as error:
                    self.problem(example.where, f"expected: {field!r}, {where}: {error}")

    def _thresholds(self, table: Mapping[str, Any], known: Sequence[str]) -> dict[str, dict[str, float]]:
        """``{split: {score: least rate}}``: bare keys are about the test split, sub-tables about another."""
        found: dict[str, dict[str, float]] = {}
        for key, value in table.items():
            split, entries = (key, value) if isinstance(value, dict) else ("test", {key: value})
            if split not in SPLITS:
                self.problem(self.place("task.toml"), f"[thresholds] {UnknownName('split', split, SPLITS)}")
            for score, least in entries.items():
                if score not in known:
                    self.problem(self.place("task.toml"), f"[thresholds] {UnknownName('score', score, known)}")
                elif isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
                    self.problem(
                        self.place("task.toml"), f"[thresholds] {score} is {least!r}, expected a rate from 0 to 1"
                    )
                else:
                    found.setdefault(split, {})[score] = float(least)
        return found

    def _hypotheses(
        self, entries: Any, scores: Mapping[str, ScoreRule], test: Sequence[Example]
    ) -> Iterator[Hypothesis]:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.problem(self.place("task.toml"), f"hypotheses is {entries!r}, expected tables headed [[hypotheses]]")
            return
        groups = dict.fromkeys(ANSWERED, len({example.group for example in test}))
        for name, rule in scores.items():
            groups[name] = len({example.group for example in test if rule.asked_of(example)})
        for number, entry in enumerate(entries, start=1):
            where = f"{self.place('task.toml')} [[hypotheses]] number {number}"
            try:
                yield from read_hypothesis(entry, groups, where)
            except EvalkitError as error:
                self.problem(where, str(error))

    # -- the examples -------------------------------------------------------------------------------

    def _splits(self, toml: Mapping[str, Any], schema: Schema) -> dict[str, tuple[Example, ...]]:
        inputs = self._known_keys(toml, "input", ("required", "optional"))
        required, optional = (self._fields(inputs, key) for key in ("required", "optional"))
        splits: dict[str, tuple[Example, ...]] = {}
        seen: dict[str, str] = {}
        for split in SPLITS:
            path = self.folder / f"{split}.jsonl"
            if path.exists():
                splits[split] = tuple(self._examples(path, split, schema, required, optional, seen))
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stem not in SPLITS and path.name != looks.FILE:
                self.problem(self.place(path.name), str(UnknownName("split", path.stem, SPLITS)))
        return splits

    def _examples(
        self, path: Path, split: str, schema: Schema, required: list[str], optional: list[str], seen: dict[str, str]
    ) -> Iterator[Example]:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            self.problem(self.place(path.name), f"not UTF-8: {error}")
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            where = self.place(path.name, number)
            example = self._example(line, where, split)
            if example is None:
                continue
            if example.id in seen:
                self.problem(where, f"id {example.id!r} stands already at {seen[example.id]}; ids must be unique")
            seen.setdefault(example.id, where)
            violation = schema.violation(example.expected)
            if violation:
                self.problem(where, f"expected: {violation}")
            self._check_input(example, required, optional)
            yield example

    def _example(self, line: str, where: str, split: str) -> Example | None:
        try:
            entry = _json(line)
        except ValueError as error:
            self.problem(where, f"not valid JSON: {error}")
            return None
        if not isinstance(entry, dict):
            self.problem(where, f"is a JSON {type(entry).__name__}, expected an object with id, input and expected")
            return None
        faults = [str(UnknownName("key", key, _LINE)) for key in entry if key not in _LINE]
        for key, kind in _LINE.items():
            if key not in entry and key in ("id", "input", "expected"):
                faults.append(f"{key!r} is missing")
            elif key in entry and not isinstance(entry[key], kind):
                faults.append(f"{key!r} is {entry[key]!r}, expected {kind.__name__}")
        if isinstance(entry.get("id"), str) and not _ID.match(entry["id"]):
            faults.append(f"'id' is {entry['id']!r}, expected letters, digits, '.', '_', '-' (it names a test)")
        for fault in faults:
            self.problem(where, fault)
        if faults:
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

    def _check_input(self, example: Example, required: list[str], optional: list[str]) -> None:
        for key in example.input:
            if (required or optional) and key not in required and key not in optional:
                self.problem(example.where, f"input: {UnknownName('field', key, [*required, *optional])}")
        for key in required:
            if key not in example.input:
                self.problem(example.where, f"input: {key!r} is missing")
        if example.split != "malformed" and "error" not in example.expected:
            for key in required:
                value = example.input.get(key, "-")
                if not isinstance(value, str) or not value.strip():
                    self.problem(example.where, f"input: {key!r} is {value!r}, expected text")


def _json(text: str) -> Any:
    """Strict JSON: a key that stands twice, NaN and infinities are errors."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(items)
        if len(table) < len(items):
            names = [name for name, _ in items]
            raise ValueError(f"key {next(n for n in names if names.count(n) > 1)!r} stands twice")
        return table

    def constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)


def load_all(golden: Path, names: Sequence[str] | None = None) -> dict[str, Task]:
    """Every task under ``golden`` (or those named), all problems of all of them in one error."""
    folders = find_tasks(golden)
    for name in names or ():
        if name not in folders:
            raise UnknownName("task", name, folders, f"Tasks are the folders of {golden} that hold a task.toml.")
    tasks: dict[str, Task] = {}
    problems: list[Problem] = []
    for name in names if names is not None else folders:
        try:
            tasks[name] = load_task(folders[name])
        except GoldenError as error:
            problems.extend(error.problems)
    if problems:
        raise GoldenError(problems)
    return tasks
