"""Sentences of what was decided of one model: verdicts and regressions, with their reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit._internal.counts import abbreviate, counted
from evalkit.judging.figures import percent, width
from evalkit.judging.reason import Code, Reason
from evalkit.judging.wording.comparisons import brief as brief_comparison
from evalkit.judging.wording.comparisons import comparison
from evalkit.stats.intervals import Estimate
from evalkit.stats.thresholds import reaches

if TYPE_CHECKING:  # these are made of what is worded here
    from evalkit.judging.regression import Regression
    from evalkit.judging.verdict import Verdict


def reason(item: Reason) -> str:
    """The sentence of one reason of a verdict, a regression or a lineage."""
    return _REASONS[item.code](item)


def brief(item: Reason) -> str:
    """The sentence of one reason as a small screen has room for it."""
    return brief_comparison(item) if item.code is Code.COMPARISON else reason(item)


def _unanswered(item: Reason) -> str:
    return f"{counted(len(item.examples), 'example')} stayed unanswered ({abbreviate(item.examples)})."


def _must_pass_wrong(item: Reason) -> str:
    count = counted(len(item.examples), "must-pass example", ("is", "are"))
    return f"{count} wrong ({abbreviate(item.examples)})."


def _must_pass_broken(item: Reason) -> str:
    count = counted(len(item.examples), "must-pass example", ("was right and is", "were right and are"))
    return f"{count} wrong ({abbreviate(item.examples)})."


def _scored(item: Reason) -> str:
    """The score that a threshold is about, with its slice, or its split where that is not the judged one."""
    score = item.score if item.split == "test" else f"{item.score} ({item.split})"
    return f"{score} on {item.slice}" if item.slice else score


def _rate(item: Reason) -> str:
    return percent(item.got.value if item.got else None)


def _too_few(item: Reason) -> str:
    return (
        f"Too few to tell a loss of {width(item.asked or 0)} points on {', '.join(item.scores)}: n = {item.count} "
        f"can't rule it out even where no answer differs, {counted(item.needed or 0, 'independent example')} can."
    )


def _unjudged(item: Reason) -> str:
    return f"What is declared of {item.model} against {item.against} on {', '.join(item.scores)} was not judged"


def _on_the_line(item: Reason) -> str:
    """A threshold that the rate reaches, or misses, by less than the examples can tell."""
    got = item.got or Estimate(None, None, None, 0)
    met = got.value is not None and reaches(got.value, item.asked or 0.0)
    asked = percent(item.asked)
    stands = f"{_rate(item)} >= {asked}" if met else f"is {_rate(item)}, the task asks for {asked}"
    bounds = f"95 % {percent(got.low)} to {percent(got.high)}"
    return (
        f"{_scored(item)} {stands}, on the line ({bounds}): a model five points below it would pass "
        f"{percent(item.p)} of the time."
    )


_REASONS: Mapping[Code, Callable[[Reason], str]] = {
    Code.UNANSWERED: _unanswered,
    Code.MUST_PASS_WRONG: _must_pass_wrong,
    Code.NOTHING_SCORED: lambda item: (
        f"{_scored(item)} has a threshold of {percent(item.asked)}, and nothing was scored."
    ),
    Code.BELOW_THRESHOLD: lambda item: f"{_scored(item)} is {_rate(item)}, the task asks for {percent(item.asked)}.",
    Code.MEETS_THRESHOLD: lambda item: f"{_scored(item)} {_rate(item)} >= {percent(item.asked)}.",
    Code.ON_THE_LINE: _on_the_line,
    Code.COMPARISON: comparison,
    Code.NOTHING_DECLARED: lambda _: "Nothing is declared that it could fail: no threshold, and no hypothesis of it.",
    Code.BELOW_FLOOR: lambda item: (
        f"All that was declared holds, and {item.score} is {_rate(item)} where {item.against}, which reads nothing, "
        f"has {percent(item.asked)}."
    ),
    Code.RIVAL_COSTS: lambda item: (
        f"{_unjudged(item)}: each answer of {item.against} costs money. Add --against={item.against} to ask it."
    ),
    Code.RIVAL_NOT_OPENED: lambda item: (
        f"{_unjudged(item)}: {item.against} can't be opened here ({item.absent}). Mend that, and add "
        f"--against={item.against}."
    ),
    Code.PARENT_NOT_KNOWN: lambda item: (
        f"What is declared of {item.model} against its parent on {', '.join(item.scores)} was not judged: nobody says "
        f"what it was made from. Set `parent` of {item.model} in [tool.evalkit.backends]."
    ),
    Code.RIVAL_NOT_HELD: lambda item: (
        f"{_unjudged(item)}: {item.against} was asked with constrained = true, and its server did not hold it to the "
        f"schema ({item.absent}). Ask it at a server that does, or take `constrained` away."
    ),
    Code.RIVAL_NOT_ASKED: lambda item: f"{_unjudged(item)}: add --against={item.against}.",
    Code.ALL_HOLDS: lambda _: "All that was declared holds.",
    Code.FIRST_VERDICT: lambda item: (
        f"It was judged before, in run {item.run}: {item.first}. That verdict counts; this time it would be {item.now}:"
    ),
    Code.WORN_OUT: lambda item: (
        f"This test split is worn out: it was planned for {counted(item.count or 0, 'look')}, and they are taken. "
        f"Nothing ships on it any more. Retire it with `evalkit freeze --renew`, and write a new one."
    ),
    Code.MUST_PASS_BROKEN: _must_pass_broken,
    Code.STRICT_LOSSES: lambda item: f"--strict-baseline forgives no loss: {abbreviate(item.examples)}.",
    Code.TOO_FEW: _too_few,
    Code.NOTHING_SHARED: lambda _: "No example of the judged split is on both sides: nothing to compare.",
    Code.NO_LOSS: lambda item: f"No loss beyond the margin on {', '.join(item.scores)}.",
    Code.NOT_RUN: lambda item: (
        f"{item.model} against {item.against}{f' on {item.score} is declared and' if item.declared else ''} was not "
        f"judged: {item.absent} was not run."
    ),
    Code.NO_STEP_LOST: lambda _: "No step lost more than the task allows.",
    Code.BY_DEFAULT: lambda item: (
        f"The task declares nothing of {counted(item.count or 0, 'step')}: held to no loss of "
        f"{width(item.asked or 0)} points on {' and '.join(item.scores)}."
    ),
    Code.NO_STEP: lambda _: "There was no step to judge.",
    Code.NO_STEP_DECLARED: lambda _: "The task declares nothing that a step could lose.",
}


def reasons(items: Sequence[Reason]) -> str:
    """All of them, one sentence behind the other."""
    return " ".join(reason(item) for item in items)


def verdict(item: Verdict) -> str:
    """A verdict with its reasons."""
    return f"{item.backend}: {item.status}. {reasons(item.reasons)}"


def regression(item: Regression) -> str:
    """What became of one model since a baseline."""
    then = f"{item.name} ({item.then}, {item.date})"
    return f"{item.backend} against {then}: {item.status}. {reasons(item.reasons)}"
