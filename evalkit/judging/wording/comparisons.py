"""Sentences of two models side by side: the difference, what it answers, and the remarks beside that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evalkit._internal.counts import abbreviate, counted
from evalkit.errors import ConfigError
from evalkit.judging.figures import interval, points, width
from evalkit.judging.gates import kind_of
from evalkit.judging.reason import Outcome, Reason, Remark, Status
from evalkit.stats.intervals import Estimate


def comparison(item: Reason) -> str:
    """What two models differ by, and what that answers of what was declared of them."""
    if item.outcome is None:
        end = "nothing is decided by it here" if item.declared else "nothing was declared of this pair"
        return f"{item.model} against {_rival(item)}: {_figures(item)}; {end}."
    parts = [f"{item.model} {_answer(item, item.outcome)}: {_figures(item)}."]
    parts += [_remark(remark, item.outcome.kind) for remark in item.outcome.remarks]
    if item.examples and item.outcome.status is not Status.SHIP:
        parts.append(f"Lost to {item.against}: {abbreviate(item.examples)}.")
    if not item.declared:
        parts.append("Nothing was declared of this pair.")
    return " ".join(parts)


def _answer(item: Reason, outcome: Outcome) -> str:
    phrase = kind_of(outcome.kind).PHRASES[outcome.status]
    return phrase.format(against=_rival(item), bound=width(outcome.bound))


def _rival(item: Reason) -> str:
    """Whom, by what, and on which examples."""
    return f"{item.against} on {item.score}" + (f" on {item.slice}" if item.slice else "")


def _figures(item: Reason) -> str:
    difference = item.got or Estimate(None, None, None, 0)
    p = "not estimable" if item.p is None else f"{item.p:.4f}"
    return (
        f"{points(difference.value)} points (95 % {points(difference.low)} to {points(difference.high)}, p = {p}, "
        f"n = {difference.n}; {item.wins} better, {item.losses} worse)"
    )


def _remark(remark: Remark, kind: str) -> str:
    """What there is to know beside the status: in words of all kinds, else in those of the kind."""
    if remark.code in _REMARKS:
        return _REMARKS[remark.code](remark)
    got = "" if remark.got is None else _among_readable(remark.got)
    examples = "" if remark.count is None else counted(remark.count, "example")
    phrases = kind_of(kind).PHRASES
    if remark.code not in phrases:
        raise ConfigError(f"hypothesis {kind!r}: its PHRASES have none for its remark {remark.code!r}: write one")
    return phrases[remark.code].format(got=got, examples=examples)


def _among_readable(difference: Estimate) -> str:
    if difference.value is None:
        return "no example was answered readably by both"
    return f"{interval(difference)} on the {counted(difference.n, 'example')} that both answered readably"


def _of_look(remark: Remark) -> str:
    alpha, bounds = remark.asked or 0.0, remark.got or Estimate(None, None, None, 0)
    return (
        f"Look {remark.count} at this split asks for p <= {alpha:.3g}, and for the {100 * (1 - 2 * alpha):.4g} % "
        f"interval ({points(bounds.low)} to {points(bounds.high)})."
    )


def _not_answered_by_both(remark: Remark) -> str:
    return f"{counted(remark.count or 0, 'example', ('was', 'were'))} not answered by both."


_REMARKS: Mapping[str, Callable[[Remark], str]] = {
    "not_answered_by_both": _not_answered_by_both,
    "look": _of_look,
}
"""The remarks that hypotheses of all kinds may have."""
