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
bound of the outcome in points; in a remark ``{p}`` is its p ("p = 0.0123"), ``{examples}`` its count ("1 example").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from evalkit._internal.registry import find
from evalkit.errors import ConfigError
from evalkit.golden.hypotheses import Ground, Terms
from evalkit.golden.model import Hypothesis
from evalkit.judging.reason import ANSWERS, Outcome
from evalkit.stats.intervals import ALPHA
from evalkit.stats.paired import Paired

SHARED = ("margins",)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a kind decides from: two models' scores on the same examples, candidate minus the other.

    What shows a hypothesis has bounds of the one-sided level ``alpha`` (``decisive``); what refutes it those of the
    two-sided 95 % interval (``difference``). ``p`` is one-sided, of a win; in a family of alternatives it is Holm's.
    ``p_worse`` is that of a loss, Holm's over all no-losses of the candidate. See ``evalkit.judging.families``.
    """

    paired: Paired
    p: float | None
    p_worse: float | None = None
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
