"""scorer = "set": how far a list of strings names what it should, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.scorers.options import choice_option, reject_unknown, share_option, switch_option
from evalkit.scorers.score import Judgement, Scorer, ValueKind
from evalkit.scorers.unicode_forms import DIFFERENCES, form_option
from evalkit.scorers.values import json_type

KIND: ValueKind = "set"
GRADED = True

METRICS = ("f1", "precision", "recall", "jaccard")

_BOTH_EMPTY = (
    "what an empty list scores where none is expected. The task has to choose: the overlap of two empty sets is 0/0, "
    "and how often it is asked for moves the whole rate"
)
_NAMED = 5
"""So many strings are named each way: what a model made up may be long."""


def make_scorer(options: Mapping[str, Any]) -> Scorer:
    """The overlap of two lists of strings as sets, in [0, 1]: duplicates count once, and order does not count.

    ``metric``, with hits the strings in both: "f1" (default), 2 hits / (got + expected); "precision", hits / got;
    "recall", hits / expected; "jaccard", hits / (all of both). Precision alone rewards naming little, recall alone
    naming everything.
    ``both_empty`` (0 to 1, must be given) is what two empty sets score. One empty set beside one that is not scores
    0 by every metric, 0/0 included.
    ``ignore_case`` (default true) compares without regard to case and to how much white space there is.
    ``normalize`` ("NFC" or "NFKC") compares strings in that form of Unicode, else as they are written.
    Anything but a list of strings scores 0.
    Raises ConfigError on another option or value of it, and when asked about an expected value that is no list of
    strings.

    >>> judge = make_scorer({"both_empty": 1})
    >>> judge(["ibm", "Intel"], ["IBM", "AMD"])
    Judgement(value=0.5, why="missing 'AMD'; too much 'Intel'")
    >>> judge([], []), judge([], ["IBM"])
    (Judgement(value=1.0, why=''), Judgement(value=0.0, why="missing 'IBM'"))
    """
    reject_unknown(options, {"metric", "both_empty", "ignore_case", "normalize"})
    metric = choice_option(options, "metric", METRICS)
    both_empty = share_option(options, "both_empty", _BOTH_EMPTY)
    ignore_case = switch_option(options, "ignore_case", True)
    form = form_option(options)

    def judge(got: Any, expected: Any) -> Judgement:
        if problem := _not_strings(expected):
            raise ConfigError(f"an example expects {expected!r} ({problem}), but this scorer is for lists of strings")
        if problem := _not_strings(got):
            return Judgement(0.0, problem)
        ours, theirs = ({spelled(item): item for item in items} for items in (got, expected))
        if not ours and not theirs:
            return Judgement(both_empty, "" if both_empty == 1 else f"both are empty, which scores {both_empty:g} here")
        value = _overlap(metric, len(ours.keys() & theirs.keys()), len(ours), len(theirs))
        return Judgement(value, "" if value == 1 else _differences(ours, theirs))

    def spelled(item: str) -> str:
        return form(" ".join(item.casefold().split()) if ignore_case else item)

    return judge


def _overlap(metric: str, hits: int, got: int, expected: int) -> float:
    if hits == 0:
        return 0.0
    of = {"f1": (got + expected) / 2, "precision": got, "recall": expected, "jaccard": got + expected - hits}
    return hits / of[metric]


def _differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    missing = [theirs[key] for key in theirs if key not in ours]
    extra = [ours[key] for key in ours if key not in theirs]
    parts = (("missing", missing), ("too much", extra))
    told = [f"{what} {_listed(items)}" for what, items in parts if items]
    return "; ".join([*told, *_alike(ours, theirs)])


def _alike(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    """Which strings that are missing are there, but for how their characters are written."""
    missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    for what, fold in DIFFERENCES.items():
        forms = {fold(key) for key in extra} if missing else set()
        alike = {key for key in missing if fold(key) in forms}
        if alike:
            yield f"{_listed([theirs[key] for key in theirs if key in alike])} {what}"
        missing -= alike


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(repr(item) for item in items[:_NAMED]) + more


def _not_strings(value: Any) -> str:
    """Why ``value`` is no list of strings; empty where it is one."""
    if not isinstance(value, list | tuple):
        return f"{json_type(value)}, not an array of strings"
    strangers: Iterable[str] = (json_type(item) for item in value if not isinstance(item, str))
    stranger = next(iter(strangers), "")
    return f"an array with {stranger} in it, not of strings alone" if stranger else ""
