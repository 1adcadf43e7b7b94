"""Turns an example into what a model is asked: a Request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Literal

from evalkit._internal.counts import counted
from evalkit.errors import ConfigError
from evalkit.golden.model import Decoding, Example, Task
from evalkit.models.prompt_template import fill, names


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Asking:
    """How an alias asks where it does not ask as the task says: what makes a base the fair rival of its fine-tune.

    ``few_shot`` puts the task's reference examples before the question, each with its expected answer; those of the
    asked example's own group, itself among them, are left out. ``prefill`` takes the place of the task's.
    ``constrained`` lets the model write nothing but what the task's schema accepts. ``reasoning`` is a pair of marks
    that this model puts around its reasoning, where they are none of those that are known. ``system = "into_user"``
    joins the system message to the first user's turn, for a template that has no place for it. ``retries`` is how often
    it is asked again after an answer that is not strict (``models/follow_up.py`` says in which words).
    """

    few_shot: bool = False
    prefill: str | None = None
    constrained: bool = False
    reasoning: tuple[str, ...] = ()
    system: Literal["into_user"] | None = None
    retries: int = 0

    def prefill_of(self, task: Task) -> str:
        """What every answer is made to begin with."""
        return task.prompt.prefill if self.prefill is None else self.prefill

    def problem(self, task: Task) -> str | None:
        """Why ``task`` can't be asked in this way, and what to do; None where it can."""
        if self.few_shot and not task.splits.get("reference"):
            return f"few_shot = true shows the examples of {task.folder / 'reference.jsonl'}, and there are none"
        if self.constrained and (prefill := self.prefill_of(task)):
            # A grammar begins the object itself, and would begin it again after a prefill.
            return f'constrained = true and the prefill {prefill!r} exclude each other; set prefill = "" for this alias'
        return None

    def describe(self, task: Task) -> str:
        """The same for a reader of a report; empty for how the task itself asks."""
        shots = counted(len(task.splits.get("reference", ())), "example")
        parts = [f"few_shot ({shots}, never one of the asked one's own group)"] if self.few_shot else []
        parts += [] if self.prefill is None else [f"prefill {self.prefill!r}"]
        parts += ["constrained"] if self.constrained else []
        parts += [f"reasoning between {' and '.join(self.reasoning)}"] if self.reasoning else []
        parts += ["the system message joined to the first user's turn"] if self.system else []
        return ", ".join([*parts, *([f"retries = {self.retries}"] if self.retries else [])])


AS_THE_TASK_SAYS = Asking()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, complete: nothing that shapes the answer is left to a backend's defaults.

    ``task`` and ``example_id`` say what it is asked for and are not part of its key. ``sample`` numbers
    repeated draws of the same request and is part of it. ``schema`` is what a constrained answer must fit.
    ``reasoning`` are the alias's own marks of reasoning: they decide where generation stops. ``inserted`` are the
    fields of the example's input that its messages show, each with the text as it stands there; it is neither part of
    the key nor stored.
    """

    task: str
    example_id: str
    messages: tuple[Message, ...]
    prefill: str
    decoding: Decoding
    sample: int = 0
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    reasoning: tuple[str, ...] = ()
    inserted: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def key(self, fingerprint: str) -> str:
        """The cache key of this request's answer by the model of that ``fingerprint`` (sha256, hex)."""
        body = {
            "fingerprint": fingerprint,
            "messages": [asdict(message) for message in self.messages],
            "prefill": self.prefill,
            "decoding": _stated(self.decoding),
            "sample": self.sample,
        }
        if self.schema is not None:
            # As text: the order of its properties shapes the answer too.
            body["schema"] = json.dumps(self.schema)
        if self.reasoning:
            body["reasoning"] = self.reasoning
        return sha256(canonical(body).encode()).hexdigest()


def asking_digest(task: Task, asking: Asking) -> str:
    """A digest of all that shapes a question beside the asked example: the task's prompt and decoding, ``asking``, and
    the examples that it shows (sha256, hex)."""
    shown = [[shot.input, shot.expected] for shot in task.splits.get("reference", ()) if asking.few_shot]
    schema = json.dumps(task.schema) if asking.constrained else ""
    unset = asdict(AS_THE_TASK_SAYS)
    how = {name: value for name, value in asdict(asking).items() if name in _FIRST_KEYS or value != unset[name]}
    shaping = [asdict(task.prompt), _stated(task.decoding), how, shown, schema]
    return sha256(canonical(shaping).encode()).hexdigest()


_FIRST_KEYS = ("few_shot", "prefill", "constrained")
"""The keys of an ``Asking`` that every digest names. One that came later is named where it is set: what was asked
before there was such a key was asked no other way."""


def _stated(decoding: Decoding) -> dict[str, Any]:
    """The settings as a key has them. One that came later is left out where it changes nothing: what older releases
    stored, and someone may have paid for, stays an answer to the same question."""
    settings = asdict(decoding)
    if decoding.repeat_penalty == 1:
        del settings["repeat_penalty"]
    return settings


def digest_of_fingerprint(fingerprint: Mapping[str, Any]) -> str:
    """By what a model is known, in keys and files (sha256, hex)."""
    return sha256(canonical(fingerprint).encode()).hexdigest()


def canonical(value: Any) -> str:
    """``value`` as JSON with one spelling: keys sorted, no spaces, lone surrogates escaped.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def render(task: Task, example: Example, asking: Asking = AS_THE_TASK_SAYS, *, sample: int = 0) -> Request:
    """The request that asks ``example`` of a model.

    Raises ConfigError where the prompt names something that the example's input does not have.
    """
    messages = tuple(message for message in _messages(task, example, asking) if message.content)
    if asking.system == "into_user":
        messages = system_into_user(messages)
    return Request(
        task.name,
        example.id,
        messages,
        asking.prefill_of(task),
        task.decoding,
        sample,
        task.schema if asking.constrained else None,
        asking.reasoning,
        _inserted(task, example, messages),
    )


def system_into_user(messages: Sequence[Message]) -> tuple[Message, ...]:
    """``messages`` with the system message joined to the first user's turn, a blank line between the two.

    >>> system_into_user([Message("system", "Be brief."), Message("user", "Hello")])
    (Message(role='user', content='Be brief.\\n\\nHello'),)
    """
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return tuple(messages)
    system, first, *others = messages
    return Message("user", f"{system.content}\n\n{first.content}"), *others


def _messages(task: Task, example: Example, asking: Asking) -> Iterator[Message]:
    yield Message("system", _fill(task, task.prompt.system, "system", example))
    for shot in task.splits.get("reference", ()) if asking.few_shot else ():
        if shot.group != example.group:
            yield Message("user", _fill(task, task.prompt.user, "user", shot))
            yield Message("assistant", json.dumps(dict(shot.expected), ensure_ascii=False))
    yield Message("user", _fill(task, task.prompt.user, "user", example))


def _inserted(task: Task, example: Example, messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """The fields that the prompt names, with each of their texts that stands in a message, as it is or in JSON."""
    named = names(task.prompt.system) | names(task.prompt.user)
    found: dict[tuple[str, str], None] = {}
    for name in (name for name in example.input if name in named):
        for text in _texts(example.input[name]):
            spellings = (text.strip(), json.dumps(text, ensure_ascii=False)[1:-1])
            standing = (said for said in spellings if said and any(said in message.content for message in messages))
            found.update(dict.fromkeys((name, said) for said in standing))
    return tuple(found)


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in a field of an input, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _fill(task: Task, source: str, part: str, example: Example) -> str:
    try:
        return fill(source, example.input).strip()
    except Exception as error:  # a template is a small program: it may also divide by zero
        given = ", ".join(sorted(example.input)) or "nothing"
        raise ConfigError(
            f"{task.folder / 'task.toml'}: [prompt] {part}: {error} "
            f"(example {example.id}, {example.where}, whose input has: {given})"
        ) from error
