"""Whether what a model answers to a changed input is what its own answer to the input as it was foretells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from evalkit._internal.registry import find
from evalkit.golden.model import Relation, ScoreRule, Task
from evalkit.golden.perturbations import Perturbed, change_of
from evalkit.golden.scoring import kind_of, opposite_of, scorer_of, values_match
from evalkit.judging.answer import Answer
from evalkit.stats.intervals import Estimate
from evalkit.stats.rates import rate

_MISSING = object()


class Reason(NamedTuple):
    """Why a relation does not hold: which kind of failure it is, and its words."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class RelationResult:
    """What one relation is found to be on one example: ``holds``, or ``why`` not.

    ``moot`` is true where it can't but hold, because what it negates is its own negation: a direction of 0.
    """

    backend: str
    relation: str
    example: str
    why: tuple[Reason, ...]
    input: Mapping[str, Any]
    moot: bool = False

    @property
    def holds(self) -> bool:
        return not self.why

    def __repr__(self) -> str:
        if self.holds:
            return f"{self.relation} holds for {self.backend} on {self.example}"
        told = ", ".join(f"{name} {value!r}" for name, value in self.input.items())
        why = "; ".join(reason.text for reason in self.why)
        return f"{self.relation} does not hold for {self.backend} on {self.example}: {why}. Asked: {told}"


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a relation holds for a model, with the 95 % interval, and the variants on which it does not. Those on
    which it can't but hold are left out, and so are the ``unanswered``."""

    backend: str
    relation: str
    rate: Estimate
    broken: tuple[str, ...]
    unanswered: tuple[str, ...] = ()


def held(task: Task, backend: str, variant: Perturbed, before: Answer, after: Answer) -> RelationResult:
    """Puts two answers of ``backend`` beside one another, sample by sample: it holds where it does for each.

    Nothing holds where one of them can't be read, or the first is an error object, because the example expects none;
    and an answer that was strict must stay so.
    """
    each = list(zip(before.each, after.each, strict=False))
    why = {reason: None for one, other in each for reason in _reasons(task, variant, one, other)}
    moot = not why and all(_moot(task, variant.relation, one) for one, _ in each)
    return RelationResult(backend, variant.relation.name, variant.example.id, tuple(why), variant.example.input, moot)


def _reasons(task: Task, variant: Perturbed, before: Answer, after: Answer) -> Iterator[Reason]:
    if before.value is None:
        yield Reason("before", f"the answer to {variant.of.id} can't be read")
    elif "error" in before.value:
        yield Reason("before", f"the answer to {variant.of.id} is an error: {before.value['error']!r}")
    elif after.value is None:
        yield Reason("after", f"the answer to {variant.example.id} can't be read")
    else:
        yield from _broken(task, variant.relation, before, after)
        if before.strict and not after.strict:
            yield Reason("strict", f"the answer to {variant.example.id} is not strict: {after.scores['strict'].why}")


def _broken(task: Task, relation: Relation, before: Answer, after: Answer) -> Iterator[Reason]:
    change = change_of(relation)
    old, new = before.value or {}, after.value or {}
    for name, rule in _compared(task, relation):
        expected, got = old.get(name, _MISSING), new.get(name, _MISSING)
        if name in relation.negates and expected is not _MISSING:
            expected = _negated(rule, expected)
        if name in relation.follows:
            expected = _following(expected, change)
        if expected is _MISSING or got is _MISSING:
            if expected is not got:
                yield Reason(f"{name} missing", f"{name} was {'there' if got is _MISSING else 'not there'} before")
        elif not values_match(scorer_of(rule), got, expected, after.example.input):
            yield Reason(name, f"{name} was {old[name]!r} and is {got!r}, expected {expected!r}")


def _compared(task: Task, relation: Relation) -> Iterator[tuple[str, ScoreRule]]:
    """The fields of which ``relation`` says anything, each with the first score that compares two values of it."""
    rules: dict[str, ScoreRule] = {}
    for rule in task.scores.values():
        # One that judges by the input says nothing of two inputs.
        if hasattr(find("scorers", rule.scorer), "make_scorer"):
            rules.setdefault(rule.field, rule)
    for name, rule in rules.items():
        if name not in relation.free and (kind_of(rule) != "text" or name in relation.follows):
            yield name, rule


def _moot(task: Task, relation: Relation, before: Answer) -> bool:
    value = before.value or {}
    negated = [
        (rule, value[name]) for name, rule in _compared(task, relation) if name in relation.negates and name in value
    ]
    return bool(negated) and all(
        values_match(scorer_of(rule), one, _negated(rule, one), before.example.input) for rule, one in negated
    )


def _negated(rule: ScoreRule, value: Any) -> Any:
    opposite = opposite_of(rule.scorer)
    return opposite(value) if opposite else value


def _following(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    return [_following(one, change) for one in value] if isinstance(value, list) else value


def rates(
    task: Task, backend: str, found: Iterable[tuple[Perturbed, RelationResult]], unanswered: Iterable[Perturbed] = ()
) -> list[Rate]:
    """For each relation of ``task`` that was tried on ``backend``, how often it holds.

    ``unanswered`` are variants of which nothing is known, because they or their examples were not answered.
    """
    left = list(unanswered)
    tried: dict[str, list[tuple[Perturbed, RelationResult]]] = {name: [] for name in task.relations}
    for variant, one in found:
        if not one.moot:
            tried[variant.relation.name].append((variant, one))
    return [
        Rate(
            backend,
            name,
            rate([float(one.holds) for _, one in own], [variant.of.group for variant, _ in own]),
            tuple(one.example for _, one in own if not one.holds),
            tuple(variant.example.id for variant in left if variant.relation.name == name),
        )
        for name, own in tried.items()
        if own or any(variant.relation.name == name for variant in left)
    ]
