"""Prompts that don't fit into a model's context: how that is told of one, and of all."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit._internal.counts import counted
from evalkit.errors import TooLong
from evalkit.models.request import Request

RAISE = "raise `context` of this alias in pyproject.toml"
"""What to do where the context is a setting of the alias."""

_FITS_NOT = "don't fit into "


def too_long(request: Request, prompt: int | str, room: str, remedy: str) -> TooLong:
    """What is told of ``request``, whose prompt has so many tokens, or is long in the words of ``prompt``. ``room``
    names what it does not fit into."""
    tokens, answer = prompt if isinstance(prompt, int) else None, request.decoding.max_tokens
    told = counted(prompt, "token") if isinstance(prompt, int) else prompt
    return TooLong(
        f"{request.example_id}: a prompt of {told} and an answer of up to {counted(answer, 'token')} "
        f"{_FITS_NOT}{room}; {remedy}",
        tokens,
        answer,
    )


def none_fits(errors: Sequence[TooLong]) -> str:
    """What is told where every prompt of a model is too long: what the longest needs, where that is known."""
    needs = [(error.prompt + error.answer, error) for error in errors if error.prompt is not None]
    if not needs:
        return f"every prompt is too long: {errors[0]}"
    need, longest = max(needs, key=lambda item: item[0])
    room = str(longest).partition(_FITS_NOT)[2]
    return (
        f"every prompt is too long. The longest has {counted(longest.prompt or 0, 'token')}, with {longest.answer} for "
        f"the answer: {need} {_FITS_NOT}{room}"
    )
