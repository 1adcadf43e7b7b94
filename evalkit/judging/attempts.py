"""Several attempts at one answer: when a model is asked again, in view of what was wrong, and what all of them took.

An attempt that is not strict is followed by another, as long as the alias has ``retries`` left: nobody whose program
reads JSON can use it as it stands. The last attempt is the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evalkit.judging.defects import DEFECTS
from evalkit.judging.output import Output
from evalkit.models.backend import Completion
from evalkit.models.follow_up import follow_up
from evalkit.models.request import Request

Amount = TypeVar("Amount", int, float)

_IN_THE_OBJECT = ("truncated", "not_json", "duplicate_key", "not_finite", "lone_surrogate", "schema_violation")
"""The defects of which a reader of the object can say more: which field, at which character."""


def next_attempt(request: Request, output: Output) -> Request | None:
    """What is asked after ``request`` was answered with ``output``; None where that can be used: it is strict."""
    return None if output.strict else follow_up(request, output.answer, problem_of(output))


def problem_of(output: Output) -> str:
    """What is wrong with an answer, in sentences for the model that gave it.

    Of text outside an object nothing is quoted: who says the same again would echo the question.
    """
    sentences = [DEFECTS[name] for name in output.defects]
    if output.why and any(name in _IN_THE_OBJECT for name in output.defects):
        sentences.append(f"{output.why[0].upper()}{output.why[1:]}.")
    return " ".join(sentences)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one answer took, over all attempts at it: as ``Completion`` has it, None where one of them does not tell."""

    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: Mapping[str, float] | None
    usage: Mapping[str, int] | None


def spent(attempts: Sequence[Completion]) -> Spent:
    """What ``attempts`` took together.

    >>> first, second = Completion("Well", "stop", completion_tokens=2), Completion("{}", "stop", completion_tokens=1)
    >>> spent([first, second]).completion_tokens
    3
    """
    return Spent(
        _total([attempt.prompt_tokens for attempt in attempts]),
        _total([attempt.completion_tokens for attempt in attempts]),
        _totals([attempt.seconds for attempt in attempts]),
        _totals([attempt.usage for attempt in attempts]),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if len(told) == len(counts) else None


def _totals(tables: Sequence[Mapping[str, Amount] | None]) -> dict[str, Amount] | None:
    told = [table for table in tables if table is not None]
    if len(told) < len(tables):
        return None
    names = dict.fromkeys(name for table in told for name in table)
    return {name: sum(table[name] for table in told if name in table) for name in names}
