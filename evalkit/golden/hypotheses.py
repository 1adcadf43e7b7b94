"""Reads the ``[[hypotheses]]`` of a task.toml: what must be true of two models, declared before anything is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalkit.errors import EvalkitError, UnknownName
from evalkit.golden.looks import Look
from evalkit.golden.model import Hypothesis
from evalkit.stats.tango import examples_for_margin, smallest_margin

_KEYS = {
    "win": {"kind", "candidate", "against", "score", "min_gain", "family"},
    "no_loss": {"kind", "candidate", "against", "score", "margin"},
    "equivalent": {"kind", "candidate", "against", "score", "margin"},
}


class Misdeclared(EvalkitError):
    """What is wrong with one hypothesis."""


def read_hypothesis(entry: Mapping[str, Any], scores: Mapping[str, int], where: str) -> Iterator[Hypothesis]:
    """The hypotheses that the table ``entry`` declares, one for each of its scores.

    ``scores`` are those that the task has, each with the independent pieces of the test split that it is asked of
    (examples, or groups of them). Raises Misdeclared where the table can't be used as it stands, UnknownName for its
    names.
    """
    kind = entry.get("kind")
    if kind not in _KEYS:
        raise Misdeclared(f"kind is {kind!r}, expected 'win', 'no_loss' or 'equivalent'")
    for key in entry:
        if key not in _KEYS[kind]:
            raise UnknownName("key", key, sorted(_KEYS[kind]), f'(of a hypothesis with kind = "{kind}")')
    candidate, family = entry.get("candidate"), entry.get("family", "")
    if candidate is not None and not isinstance(candidate, str):
        raise Misdeclared(f"candidate is {candidate!r}, expected an alias")
    if not isinstance(family, str):
        raise Misdeclared(f"family is {family!r}, expected the name that alternative wins share")
    against = _names(entry, "against", "a list of aliases or floors")
    if not against:
        raise Misdeclared("against is missing: name the aliases or floors to compare with")
    names = _names(entry, "score", "a score or a list of scores")
    for name in names or [""]:
        if name not in scores:
            raise UnknownName("score", name, scores)
    gain = _share(entry, "min_gain", "0 to 1") if kind == "win" else 0.0
    margin = 0.0 if kind == "win" else _margin(entry, min(scores[name] for name in names))
    for name in names:
        yield Hypothesis(kind, candidate, tuple(against), name, gain, margin, family, where)


def _names(entry: Mapping[str, Any], key: str, expected: str) -> list[str]:
    value = entry.get(key, [])
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Misdeclared(f"{key} is {value!r}, expected {expected}")
    return value


def _share(entry: Mapping[str, Any], key: str, bounds: str) -> float:
    value = entry.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Misdeclared(f"{key} is {value!r}, expected a difference of scores from {bounds}")
    return float(value)


def _margin(entry: Mapping[str, Any], groups: int) -> float:
    if "margin" not in entry:
        raise Misdeclared("margin is missing: how much worse (or other) is still the same (0.05 is 5 points)")
    margin = _share(entry, "margin", "above 0 to 1")
    level = Look(1).level  # no model is judged on a test split at a larger one
    least = smallest_margin(groups, level)
    if least is not None and margin <= least:
        enough = f"{examples_for_margin(margin, level)} are needed" if margin > 0 else "no number of examples is enough"
        raise Misdeclared(
            f"margin is {margin}, which {groups} independent test examples can't show even where no answer differs: "
            f"{enough}, or a margin above {least:.3f}"
        )
    return margin
