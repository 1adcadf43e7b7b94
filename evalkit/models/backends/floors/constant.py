"""One recorded object for every input: what the floors `empty`, `majority` and `error` are made of.

    constant:{"error": "unreadable"}

is a backend of its own, for a floor of one's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.errors import ConfigError
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.request import Request


def open_backend(opening: Opening) -> Backend:
    """A backend that always gives the object in its spec."""
    try:
        return Constant(json.loads(opening.spec.place))
    except ValueError as error:
        raise ConfigError(f"{opening.spec}: not valid JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Constant:
    """Gives one value, whatever it is asked."""

    value: Any
    by_example: bool = False
    constrains: bool = True

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        return {"constant": self.value}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        for request in requests:
            yield request, completion_of(self.value, request)

    def close(self) -> None:
        """Nothing is held."""


def completion_of(value: Any, request: Request) -> Completion:
    """The completion that, after the request's prefill, spells ``value`` (the prefill's white space may differ)."""
    text = json.dumps(value, ensure_ascii=False)
    return Completion(_rest(text, request.prefill), "stop")


def _rest(text: str, prefill: str) -> str:
    r"""What follows ``prefill`` in ``text``; all of ``text`` where it begins otherwise.

    >>> _rest('{"a": 1}', '{\n  "a":')
    ' 1}'
    """
    if text.startswith(prefill):
        return text.removeprefix(prefill)
    rest = text
    for character in "".join(prefill.split()):
        rest = rest.lstrip()
        if not rest.startswith(character):
            return text
        rest = rest[1:]
    return rest
