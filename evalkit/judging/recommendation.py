"""A model beside each of its rivals: by field, by cost and by time, and which of the two is the right pick.

The paragraph is written from the figures by rule. The primary score comes first: a model that is worse there is the
right pick for nobody who can pay for the other. Between models of which neither is worse the cost of a call decides,
where it is known of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.judging.answer import Answer
from evalkit.judging.verdict import Status, percent, points
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import difference, difference_in_turn

HOURS = 730
"""Hours of a month: a twelfth of 8,760."""

Standing = Literal["better", "worse", "no worse", "open"]
"""By the 95 % interval of the difference: all above 0, all below 0, all above the margin downwards, none of these."""


@dataclass(frozen=True, slots=True)
class Field:
    """A score of the candidate less the rival's, over the examples that both answered."""

    difference: Estimate
    standing: Standing


@dataclass(frozen=True, slots=True)
class Side:
    """What a model costs and takes. ``cost`` is in US dollars per 1,000 calls, ``p50`` and ``mean`` in seconds, all
    None where not known; ``hourly`` is the price of its machine, which a model behind an API does not have."""

    name: str
    cost: float | None = None
    p50: float | None = None
    mean: float | None = None
    hourly: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Two models beside each other; ``fields`` by score. ``told`` says which is the right pick, and what decides it.
    ``in_turn`` is true where the rival was asked until all was settled."""

    candidate: str
    against: str
    fields: Mapping[str, Field]
    told: str
    in_turn: bool = False


def rivalry(
    candidate: Side,
    rival: Side,
    answers: Mapping[str, Mapping[str, Answer]],
    split: str,
    primary: str,
    margin: float,
    verdict: Status | None,
    turn: Sequence[str] | None = None,
) -> Recommendation:
    """``answers`` are by model and example, ``margin`` is what one may lose and still be no worse. ``turn`` are the
    rival's examples in the order asked, where it was asked until all was settled."""
    fields = dict(_fields(answers[candidate.name], answers[rival.name], split, margin, turn))
    told = " ".join(_paragraph(candidate, rival, fields, primary, margin, verdict)) if primary in fields else ""
    return Recommendation(candidate.name, rival.name, fields, told, turn is not None)


def _fields(
    ours: Mapping[str, Answer],
    theirs: Mapping[str, Answer],
    split: str,
    margin: float,
    turn: Sequence[str] | None,
) -> Iterator[tuple[str, Field]]:
    differ = difference if turn is None else difference_in_turn
    asked = [name for name, answer in ours.items() if answer.example.split == split] if turn is None else turn
    both = [name for name in asked if name in ours and name in theirs]
    for score in dict.fromkeys(score for name in both for score in ours[name].scores):
        scored = [name for name in both if score in ours[name].scores and score in theirs[name].scores]
        first, second = ([side[name].scores[score].value for name in scored] for side in (ours, theirs))
        found = differ(first, second, [ours[name].example.group for name in scored])
        yield score, Field(found, standing(found, margin))


def standing(difference: Estimate, margin: float) -> Standing:
    """What the interval of ``difference`` says.

    >>> standing(Estimate(0.1, 0.02, 0.2, 80), 0.05), standing(Estimate(0.0, -0.2, 0.2, 80), 0.05)
    ('better', 'open')
    """
    low, high = difference.low, difference.high
    if low is None or high is None:
        return "open"
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "no worse" if low > -margin else "open"


def _paragraph(
    ours: Side, theirs: Side, fields: Mapping[str, Field], primary: str, margin: float, verdict: Status | None
) -> Iterator[str]:
    yield _pick(ours, theirs, fields[primary], primary, margin)
    others = {score: field for score, field in fields.items() if score != primary and field.standing == "worse"}
    if others:
        named = ", ".join(f"{score} ({points(field.difference.value)})" for score, field in others.items())
        yield f"{ours.name} is worse on {named}."
    if ours.cost is None or theirs.cost is None:
        unknown = " and ".join(side.name for side in (ours, theirs) if side.cost is None)
        yield f"What 1,000 calls of {unknown} cost is not known: state its price, or cost_per_hour and run --latency."
    else:
        yield f"1,000 calls cost {dollars(ours.cost)} against {dollars(theirs.cost)}."
        yield from _break_even(ours, theirs.cost, theirs.hourly)
    if ours.p50 is not None and theirs.p50 is not None:
        yield f"Half of its answers come within {ours.p50:.2f} s, of {theirs.name} within {theirs.p50:.2f} s."
    if verdict is not None and verdict is not Status.SHIP:
        yield f"None of this lets {ours.name} through: its verdict is {verdict}."


def _pick(ours: Side, theirs: Side, field: Field, primary: str, margin: float) -> str:
    """One sentence: which of the two, and the figure that decides."""
    found = field.difference
    interval = f"{points(found.value)} points, 95 % {points(found.low)} to {points(found.high)}"
    saved = theirs.cost - ours.cost if ours.cost is not None and theirs.cost is not None else None
    yes, no = f"{ours.name} is the right pick over {theirs.name}", f"{theirs.name} is the right pick over {ours.name}"
    if field.standing == "open":
        if found.low is None:
            return f"Nothing is shown of {ours.name} and {theirs.name}: too few examples for an interval of {primary}."
        return (
            f"Neither {ours.name} nor {theirs.name} is shown to be the right pick: {found.n} examples can't tell them "
            f"apart on {primary} ({interval})."
        )
    if field.standing == "better":
        price = f", if that is worth {dollars(-saved)} more for 1,000 calls" if saved is not None and saved < 0 else ""
        return f"{yes}: {primary} decides ({interval}){price}."
    if field.standing == "worse":
        unless = (
            f", unless {dollars(saved)} less for 1,000 calls make up for it" if saved is not None and saved > 0 else ""
        )
        return f"{no}: {primary} decides ({interval}){unless}."
    level = (
        f"on {primary} {ours.name} is no worse than {theirs.name} by {percent(margin)[:-2]} points or more ({interval})"
    )
    if saved is None or saved == 0:
        return f"{level[0].upper()}{level[1:]}, and nothing shows which is the right pick."
    return f"{yes if saved > 0 else no}: {level}, and the cost of a call decides."


def _break_even(ours: Side, per_thousand: float, hourly: float | None) -> Iterator[str]:
    """From how many calls a month on a machine that is paid for by the hour costs less than an API by the call."""
    if ours.hourly is None or ours.mean is None or hourly is not None or per_thousand <= 0:
        return
    month = HOURS * ours.hourly
    calls, most = 1000 * month / per_thousand, HOURS * 3600 / ours.mean
    yield (
        f"Paid for the whole month ({HOURS} h, {dollars(month)}), {ours.name} breaks even at {calls:,.0f} calls "
        f"a month; one at a time it answers at most {most:,.0f}"
        + ("." if calls <= most else ", so that it never does unless it answers several at once.")
    )


def dollars(value: float) -> str:
    """A sum with as many digits as tell something.

    >>> dollars(1234.5), dollars(1.5), dollars(0.00312), dollars(0.0)
    ('1,234.50 USD', '1.50 USD', '0.0031 USD', '0.00 USD')
    """
    return f"{value:,.2f} USD" if value >= 0.1 or value == 0 else f"{value:.2g} USD"
