"""A model's own reasoning: whether there is any where it should be, and whether its length goes with what it answers.

A model that was taught "the longer the trace, the higher the figure" answers by the length of what it wrote, and no
score says so. The length is held against the primary score, and against what each number is too high by: where the
right figures rise with the length too, that is no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from evalkit.golden.model import Task
from evalkit.judging.answer import Answer
from evalkit.scorers.values import as_number
from evalkit.stats.holm import holm
from evalkit.stats.rank_correlation import rank_correlation

ALPHA, STRONG = 0.01, 0.3
"""A weaker correlation, or one that is less sure, is measured and not told: as with shortcuts in golden data."""


@dataclass(frozen=True, slots=True)
class LengthTie:
    """How the length of the reasoning goes with ``name``, a score, or of a ``field`` with got less expected.

    ``rho`` is Spearman's, over ``n`` groups of examples; ``p`` is two-sided, and corrected (Holm) for all ties of the
    model. Of a field ``got`` and ``expected`` are the same correlation of what was answered and of what is right, None
    where these don't vary.
    """

    name: str
    rho: float
    p: float
    n: int
    field: bool = False
    got: float | None = None
    expected: float | None = None

    @property
    def is_told(self) -> bool:
        """Whether it is sure and strong enough that a reader must know."""
        return self.p <= ALPHA and abs(self.rho) >= STRONG


@dataclass(frozen=True, slots=True)
class OwnReasoning:
    """What is seen of a ``model``'s reasoning: ``reasoned`` of its ``answers`` have some. ``asked`` is whether it was
    told to, None where nobody did."""

    model: str
    asked: bool | None
    answers: int
    reasoned: int
    ties: tuple[LengthTie, ...] = ()


def own_reasoning(task: Task, model: str, asked: bool | None, answers: Sequence[Answer]) -> OwnReasoning | None:
    """What is seen of it in ``answers``; None where there is none and nobody asked for any."""
    samples = [sample for answer in answers for sample in answer.each]
    reasoned = sum(bool((sample.output.thinking or "").strip()) for sample in samples)
    if not reasoned and asked is None:
        return None
    ties = list(_ties(task, answers)) if reasoned else []
    corrected = holm({str(number): tie.p for number, tie in enumerate(ties)})
    return OwnReasoning(
        model, asked, len(samples), reasoned,
        tuple(replace(tie, p=corrected[str(number)] or 0.0) for number, tie in enumerate(ties)),
    )  # fmt: skip


def _ties(task: Task, answers: Sequence[Answer]) -> Iterator[LengthTie]:
    scored = [answer for answer in answers if task.primary in answer.scores]
    if tie := _tie(task.primary, scored, lambda sample: sample.scores[task.primary].value):
        yield tie
    for name in dict.fromkeys(rule.field for rule in task.field_scores):

        def expected(sample: Answer, name: str = name) -> float | None:
            return as_number(sample.example.expected.get(name))

        def got(sample: Answer, name: str = name) -> float | None:
            right = as_number(sample.example.expected.get(name))
            return None if right is None else as_number((sample.value or {}).get(name))

        def error(sample: Answer) -> float | None:
            value, right = got(sample), expected(sample)
            return None if value is None or right is None else value - right

        if tie := _tie(name, answers, error):
            both = [answer for answer in answers if any(got(sample) is not None for sample in answer.each)]
            rising = (_rho(both, side) for side in (got, expected))
            yield replace(tie, field=True, got=next(rising), expected=next(rising))


def _rho(answers: Sequence[Answer], figure: Callable[[Answer], float | None]) -> float | None:
    tie = _tie("", answers, figure, draws=1)
    return None if tie is None else tie.rho


def _tie(
    name: str, answers: Sequence[Answer], figure: Callable[[Answer], float | None], draws: int = 10_000
) -> LengthTie | None:
    """The tie of the length with ``figure``, over the answers that have both; None where one of them does not vary."""
    lengths, figures, groups = [], [], []
    for answer in answers:
        rows = [
            (len(thinking), value)
            for sample in answer.each
            if (thinking := sample.output.thinking) is not None and (value := figure(sample)) is not None
        ]
        if rows:
            lengths.append(fmean(length for length, _ in rows))
            figures.append(fmean(value for _, value in rows))
            groups.append(answer.example.group)
    found = rank_correlation(lengths, figures, groups, draws)
    return None if found.rho is None or found.p is None else LengthTie(name, found.rho, found.p, found.n)
