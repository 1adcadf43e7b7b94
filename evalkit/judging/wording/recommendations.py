"""Sentences of which of two models is the right pick, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalkit._internal.counts import counted
from evalkit.judging.figures import dollars, p_value, points, width
from evalkit.judging.reason import Status

if TYPE_CHECKING:  # made of what is worded here
    from evalkit.judging.recommendation import Recommendation


def recommendation(item: Recommendation) -> str:
    """Which of two models is the right pick, and what decides it; empty where the primary score was not compared."""
    return " ".join(_recommendation(item)) if item.primary in item.fields else ""


def _recommendation(item: Recommendation) -> Iterator[str]:
    ours, theirs = item.ours, item.theirs
    yield _pick(item)
    worse = [
        f"{score} ({points(field.difference.value)})"
        for score, field in item.fields.items()
        if score != item.primary and field.standing == "worse"
    ]
    if worse:
        yield f"{ours.name} is worse on {', '.join(worse)}."
    if ours.cost is None and theirs.cost is None:
        pass  # where no cost is known there is none to weigh
    elif ours.cost is None or theirs.cost is None:
        unknown = " and ".join(side.name for side in (ours, theirs) if side.cost is None)
        yield f"What 1,000 calls of {unknown} cost is not known: state its price, or cost_per_hour and run --latency."
    else:
        yield f"1,000 calls of {ours.name} cost {dollars(ours.cost)}, of {theirs.name} {dollars(theirs.cost)}."
    yield from _break_even(item)
    if ours.p50 is not None and theirs.p50 is not None:
        times = f"within {ours.p50:.2f} s, of {theirs.name} within {theirs.p50:.2f} s"
        yield f"Half of the answers of {ours.name} come {times}."
    if item.verdict is not None and item.verdict is not Status.SHIP:
        yield f"None of this lets {ours.name} through: its verdict is {item.verdict}."


def _pick(item: Recommendation) -> str:
    """One sentence: which of the two, and the figure that decides."""
    ours, theirs, primary, field = item.ours.name, item.theirs.name, item.primary, item.fields[item.primary]
    difference = field.difference
    figures = f"{points(difference.value)} points, 95 % {points(difference.low)} to {points(difference.high)}"
    p = field.p_worse if (difference.value or 0) < 0 else field.p
    if p is not None:
        figures += f", {p_value(p)}" + (f" among {len(item.fields)} fields" if len(item.fields) > 1 else "")
    if field.standing == "open" and difference.low is None:
        return f"Nothing is shown of {ours} and {theirs}: too few examples for an interval of {primary}."
    if field.standing == "open":
        return (
            f"Neither {ours} nor {theirs} is shown to be the right pick: {counted(difference.n, 'example')} can't tell "
            f"them apart on {primary} ({figures})."
        )
    other = theirs if item.pick == ours else ours
    right = f"{item.pick} is the right pick over {other}"
    if item.by == "score":
        return f"{right}: {primary} decides ({figures}){_if_worth_it(item)}."
    level = f"on {primary} {ours} is no worse than {theirs} by {width(item.margin)} points or more ({figures})"
    if item.by == "cost":
        return f"{right}: {level}, and the cost of a call decides."
    return f"{level[0].upper()}{level[1:]}, and nothing shows which is the right pick."


def _if_worth_it(item: Recommendation) -> str:
    """What the better one costs more, where it does."""
    if item.saved is None:
        return ""
    if item.pick == item.candidate and item.saved < 0:
        return f", if that is worth {dollars(-item.saved)} more for 1,000 calls"
    if item.pick == item.against and item.saved > 0:
        return f", unless {dollars(item.saved)} less for 1,000 calls make up for it"
    return ""


def _break_even(item: Recommendation) -> Iterator[str]:
    even = item.break_even
    if even is not None:
        yield (
            f"Paid for the whole month ({even.hours} h, {dollars(even.month)}), {item.candidate} breaks even at "
            f"{even.calls:,.0f} calls a month; one at a time it answers at most {even.most:,.0f}"
            + ("." if even.calls <= even.most else ", so that it never does unless it answers several at once.")
        )
