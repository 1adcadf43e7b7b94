"""Sentences of a model's own reasoning: where its length goes with the answers, and where it is not as was asked."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit._internal.counts import counted
from evalkit.judging.own_reasoning import LengthTie, OwnReasoning


def own_reasoning(item: OwnReasoning) -> Iterator[str]:
    """What a reader must know of it: nothing where it is as was asked, and its length says nothing of the answers."""
    if item.asked is False and item.reasoned:
        yield (
            f"{item.model}: thinking = false, and {item.reasoned} of {counted(item.answers, 'answer')} came with "
            f"reasoning: its server or its template did not heed that"
        )
    if item.asked and not item.reasoned:
        yield (
            f"{item.model}: thinking = true, and none of {counted(item.answers, 'answer')} shows any reasoning: it is "
            f"kept from us, or its server or its template did not heed that"
        )
    for tie in item.ties:
        if tie.is_told:
            yield f"{item.model}: {_tie(tie)} (rho {tie.rho:+.2f}, p = {tie.p:.2g}, n={tie.n}){_both(tie)}"


def _tie(tie: LengthTie) -> str:
    if not tie.field:
        return f"the longer its own reasoning, the {'better' if tie.rho > 0 else 'worse'} {tie.name}"
    return f"the longer its own reasoning, the more {tie.name} is too {'high' if tie.rho > 0 else 'low'}"


def _both(tie: LengthTie) -> str:
    if not tie.field:
        return ""
    sides = ((tie.got, "what it answers"), (tie.expected, "what is right"))
    said = [f"with {what} {'none' if rho is None else f'{rho:+.2f}'}" for rho, what in sides]
    return f"; rho of the length {', '.join(said)}: it may answer by the length of what it wrote"
