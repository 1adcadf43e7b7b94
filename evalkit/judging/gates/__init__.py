"""Kinds of hypotheses: what can be declared of two models, and how it is decided.

A kind is one file of this folder, or an entry point in the group ``evalkit.hypotheses``; its name is what task.toml
says: ``gates/no_loss.py`` is ``kind = "no_loss"``. The file has

    GAIN: bool              whether it claims that the candidate is better (``inconclusive_win`` is the exit code where
                            that stays open), or only that nothing was lost (``inconclusive_no_loss``)
    KEYS: tuple[str, ...]   the keys of ``[[hypotheses]]`` that it takes beside kind, candidate, against and score
    PHRASES: dict           how its answers read: one for SHIP, BLOCK and INCONCLUSIVE, and one for each code of
                            its own remarks
    def read_terms(entry, ground) -> Terms
    def decide(hypothesis, evidence) -> Outcome

``read_terms`` checks what a table says under its KEYS (``Misdeclared`` where it can't be used); ``ground`` is what it
can rest on: how many independent examples, and at which level. ``decide`` is a pure function of figures.

A phrase is filled with ``str.format``: ``{against}`` is the rival and the score ("base on direction"), ``{bound}`` the
bound of the outcome in points; in a remark ``{got}`` is its difference among readable answers, ``{examples}`` its count
("1 example").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from evalkit._internal.registry import find
from evalkit.errors import ConfigError
from evalkit.golden.hypotheses import Ground, Terms
from evalkit.golden.model import Hypothesis
from evalkit.judging.reason import ANSWERS, Outcome
from evalkit.stats.intervals import ALPHA, Estimate
from evalkit.stats.paired import Paired, difference, difference_in_turn
from evalkit.stats.tango import smallest_margin

SHARED = ("margins",)


@dataclass(frozen=True, slots=True)
class Readable:
    """Two models on the examples that both answered readably: what is left of a difference when the format is set
    aside. ``decisive`` has bounds of the level that decides; ``least`` is the smallest margin that so many examples
    could show at it with no difference at all."""

    difference: Estimate
    decisive: Estimate
    least: float | None

    @classmethod
    def of(
        cls,
        ours: Sequence[float],
        theirs: Sequence[float],
        groups: Sequence[str],
        in_turn: bool = False,
        alpha: float = ALPHA,
    ) -> Readable:
        """From the scores on those examples, ``in_turn`` where they are in the order in which they were asked;
        ValueError as ``difference``."""
        differ = difference_in_turn if in_turn else difference
        apart = differ(ours, theirs, groups)
        decisive = apart if alpha == ALPHA else differ(ours, theirs, groups, alpha=alpha)
        return cls(apart, decisive, smallest_margin(len(set(groups)), 1 - 2 * alpha))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a kind decides from: two models' scores on the same examples, candidate minus the other.

    What shows a hypothesis has bounds of the one-sided level ``alpha`` (``decisive``); what refutes it those of the
    two-sided 95 % interval (``difference``). ``readable`` is the second look, at the examples that both answered
    readably: who gains the format and loses the decision has won nothing. ``p`` is one-sided; in a family of
    alternatives it is Holm's.
    """

    paired: Paired
    readable: Readable
    p: float | None
    alpha: float = ALPHA


class HypothesisKind(Protocol):
    """The module of a kind of hypothesis."""

    GAIN: bool
    KEYS: tuple[str, ...]
    PHRASES: Mapping[str, str]

    def read_terms(self, entry: Mapping[str, Any], ground: Ground, /) -> Terms: ...

    def decide(self, hypothesis: Hypothesis, evidence: Evidence, /) -> Outcome: ...


def kind_of(name: str) -> HypothesisKind:
    """The kind of hypothesis called ``name``. Raises UnknownName, or ConfigError for what its file lacks.

    >>> kind_of("win").GAIN, kind_of("no_loss").GAIN
    (True, False)
    """
    kind = cast("HypothesisKind", find("hypotheses", name))
    if unsaid := [status for status in ANSWERS if status not in kind.PHRASES]:
        raise ConfigError(
            f"hypothesis {name!r}: its PHRASES have none for {', '.join(unsaid)}: write one for each status"
        )
    return kind
