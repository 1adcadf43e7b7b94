"""Reads the ``[relations.<name>]`` of a task.toml, and makes their variants of its examples."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalkit._internal.registry import find
from evalkit.errors import ConfigError, UnknownName
from evalkit.golden.model import Example, Relation, Task
from evalkit.golden.relations.transform import TextTransform
from evalkit.golden.scoring import opposite_of, scorers_with_opposite

SPLIT = "relations"
"""The split that variants are of. No file has it, and none of its examples has an expected answer."""

_GENERIC = ("relation", "input", "negates", "follows", "free", "most")


@dataclass(frozen=True, slots=True)
class Perturbed:
    """``example`` is ``of`` with its input changed by ``relation``."""

    relation: Relation
    of: Example
    example: Example


def change_of(relation: Relation) -> TextTransform:
    """What ``relation`` does to a text. Raises an EvalkitError where there is no such one, or its options are wrong."""
    change: TextTransform = find("relations", relation.relation).make_relation(relation.options)
    return change


def read_relation(name: str, entry: Any, examples: Collection[Example], scorers: Mapping[str, str]) -> Relation:
    """The relation that the table ``entry`` declares, for ``examples`` whose answers have fields with ``scorers``.

    Raises an EvalkitError where the table can't be used as it stands, or would change none of them.
    """
    inputs = {key for example in examples for key in example.input}
    if not isinstance(entry, dict) or not isinstance(entry.get("relation"), str):
        raise ConfigError(f'got {entry!r}, expected a table with relation = "..."')
    told = {key: _names(entry, key, scorers) for key in ("negates", "follows", "free")}
    for field in told["negates"]:
        if opposite_of(scorers[field]) is None:
            raise ConfigError(
                f"negates has {field!r}, which is scored by {scorers[field]}: only values that are scored by "
                f"{', '.join(scorers_with_opposite())} have opposites"
            )
    most = entry.get("most", Relation.MOST)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ConfigError(f"most is {most!r}, expected a number of examples, 1 or more")
    changed = _names(entry, "input", inputs)
    if not changed:
        raise ConfigError(f"input is missing: name the fields that are changed, of {', '.join(sorted(inputs))}")
    if both := [field for field in told["negates"] if field in (*told["follows"], *told["free"])]:
        raise ConfigError(f"{both[0]} is in negates and in another list: say one thing of it")
    options = {key: value for key, value in entry.items() if key not in _GENERIC}
    found = Relation(name, entry["relation"], changed, **told, most=most, options=options)
    if examples and not any(True for _ in _variants(found, examples)):
        raise ConfigError("it changes no example of test.jsonl: a word may be misspelt, or the field be no text")
    return found


def _names(entry: Mapping[str, Any], key: str, known: Collection[str]) -> tuple[str, ...]:
    value = entry.get(key, [])
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{key} is {value!r}, expected a field or a list of fields")
    for name in value:
        if name not in known:
            raise UnknownName("field", name, known, f"(in {key})")
    return tuple(value)


def variants(task: Task, split: str) -> dict[str, Perturbed]:
    """The variants of the examples of ``split``, by their id, ``<example>~<relation>``.

    An example that expects an error, and one that a relation leaves as it is, has none. Of each relation there are
    ``most`` of them at most, drawn once and from as many groups.
    """
    found: dict[str, Perturbed] = {}
    for relation in task.relations.values():
        first: dict[str, Perturbed] = {}
        for variant in _variants(relation, task.splits.get(split, ())):
            first.setdefault(variant.of.group, variant)
        drawn = random.Random(0).sample(list(first.values()), min(relation.most, len(first)))
        found |= {variant.example.id: variant for variant in drawn}
    return found


def _variants(relation: Relation, examples: Collection[Example]) -> Iterator[Perturbed]:
    change = change_of(relation)
    for example in examples:
        changed = changed_input(relation, change, example.input)
        if "error" not in example.expected and changed != example.input:
            name = f"{example.id}~{relation.name}"
            variant = replace(
                example, id=name, split=SPLIT, input=changed, expected={}, must_pass=False, known_fail=None
            )
            yield Perturbed(relation, example, variant)


def changed_input(relation: Relation, change: TextTransform, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with its changed fields; what is no text is left as it is."""
    return {
        key: change(value) if key in relation.input and isinstance(value, str) and value else value
        for key, value in given.items()
    }
