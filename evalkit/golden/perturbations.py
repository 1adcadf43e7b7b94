"""The relations of a task: each declared in a ``[relations.<name>]``, and the changed examples that it makes."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalkit._internal.registry import find
from evalkit.errors import ConfigError, UnknownName
from evalkit.golden.contract import RelationTable
from evalkit.golden.model import Example, Relation, Task
from evalkit.golden.relations.transform import TextTransform
from evalkit.golden.scoring import opposite_of, scorers_with_opposite

SPLIT = "relations"
"""The split that changed examples are of. No file has it, and none of its examples has an expected answer."""


@dataclass(frozen=True, slots=True)
class Perturbed:
    """``example`` is ``of`` with its input changed by ``relation``."""

    relation: Relation
    of: Example
    example: Example


def change_of(relation: Relation) -> TextTransform:
    """What ``relation`` does to a text. Raises an EvalkitError where there is no such one, or its options are wrong."""
    transform: TextTransform = find("relations", relation.relation).make_relation(relation.options)
    return transform


def read_relation(
    name: str, table: RelationTable, examples: Collection[Example], scorers: Mapping[str, str]
) -> Relation:
    """The relation that ``table`` declares, for ``examples`` whose answers have fields with ``scorers``.

    Raises an EvalkitError where its names are none of theirs, or it would change none of them.
    """
    inputs = {key for example in examples for key in example.input}
    lists = {"negates": table.negates, "follows": table.follows, "free": table.free}
    for key, fields in lists.items():
        _check_fields(key, fields, scorers)
    for field in table.negates:
        if opposite_of(scorers[field]) is None:
            raise ConfigError(
                f"negates has {field!r}, which is scored by {scorers[field]}: only values that are scored by "
                f"{', '.join(scorers_with_opposite())} have opposites"
            )
    _check_fields("input", table.input, inputs)
    if not table.input:
        raise ConfigError(f"input is missing: name the fields that are changed, of {', '.join(sorted(inputs))}")
    if both := [field for field in table.negates if field in (*table.follows, *table.free)]:
        raise ConfigError(f"{both[0]} is in negates and in another list: say one thing of it")
    relation = table.relation_of(name)
    if examples and not any(True for _ in _perturbed(relation, examples)):
        raise ConfigError("it changes no example of test.jsonl: a word may be misspelt, or the field be no text")
    return relation


def _check_fields(key: str, fields: Collection[str], choices: Collection[str]) -> None:
    for field in fields:
        if field not in choices:
            raise UnknownName("field", field, choices, f"(in {key})")


def perturbed_examples(task: Task, split: str) -> dict[str, Perturbed]:
    """The changed examples of ``split``, by their id, ``<example>~<relation>``.

    An example that expects an error, and one that a relation leaves as it is, has none. Of each relation there are
    ``most`` of them at most, drawn once and from as many groups.
    """
    drawn: dict[str, Perturbed] = {}
    for relation in task.relations.values():
        by_group: dict[str, Perturbed] = {}
        for perturbed in _perturbed(relation, task.splits.get(split, ())):
            by_group.setdefault(perturbed.of.group, perturbed)
        sample = random.Random(0).sample(list(by_group.values()), min(relation.most, len(by_group)))
        drawn |= {perturbed.example.id: perturbed for perturbed in sample}
    return drawn


def _perturbed(relation: Relation, examples: Collection[Example]) -> Iterator[Perturbed]:
    change = change_of(relation)
    for example in examples:
        changed = changed_input(relation, change, example.input)
        if "error" not in example.expected and changed != example.input:
            name = f"{example.id}~{relation.name}"
            copy = replace(example, id=name, split=SPLIT, input=changed, expected={}, must_pass=False, known_fail=None)
            yield Perturbed(relation, example, copy)


def changed_input(relation: Relation, change: TextTransform, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with its changed fields; what is no text is left as it is."""
    return {
        key: change(value) if key in relation.input and isinstance(value, str) and value else value
        for key, value in given.items()
    }
