"""Whether what a model answers to a changed input is what its own answer to the input as it was foretells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalkit._internal.registry import find
from evalkit.errors import visible
from evalkit.golden.model import Relation, ScoreRule, Task
from evalkit.golden.perturbations import Perturbed, change_of
from evalkit.golden.scoring import kind_of, opposite_of, scorer_of, values_match
from evalkit.judging import wording
from evalkit.judging.answer import Answer
from evalkit.stats.intervals import Estimate
from evalkit.stats.rates import rate


class BreakCode(StrEnum):
    """In what way a relation does not hold. Behind each stand the fields of ``Break`` that it has."""

    UNREADABLE_BEFORE = "unreadable_before"
    """The answer to the example as it was can't be read."""
    ERROR_BEFORE = "error_before"
    """That answer is an error object: before."""
    UNREADABLE_AFTER = "unreadable_after"
    """The answer to the changed example can't be read."""
    NOT_STRICT = "not_strict"
    """The answer was strict and is not any more: why."""
    FIELD_APPEARED = "field_appeared"
    """A field is there that was not: field."""
    FIELD_GONE = "field_gone"
    """A field is not there that was: field."""
    FIELD_CHANGED = "field_changed"
    """A field is not what was foretold: field, before, after, expected."""


@dataclass(frozen=True, slots=True)
class Break:
    """One way in which a relation does not hold; ``example`` is the one whose answer it is about."""

    code: BreakCode
    example: str
    field: str = ""
    before: Any = None
    after: Any = None
    expected: Any = None
    why: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """What two breaks have in common that are the same failure on inputs of different size."""
        return _SAME_FAILURE.get(self.code, self.code), self.field


_SAME_FAILURE = {
    BreakCode.ERROR_BEFORE: BreakCode.UNREADABLE_BEFORE,
    BreakCode.FIELD_APPEARED: BreakCode.FIELD_GONE,
}


@dataclass(frozen=True, slots=True, repr=False)
class RelationResult:
    """A relation's result on one example: ``holds``, or ``why`` not.

    ``moot`` is true where it can't but hold, because what it negates is its own negation: a direction of 0.
    """

    backend: str
    relation: str
    example: str
    why: tuple[Break, ...]
    input: Mapping[str, Any]
    moot: bool = False

    @property
    def holds(self) -> bool:
        return not self.why

    def __repr__(self) -> str:
        return visible(wording.relation(self))


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a relation holds for a model, with the 95 % interval, and the perturbed examples on which it does not.
    Those on which it can't but hold are left out, and so are the ``unanswered``."""

    backend: str
    relation: str
    rate: Estimate
    broken: tuple[str, ...]
    unanswered: tuple[str, ...] = ()


def held(task: Task, backend: str, perturbed: Perturbed, before: Answer, after: Answer) -> RelationResult:
    """Puts two answers of ``backend`` beside one another, sample by sample: it holds where it does for each.

    Nothing holds where one of them can't be read, or the first is an error object, because the example expects none;
    and an answer that was strict must stay so.
    """
    samples = list(zip(before.each, after.each, strict=False))
    breaks: list[Break] = []
    for first, second in samples:
        breaks += [item for item in _breaks(task, perturbed, first, second) if item not in breaks]
    moot = not breaks and all(_moot(task, perturbed.relation, first) for first, _ in samples)
    return RelationResult(
        backend, perturbed.relation.name, perturbed.example.id, tuple(breaks), perturbed.example.input, moot
    )  # fmt: skip


def _breaks(task: Task, perturbed: Perturbed, before: Answer, after: Answer) -> Iterator[Break]:
    first, second = perturbed.of.id, perturbed.example.id
    if before.value is None:
        yield Break(BreakCode.UNREADABLE_BEFORE, first)
    elif "error" in before.value:
        yield Break(BreakCode.ERROR_BEFORE, first, before=before.value["error"])
    elif after.value is None:
        yield Break(BreakCode.UNREADABLE_AFTER, second)
    else:
        yield from _changed_fields(task, perturbed, before, after)
        if before.strict and not after.strict:
            yield Break(BreakCode.NOT_STRICT, second, why=after.scores["strict"].why)


def _changed_fields(task: Task, perturbed: Perturbed, before: Answer, after: Answer) -> Iterator[Break]:
    relation, example = perturbed.relation, perturbed.example.id
    change = change_of(relation)
    old, new = before.value or {}, after.value or {}
    for name, rule in _compared(task, relation):
        if name not in old and name not in new:
            continue
        if name not in old:
            yield Break(BreakCode.FIELD_APPEARED, example, name)
        elif name not in new:
            yield Break(BreakCode.FIELD_GONE, example, name)
        else:
            expected, got = old[name], new[name]
            if name in relation.negates:
                expected = _negated(rule, expected)
            if name in relation.follows:
                expected = _following(expected, change)
            if not values_match(scorer_of(rule), got, expected, after.example.input):
                yield Break(BreakCode.FIELD_CHANGED, example, name, old[name], got, expected)


def _compared(task: Task, relation: Relation) -> Iterator[tuple[str, ScoreRule]]:
    """The fields of which ``relation`` says anything, each with the first score that compares two values of it."""
    rules: dict[str, ScoreRule] = {}
    for rule in task.field_scores:
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
        values_match(scorer_of(rule), negated_value, _negated(rule, negated_value), before.example.input)
        for rule, negated_value in negated
    )


def _negated(rule: ScoreRule, value: Any) -> Any:
    opposite = opposite_of(rule.scorer)
    return opposite(value) if opposite else value


def _following(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    return [_following(item, change) for item in value] if isinstance(value, list) else value


def rates(
    task: Task, backend: str, results: Iterable[tuple[Perturbed, RelationResult]], unanswered: Iterable[Perturbed] = ()
) -> list[Rate]:
    """For each relation of ``task`` that was tried on ``backend``, how often it holds.

    ``unanswered`` are perturbed examples of which nothing is known, because they or their examples were not answered.
    """
    left = list(unanswered)
    tried: dict[str, list[tuple[Perturbed, RelationResult]]] = {name: [] for name in task.relations}
    for perturbed, result in results:
        if not result.moot:
            tried[perturbed.relation.name].append((perturbed, result))
    return [
        Rate(
            backend,
            name,
            rate([float(result.holds) for _, result in tries], [perturbed.of.group for perturbed, _ in tries]),
            tuple(result.example for _, result in tries if not result.holds),
            tuple(perturbed.example.id for perturbed in left if perturbed.relation.name == name),
        )
        for name, tries in tried.items()
        if tries or any(perturbed.relation.name == name for perturbed in left)
    ]
