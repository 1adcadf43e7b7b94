"""Sentences of two models side by side: the difference, what it answers, and the remarks beside that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evalkit._internal.counts import abbreviate, counted
from evalkit.errors import ConfigError
from evalkit.judging.figures import interval, p_value, points, width
from evalkit.judging.gates import kind_of
from evalkit.judging.reason import Outcome, Reason, Remark, Status
from evalkit.stats.intervals import Estimate


def comparison(item: Reason) -> str:
    """What two models differ by, and what that answers of what was declared of them."""
    if item.outcome is None:
        end = "nothing is decided by it here" if item.declared else "nothing was declared of this pair"
        return f"{item.model} against {_rival(item)}: {_figures(item)}; {end}."
    parts = [f"{item.model} {_answer(item, item.outcome)}: {_figures(item)}."]
    parts += [_remark(remark, item.outcome) for remark in item.outcome.remarks]
    if item.examples and item.outcome.status is not Status.SHIP:
        parts.append(f"Lost to {item.against}: {abbreviate(item.examples)}.")
    if not item.declared:
        parts.append("Nothing was declared of this pair.")
    return " ".join(parts)


def brief(item: Reason) -> str:
    """The same without counts, p and the examples that were lost: what a verdict rests on, for a small screen."""
    if item.outcome is None:
        return comparison(item)
    parts = [f"{_answer(item, item.outcome)}: {_difference(item)}."]
    parts += [_remark(remark, item.outcome) for remark in item.outcome.remarks]
    return " ".join(parts)


def _answer(item: Reason, outcome: Outcome) -> str:
    phrase = kind_of(outcome.kind).PHRASES[outcome.status]
    return phrase.format(against=_rival(item), bound=width(outcome.bound))


def _rival(item: Reason) -> str:
    """Whom, by what, and on which examples."""
    return f"{item.against} on {item.score}" + (f" on {item.slice}" if item.slice else "")


def _figures(item: Reason) -> str:
    p = p_value(item.p_worse, "p of a loss") if _is_about_loss(item) else p_value(item.p)
    n = item.got.n if item.got else 0
    return f"{_difference(item)[:-1]}, {p}, n = {n}; {item.wins} better, {item.losses} worse)"


def _difference(item: Reason) -> str:
    """By how many points the two differ, with its bounds in brackets."""
    difference = item.got or Estimate(None, None, None, 0)
    bounds = f"{100 * item.level:.4g} % {points(difference.low)} to {points(difference.high)}"
    extended = " (extended)" if item.extended else ""
    return f"{points(difference.value)} points ({bounds}{extended})"


def _is_about_loss(item: Reason) -> bool:
    """Whether it is the p of a loss that decides."""
    return item.outcome is not None and item.p_worse is not None and not kind_of(item.outcome.kind).GAIN


def _remark(remark: Remark, outcome: Outcome) -> str:
    """What there is to know beside the status: in words of all kinds, else in those of the kind."""
    if remark.code in _REMARKS:
        return _REMARKS[remark.code](remark)
    phrases = kind_of(outcome.kind).PHRASES
    if remark.code not in phrases:
        raise ConfigError(
            f"hypothesis {outcome.kind!r}: its PHRASES have none for its remark {remark.code!r}: write one"
        )
    return phrases[remark.code].format(
        bound=width(outcome.bound),
        p=p_value(remark.p),
        examples="" if remark.count is None else counted(remark.count, "example"),
    )


def _less_among_readable(remark: Remark) -> str:
    difference = remark.got or Estimate(None, None, None, 0)
    examples = counted(difference.n, "example")
    return f"A note: it scores less on the {examples} that both answered readably, {interval(difference)}."


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
    "less_among_readable": _less_among_readable,
    "look": _of_look,
    "among": lambda remark: f"Alone it would be red; among {remark.count} comparisons no loss is shown.",
}
"""The remarks that hypotheses of all kinds may have."""
