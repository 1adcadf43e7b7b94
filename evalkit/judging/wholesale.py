"""What nearly all answers of a model have in common, where that speaks of how it was asked and not of the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.judging.answer import Answer
from evalkit.models.prompt_check import in_front, lacks_system

Kind = Literal["no_system", "prompt_in_front", "same_text", "empty", "cut"]

FEWEST: dict[Kind, int] = {"no_system": 1, "prompt_in_front": 3, "same_text": 10, "empty": 5, "cut": 5}
"""Of fewer answers nothing is said: a few may be alike by chance."""

SHARE = 0.9
"""From this share on they are nearly all."""


@dataclass(frozen=True, slots=True)
class Wholesale:
    """What ``count`` of the ``n`` answers of a model have in common; ``limit`` is the token limit that ended them.

    ``no_system``: the system message did not stand in the prompt, of the ``n`` prompts that are known.
    ``prompt_in_front``: the answer begins with the whole prompt. ``same_text``: all are one text, though not all are to
    be the same. ``empty``, and ``cut`` by the token limit.
    """

    kind: Kind
    count: int
    n: int
    limit: int = 0


def wholesale(answers: Iterable[Answer]) -> tuple[Wholesale, ...]:
    """What nearly all of ``answers``, each sample by itself, have in common."""
    samples = [sample for answer in answers for sample in answer.each]
    return tuple(item for item in _found(samples) if item.n >= FEWEST[item.kind])


def _found(samples: Sequence[Answer]) -> Iterator[Wholesale]:
    with_system = [
        sample
        for sample in samples
        if sample.completion.rendered is not None and any(one.role == "system" for one in sample.request.messages)
    ]
    if dropped := sum(lacks_system(one.request.messages, one.completion.rendered) for one in with_system):
        yield Wholesale("no_system", dropped, len(with_system))
    n = len(samples)
    if _nearly_all(echoes := sum(map(_has_prompt_in_front, samples)), n):
        yield Wholesale("prompt_in_front", echoes, n)
    if _nearly_all(empty := sum("empty" in sample.defects for sample in samples), n):
        yield Wholesale("empty", empty, n)
    elif len({sample.completion.text for sample in samples}) == 1 and _to_differ(samples):
        yield Wholesale("same_text", n, n)
    if _nearly_all(cut := sum(sample.completion.finish_reason == "length" for sample in samples), n):
        yield Wholesale("cut", cut, n, samples[0].request.decoding.max_tokens)


def _nearly_all(count: int, n: int) -> bool:
    return count > 0 and count >= SHARE * n


def _has_prompt_in_front(sample: Answer) -> bool:
    return in_front(sample.completion.text, sample.request.messages, sample.completion.rendered)


def _to_differ(samples: Sequence[Answer]) -> bool:
    return any(sample.example.expected != samples[0].example.expected for sample in samples)
