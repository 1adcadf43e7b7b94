"""Turns an example into what a model is asked: a Request."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from evalkit.errors import ConfigError
from evalkit.tasks import Decoding, Example, Task


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, complete: nothing that shapes the answer is left to a backend's defaults.

    ``task`` and ``example_id`` say what it is asked for and are not part of its key. ``sample`` numbers
    repeated draws of the same request and is part of it.
    """

    task: str
    example_id: str
    messages: tuple[Message, ...]
    prefill: str
    decoding: Decoding
    sample: int = 0

    def key(self, fingerprint: str) -> str:
        """The cache key of this request's answer by the model of that ``fingerprint`` (sha256, hex)."""
        body = {
            "fingerprint": fingerprint,
            "messages": [asdict(message) for message in self.messages],
            "prefill": self.prefill,
            "decoding": asdict(self.decoding),
            "sample": self.sample,
        }
        return sha256(canonical(body).encode()).hexdigest()


def canonical(value: Any) -> str:
    """``value`` as JSON with one spelling: keys sorted, no spaces, lone surrogates escaped.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def render(task: Task, example: Example, *, sample: int = 0) -> Request:
    """The request that asks ``example`` of a model.

    Raises ConfigError where the prompt names something that the example's input does not have.
    """
    messages = tuple(
        Message(role, text)
        for role, source in (("system", task.prompt.system), ("user", task.prompt.user))
        if (text := _fill(task, source, role, example).strip())
    )
    return Request(task.name, example.id, messages, task.prompt.prefill, task.decoding, sample)


def _fill(task: Task, source: str, part: str, example: Example) -> str:
    try:
        return _template(source).render(dict(example.input))  # type: ignore[no-any-return]
    except Exception as error:  # a template is a small program: it may also divide by zero
        given = ", ".join(sorted(example.input)) or "nothing"
        raise ConfigError(
            f"{task.folder / 'task.toml'}: [prompt] {part}: {error} "
            f"(example {example.id}, {example.where}, whose input has: {given})"
        ) from error


@lru_cache(maxsize=256)
def _template(source: str) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Sandboxed: a golden folder may come from elsewhere, and data must never run code.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False, default=_refuse)
    return environment.from_string(source)


def _refuse(value: object) -> None:
    str(value)  # where it is undefined this raises, and names the variable
    raise TypeError(f"{type(value).__name__} is not JSON")
