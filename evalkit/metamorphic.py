"""Whether what a model answers to a changed input is what its own answer to the input as it was foretells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit import metrics
from evalkit.answers import Answer
from evalkit.components import find
from evalkit.rules import scorer_of
from evalkit.stats.intervals import Estimate
from evalkit.tasks import Relation, ScoreRule, Task
from evalkit.variants import Variant, change_of

_NO_EQUALS = ("text", "embedding")
"""Scorers of free text: a model that says the same in other words has not changed its mind."""

_MISSING = object()


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """What one relation is found to be on one example: ``holds``, or ``why`` not."""

    backend: str
    relation: str
    example: str
    why: tuple[str, ...]
    input: Mapping[str, Any]

    @property
    def holds(self) -> bool:
        return not self.why

    def __repr__(self) -> str:
        if self.holds:
            return f"{self.relation} holds for {self.backend} on {self.example}"
        told = ", ".join(f"{name} {value!r}" for name, value in self.input.items())
        return (
            f"{self.relation} does not hold for {self.backend} on {self.example}: {'; '.join(self.why)}. Asked: {told}"
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a relation holds for a model, with the 95 % interval, and the variants on which it does not."""

    backend: str
    relation: str
    rate: Estimate
    broken: tuple[str, ...]


def held(task: Task, backend: str, variant: Variant, before: Answer, after: Answer) -> Held:
    """Puts two answers of ``backend`` beside one another.

    An unreadable one holds nothing, and neither does one that the schema refuses after one that it took.
    """
    unread = [f"the answer to {one.example.id} can't be read" for one in (before, after) if one.value is None]
    why = unread or list(_broken(task, variant.relation, before, after))
    if not unread and before.strict and not after.strict:
        why.append(f"the answer to {after.example.id} is not strict: {after.scores['strict'].why}")
    return Held(backend, variant.relation.name, variant.example.id, tuple(why), variant.example.input)


def _broken(task: Task, relation: Relation, before: Answer, after: Answer) -> Iterable[str]:
    change = change_of(relation)
    old, new = before.value or {}, after.value or {}
    rules: dict[str, ScoreRule] = {}
    for rule in task.scores.values():
        rules.setdefault(rule.field, rule)
    for name, rule in rules.items():
        if name in relation.free or (rule.scorer in _NO_EQUALS and name not in relation.follows):
            continue
        if not hasattr(find("scorers", rule.scorer), "make_scorer"):
            continue  # it judges by the input, which has changed
        expected, got = old.get(name, _MISSING), new.get(name, _MISSING)
        if name in relation.negates:
            expected = _negated(expected)
        if name in relation.follows:
            expected = _following(expected, change)
        if expected is _MISSING or got is _MISSING:
            if expected is not got:
                yield f"{name} was {'there' if got is _MISSING else 'not there'} before"
        elif scorer_of(rule)(got, expected, after.example.input).value < 1:
            yield f"{name} was {old[name]!r} and is {got!r}, expected {expected!r}"


def _negated(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return -value if isinstance(value, int | float) else value


def _following(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    return [_following(one, change) for one in value] if isinstance(value, list) else value


def rates(task: Task, backend: str, found: Iterable[tuple[Variant, Held]]) -> list[Rate]:
    """For each relation of ``task`` that was tried on ``backend``, how often it holds."""
    tried: dict[str, list[tuple[Variant, Held]]] = {name: [] for name in task.relations}
    for variant, one in found:
        tried[variant.relation.name].append((variant, one))
    return [
        Rate(
            backend,
            name,
            metrics.rate([float(one.holds) for _, one in own], [variant.of.group for variant, _ in own]),
            tuple(one.example for _, one in own if not one.holds),
        )
        for name, own in tried.items()
        if own
    ]
