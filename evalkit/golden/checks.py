"""Checks what a task.toml says against what it speaks of: its scores, their scorers, and the task's examples.

A name that leads nowhere, or a scorer that can't read what an example expects, would break the run after the models
were asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from evalkit._internal.registry import names
from evalkit._internal.toml import Location
from evalkit._internal.validation import Source, place
from evalkit.errors import ConfigError, EvalkitError, Problem, UnknownName
from evalkit.golden.composites import read_scores
from evalkit.golden.contract import SLICES, Contract
from evalkit.golden.examples import is_id
from evalkit.golden.hypotheses import Ground, read_hypothesis
from evalkit.golden.model import (
    ANSWERED,
    SPLITS,
    Example,
    Hypothesis,
    MeasureRule,
    Relation,
    ScoreRule,
)
from evalkit.golden.perturbations import read_relation
from evalkit.golden.scoring import Reader, is_graded, measure_reader, reads_field, score_reader

Splits = Mapping[str, tuple[Example, ...]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a contract says of a task's answers, as the rest of evalkit reads it."""

    scores: Mapping[str, ScoreRule]
    measurements: Mapping[str, MeasureRule]
    hypotheses: tuple[Hypothesis, ...]
    relations: Mapping[str, Relation]


class Checker:
    """Makes the rules of a contract and collects every problem with them.

    ``declared`` are the names of all scores in the file, those included that can't be used: that such a one is named
    elsewhere is no further mistake. ``alpha`` is the one-sided level at which a candidate is judged.
    """

    def __init__(
        self, contract: Contract, declared: Sequence[str], splits: Splits, source: Source, alpha: float
    ) -> None:
        self.contract, self.splits, self.source, self.alpha = contract, splits, source, alpha
        self.score_names = (*ANSWERED, *declared)
        self.problems: list[Problem] = []

    def rules(self) -> Rules:
        """The rules; good only where there are no ``problems``."""
        scores = self._scores()
        measurements = {name: table.rule(name) for name, table in self.contract.measurements.items()}
        self._check_names()
        hypotheses = tuple(self._hypotheses(scores))
        self._check_expected(scores, measurements)
        self._check_waivers()
        self._check_time()
        relations = {relation.name: relation for relation in self._relations(scores)}
        return Rules(scores, measurements, hypotheses, relations)

    def _scores(self) -> dict[str, ScoreRule]:
        rules, problems = read_scores(self.contract.scores, self.score_names[len(ANSWERED) :], self._scored())
        for name, error in problems.items():
            self._tell(("scores", name), error)
        return {name: rule for name, rule in rules.items() if name not in problems}

    def _scored(self) -> Iterator[Example]:
        return (example for split, examples in self.splits.items() if split != "train" for example in examples)

    def _tell(self, location: Location, error: EvalkitError | str, separator: str = "") -> None:
        suggestion = error.suggestion if isinstance(error, UnknownName) else None
        heading = place(self.source, location).rstrip()
        self.problems.append(self.source.problem(location, f"{heading}{separator} {error}", suggestion))

    def _check_names(self) -> None:
        for name in self.contract.scores:
            if name in ANSWERED:
                self._tell(("scores", name), f"{name!r} is scored for every answer; choose another name", ":")
        # None where [primary] is missing, which is told already.
        primary: Any = self.contract.primary
        if primary is not None and primary.score not in self.score_names:
            self._tell(("primary",), UnknownName("score", primary.score, self.score_names))
        self._check_thresholds()

    def _check_thresholds(self) -> None:
        tags = self._tags()
        for split, rates in self.contract.least_rates().items():
            if split == SLICES:
                self._tell(("thresholds", SLICES), "has rates, expected tables named after tags", ":")
                continue
            if split not in SPLITS:
                self._tell(("thresholds",), UnknownName("split", split, SPLITS))
            self._check_scores(("thresholds",), rates)
        for key, slices in self.contract.least_rates_of_slices().items():
            for tag, rates in slices.items():
                if key != SLICES:
                    self._tell(
                        ("thresholds", key, tag), f"is a table; those of slices are in [thresholds.{SLICES}]", ":"
                    )
                elif tag not in tags:
                    self._tell(("thresholds", key), UnknownName("tag", tag, tags, "It must be one of the test split."))
                self._check_scores(("thresholds", key, tag), rates)

    def _check_scores(self, location: Location, rates: Iterable[str]) -> None:
        for score in rates:
            if score not in self.score_names:
                self._tell(location, UnknownName("score", score, self.score_names))

    def _tags(self) -> list[str]:
        return sorted({tag for example in self.splits.get("test", ()) for tag in example.tags})

    def _hypotheses(self, scores: Mapping[str, ScoreRule]) -> Iterator[Hypothesis]:
        grounds = {tag: self._grounds(scores, tag) for tag in ("", *self._tags())}
        for index, table in enumerate(self.contract.hypotheses):
            where = f"{self.source.file} [[hypotheses]] number {index + 1}"
            try:
                yield from read_hypothesis(table, grounds, where)
            except EvalkitError as error:
                self._tell(("hypotheses", index), error)

    def _grounds(self, scores: Mapping[str, ScoreRule], tag: str) -> dict[str, Ground]:
        """What each score can be judged on: all of the test split, or what of it has the ``tag``."""
        test = [example for example in self.splits.get("test", ()) if not tag or tag in example.tags]
        grounds = dict.fromkeys(self.score_names, Ground(len({example.group for example in test}), self.alpha))
        for name, rule in scores.items():
            pieces = len({example.group for example in test if rule.asked_of(example)})
            grounds[name] = Ground(pieces, self.alpha, _is_graded(rule))
        return grounds

    def _check_expected(self, scores: Mapping[str, ScoreRule], measurements: Mapping[str, MeasureRule]) -> None:
        readers: dict[str, tuple[str, Reader]] = {}
        rules: Iterator[tuple[str, ScoreRule | MeasureRule]] = chain(
            (("scores", rule) for rule in scores.values()), (("measurements", rule) for rule in measurements.values())
        )
        for section, rule in rules:
            try:
                reader = score_reader(rule) if isinstance(rule, ScoreRule) else measure_reader(rule)
                readers[place(self.source, (section, rule.name)).rstrip()] = (rule.field, reader)
                if isinstance(rule, MeasureRule):
                    self._check_field(rule)
            except EvalkitError as error:
                self._tell((section, rule.name), error)
        for example in self._scored():
            for heading, (field, read) in readers.items():
                try:
                    read(example)
                except EvalkitError as error:
                    self.problems.append(Problem(example.where, f"expected: {field!r}, {heading}: {error}", field))

    def _check_field(self, rule: MeasureRule) -> None:
        fields = {field for examples in self.splits.values() for example in examples for field in example.expected}
        if reads_field(rule) and rule.field not in fields:
            raise UnknownName("field", rule.field, fields, "An example must expect it.")

    def _check_time(self) -> None:
        time, declared = self.contract.input.time, (*self.contract.input.required, *self.contract.input.optional)
        fields = declared or {name for examples in self.splits.values() for one in examples for name in one.input}
        if time and time not in fields:
            self._tell(("input",), UnknownName("field", time, fields, "`time` must be one of the input."))

    def _check_waivers(self) -> None:
        for index, waiver in enumerate(self.contract.waivers):
            if waiver.lint not in names("lints"):
                self._tell(("waivers", index), UnknownName("lint", waiver.lint, names("lints")))

    def _relations(self, scores: Mapping[str, ScoreRule]) -> Iterator[Relation]:
        scorers = {rule.field: rule.scorer for rule in reversed([*scores.values()]) if not rule.members}
        for name, table in self.contract.relations.items():
            try:
                if not is_id(name):
                    raise ConfigError("a name has letters, digits, dots, dashes and underscores only")
                yield read_relation(name, table, self.splits.get("test", ()), scorers)
            except EvalkitError as error:
                self._tell(("relations", name), error)


def _is_graded(rule: ScoreRule) -> bool:
    try:
        return is_graded(rule)
    except EvalkitError:
        return False  # that there is no such scorer is told elsewhere
