"""One recorded object for every input: what the floors `empty`, `majority` and `error` are made of.

    constant:{"error": "unreadable"}

is a backend of its own, for a floor of one's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.backends import Backend, Completion, Opening
from evalkit.errors import ConfigError
from evalkit.prompts import Request


def open_backend(opening: Opening) -> Backend:
    """A backend that always gives the object in its spec."""
    try:
        return Constant(json.loads(opening.spec.model))
    except ValueError as error:
        raise ConfigError(f"{opening.spec}: not valid JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Constant:
    """Gives one value, whatever it is asked."""

    value: Any
    by_example: bool = False

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        return {"constant": self.value}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        for request in requests:
            yield request, completion_of(self.value, request)

    def close(self) -> None:
        """Nothing is held."""


def completion_of(value: Any, request: Request) -> Completion:
    """The completion that, after the request's prefill, spells ``value``."""
    return Completion(json.dumps(value, ensure_ascii=False).removeprefix(request.prefill), "stop")
