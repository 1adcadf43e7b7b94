"""Reads the ``[[hypotheses]]`` of a task.toml: what must be true of two models, declared before anything is run.

The kinds are components (see ``evalkit.judging.gates``); each checks the keys of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit._internal.registry import find, names
from evalkit.errors import EvalkitError, UnknownName
from evalkit.golden.model import Hypothesis
from evalkit.stats.intervals import ALPHA

SLICE = "where"
"""The key that names a tag: the hypothesis is about the examples that have it."""

_KEYS = ("kind", "candidate", "against", "score", SLICE)


class Misdeclared(EvalkitError):
    """What is wrong with one hypothesis."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a kind of hypothesis reads from its own keys, checked. ``options`` are those that no other kind has."""

    min_gain: float = 0.0
    margin: float = 0.0
    family: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a score is judged on: so many independent ``pieces`` of the test split (examples, or groups of them), at the
    one-sided level ``alpha`` at best. ``graded`` is whether the score may lie between right and wrong."""

    pieces: int
    alpha: float = ALPHA
    graded: bool = False


def read_hypothesis(
    entry: Mapping[str, Any], grounds: Mapping[str, Mapping[str, Ground]], where: str
) -> Iterator[Hypothesis]:
    """The hypotheses that the table ``entry`` declares, one for each of its scores.

    ``grounds`` are by tag, with "" for the whole test split, and then by score: those that the task has. Each of the
    entry's scores must stand its kind's own check. Raises Misdeclared where the table can't be used as it stands,
    UnknownName for its names.
    """
    name = entry.get("kind")
    kinds = sorted(names("hypotheses"))
    if name not in kinds:
        what = "is missing" if name is None else f"is {name!r}"
        raise Misdeclared(f"kind {what}, expected {', '.join(map(repr, kinds[:-1]))} or {kinds[-1]!r}")
    kind = find("hypotheses", name)
    keys = sorted({*_KEYS, *kind.KEYS})
    for key in entry:
        if key not in keys:
            raise UnknownName("key", key, keys, f'(of a hypothesis with kind = "{name}")')
    candidate = entry.get("candidate")
    if candidate is not None and not isinstance(candidate, str):
        raise Misdeclared(f"candidate is {candidate!r}, expected an alias")
    against = _names(entry, "against", "a list of aliases or floors")
    if not against:
        raise Misdeclared("against is missing: name the aliases or floors to compare with")
    asked_scores = _names(entry, "score", "a score or a list of scores")
    tag = entry.get(SLICE)
    if tag is not None and (not isinstance(tag, str) or not tag):
        raise Misdeclared(f"{SLICE} is {tag!r}, expected a tag")
    tag = tag or ""
    if tag not in grounds:
        raise UnknownName("tag", tag, [name for name in grounds if name], "It must be one of the test split.")
    scores = grounds[tag]
    for score in asked_scores or [""]:
        if score not in scores:
            raise UnknownName("score", score, scores)
    terms: list[Terms] = [kind.read_terms(entry, scores[score]) for score in asked_scores]
    for score, term in zip(asked_scores, terms, strict=True):
        yield Hypothesis(
            name, candidate, tuple(against), score, term.min_gain, term.margin, term.family, where,
            options=term.options, slice=tag,
        )  # fmt: skip


def _names(entry: Mapping[str, Any], key: str, expected: str) -> list[str]:
    value = entry.get(key, [])
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Misdeclared(f"{key} is {value!r}, expected {expected}")
    return value


def share(entry: Mapping[str, Any], key: str, bounds: str) -> float:
    """The value of ``key``, a difference of scores from 0 to 1; 0 where it is not there. Raises Misdeclared."""
    value = entry.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Misdeclared(f"{key} is {value!r}, expected a difference of scores from {bounds}")
    return float(value)
