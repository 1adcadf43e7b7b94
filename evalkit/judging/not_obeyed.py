"""That a model was asked with a schema and its answers show that nothing held it to that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.judging.answer import Answer
from evalkit.models.constraint.breach import breach


@dataclass(frozen=True, slots=True)
class NotObeyed:
    """``count`` of a model's ``answers`` break the schema that they were to be held to without being cut off: the first
    is to ``example``, and ``why`` says how. Its server ignores the schema, so that as a rival it is not the one that
    was declared."""

    model: str
    count: int
    answers: int
    example: str
    why: str


def not_obeyed(model: str, answers: Iterable[Answer], obeyed: Mapping[str, Any] | None) -> NotObeyed | None:
    """What ``answers`` show of the schema that they were held to; None where all of them may have been. ``obeyed`` is
    that of ``Held``, None where nothing is known of it."""
    if obeyed is None:
        return None
    attempts = [attempt for answer in answers for sample in answer.each for attempt in sample.attempts]
    held = [attempt for attempt in attempts if attempt.request.schema is not None]
    reasons = [(sample, breach(sample.completion, obeyed, sample.request.reasoning)) for sample in held]
    broken = [(sample.example.id, why) for sample, why in reasons if why is not None]
    return NotObeyed(model, len(broken), len(held), *broken[0]) if broken else None
