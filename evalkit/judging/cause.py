"""What changed the answers between two models that should be the same, as data.

It is looked for in this order: the prompt that was rendered and its token ids, the sampler's settings, and only then
weights and arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.judging.answer import Answer
from evalkit.judging.comparison import Agreement
from evalkit.models.prompt_check import lacks_system

Cause = Literal["none", "template", "decoding", "noise", "weights"]

Pairs = Sequence[tuple[Answer, Answer]]
"""What both answered: the answer before, and the one after."""

_KNOWN_BY: Mapping[Literal["prompt_text", "token_ids", "token_counts"], Callable[[Answer], str | int | None]] = {
    "prompt_text": lambda answer: answer.attempts[0].completion.rendered,
    "token_ids": lambda answer: answer.attempts[0].completion.prompt_digest,
    "token_counts": lambda answer: answer.attempts[0].completion.prompt_tokens,
}
"""By what two prompts are held against each other, the surest first; None where a backend does not tell. They are those
of the first attempt: what is asked after it depends on what was answered."""

_SHOWN_BEFORE, _SHOWN_AFTER = 20, 40
"""Characters of a prompt that are shown before and behind the place where it is another."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the sampler, or the beginning of the answer, that is not what it was. ``was_set`` and ``is_set`` are
    false where it was, or is, not set at all."""

    name: str
    before: Any
    after: Any
    was_set: bool = True
    is_set: bool = True


@dataclass(frozen=True, slots=True)
class OtherPrompts:
    """Prompts that are not what they were: on which ``examples``, of the ``n`` where both are known, and ``by`` what
    they are told apart. ``before`` and ``after`` are of the first: the text around the place, or the count of tokens;
    of token ids nothing is shown. On ``without_system`` of these examples it is the system message that does not stand
    in the prompt any more."""

    by: Literal["prompt_text", "token_ids", "token_counts"]
    examples: tuple[str, ...]
    n: int
    before: str = ""
    after: str = ""
    without_system: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why answers changed: the ``cause``, and what it was concluded from.

    ``agreement`` is how often the two answered the same, ``again`` how often each does so with itself when it is asked
    again. ``prompts`` or ``settings`` is what changed. Of ``not_rendered`` examples the prompt is not known, of
    ``not_hashed`` its token ids. ``recorded`` are those of the two whose decoding is not known, because nobody tells it
    with recorded answers. ``touched`` are the examples on which it is something else than weights and arithmetic.
    """

    cause: Cause
    agreement: Agreement
    prompts: OtherPrompts | None = None
    settings: tuple[Setting, ...] = ()
    not_rendered: int = 0
    not_hashed: int = 0
    recorded: tuple[str, ...] = ()
    again: tuple[Agreement, ...] = ()
    touched: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        """How many answers are another text."""
        return self.agreement.n - self.agreement.same_text


def explain(
    pairs: Pairs,
    settings: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    agreement: Agreement,
    again: Sequence[Agreement],
) -> Explanation:
    """What changed the answers of ``pairs``. ``settings`` are those of the two samplers that no request states; None
    where nothing is known of how the answers were drawn, because they are recorded."""
    if prompts := _other_prompts(pairs):
        return Explanation("template", agreement, prompts=prompts, touched=prompts.examples)
    names = (agreement.first, agreement.second)
    recorded = tuple(name for name, known in zip(names, settings, strict=True) if known is None)
    if changed := _other_settings(pairs, *settings):
        touched = tuple(after.example.id for _, after in pairs)
        return Explanation("decoding", agreement, settings=changed, touched=touched)
    if agreement.same_text == agreement.n:
        return Explanation("none", agreement)
    again = tuple(repeat for repeat in again if repeat.n)
    return Explanation(
        "noise" if any(_no_more_than(agreement, repeat) for repeat in again) else "weights",
        agreement,
        not_rendered=sum(_unknown(pair, "prompt_text") for pair in pairs),
        not_hashed=sum(_unknown(pair, "token_ids") for pair in pairs),
        recorded=recorded,
        again=again,
    )


def _unknown(pair: tuple[Answer, Answer], by: Literal["prompt_text", "token_ids"]) -> bool:
    return any(_KNOWN_BY[by](answer) is None for answer in pair)


def _no_more_than(agreement: Agreement, repeat: Agreement) -> bool:
    """Whether no larger share of answers changed than changes when the same model is asked again."""
    return (agreement.n - agreement.same_text) * repeat.n <= (repeat.n - repeat.same_text) * agreement.n


def _other_prompts(pairs: Pairs) -> OtherPrompts | None:
    """How the prompts differ; None where they do not, or are not known."""
    for by, value_of in _KNOWN_BY.items():
        both_known = [(value_of(before), value_of(after), after.example.id) for before, after in pairs]
        both_known = [row for row in both_known if row[0] is not None and row[1] is not None]
        if differ := [row for row in both_known if row[0] != row[1]]:
            before, after, _ = differ[0]
            examples = tuple(name for _, _, name in differ)
            dropped = sum(map(_drops_system, pairs)) if by == "prompt_text" else 0
            return OtherPrompts(by, examples, len(both_known), *_shown(before, after, by), dropped)
    return None


def _drops_system(pair: tuple[Answer, Answer]) -> bool:
    """Whether the system message stands in the prompt of the first of two answers, and not in that of the second."""
    before, after = (lacks_system(answer.request.messages, answer.completion.rendered) for answer in pair)
    return after and not before


def _shown(before: object, after: object, by: str) -> tuple[str, str]:
    """What is shown of a prompt that is not what it was."""
    if by == "token_ids":
        return "", ""
    first, second = str(before), str(after)
    if by == "token_counts":
        return first, second
    places = (place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    at = next(places, min(len(first), len(second)))
    begin = max(0, at - _SHOWN_BEFORE)
    return first[begin : at + _SHOWN_AFTER], second[begin : at + _SHOWN_AFTER]


def _other_settings(
    pairs: Pairs, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Setting, ...]:
    """Which settings of the sampler, or beginning of the answer, differ. Of a sampler that is not known, none do: what
    a recorded answer was asked with counts as far as it is stated."""
    if not pairs:
        return ()
    if before is None or after is None:
        before = after = {}
    earlier, later = ({**_stated(answer), **sampler} for answer, sampler in zip(pairs[0], (before, after), strict=True))
    return tuple(
        Setting(name, earlier.get(name), later.get(name), name in earlier, name in later)
        for name in {**earlier, **later}
        if earlier.get(name) != later.get(name)
    )


def _stated(answer: Answer) -> dict[str, Any]:
    """What the request says of how an answer is drawn."""
    request = answer.request
    return {
        "prefill": request.prefill,
        "constrained": request.schema is not None,
        "temperature": request.decoding.temperature,
        "max_tokens": request.decoding.max_tokens,
        "repeat_penalty": request.decoding.repeat_penalty,
    }
