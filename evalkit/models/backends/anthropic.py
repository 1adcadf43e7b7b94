"""A model behind Anthropic's Messages API, or behind a server that speaks it.

    anthropic:claude-haiku-4-5          anthropic:base, with base_url = "http://localhost:11434"

The key is taken from $ANTHROPIC_API_KEY and is never stored or shown. Options of the alias:

    base_url = ""           another server ($ANTHROPIC_BASE_URL is heard too); it gets no key unless `key` names one
    key = ""                the environment variable that holds the key, if it is another
    sampling = false        true: send the task's temperature. The API of today takes no sampling settings, so its
                            answers are drawn as the vendor draws them; servers of others, and older versions, take them
    version = "2026-10-21"  the header anthropic-version; "2023-06-01" for models that still take a temperature
    thinking = (the model's own)    true: it reasons before it answers, for which `reasoning_tokens` are needed;
                            false: it is told not to
    reasoning_tokens = 0    tokens for reasoning before the answer, beside the answer's own
    adaptive = false        true: the model decides how much it reasons, within `reasoning_tokens`; models of today
                            take nothing else
    cache = true            have the shared beginning of the prompts cached by the vendor
    most = 32               requests under way at once, at most: how many is found out while they are answered
    tries = 6               for one request, before it is left unanswered
    timeout = 60            seconds without a byte, after which a request is given up; five times that without anything
                            of the answer, whatever else comes (pings), and ten times that for the whole of it
    batch = false           true: send all as one batch, for half the price and an answer within a day
    poll = 30               seconds between two looks at a batch

Answers are streamed: one that stops in the middle is noticed, and asked again. ``tail`` of a task's decoding has no
effect, and a ``repeat_penalty`` is refused: the API has none. A schema (constrained = true) is sent as the SDK's own
transformer spells it: what that leaves out is told by the run, and each answer is held against all of it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from evalkit.errors import ConfigError
from evalkit.models.account import Account, Api, VendorSettings, extra_headers, open_account
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.batch_reply import read_message_result
from evalkit.models.connections import Connections
from evalkit.models.constraint import anthropic_dialect
from evalkit.models.event_stream import read_values
from evalkit.models.message_reply import read_message
from evalkit.models.redirects import staying
from evalkit.models.request import Message, Request
from evalkit.models.vendor import Wire, open_vendor

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types import MessageParam, TextBlockParam, ThinkingConfigParam
    from anthropic.types.message_create_params import MessageCreateParamsBase
    from anthropic.types.messages.batch_create_params import Request as BatchRequest

_API = Api("anthropic", "https://api.anthropic.com")


@dataclass(frozen=True, slots=True)
class Settings(VendorSettings):
    """How the API is asked; see the head of this file."""

    sampling: bool = False
    version: str = "2026-10-21"
    adaptive: bool = False
    cache: bool = True


def open_backend(opening: Opening) -> Backend:
    """A backend on the API. Raises MissingModel without the package or the key."""
    settings = opening.settings(Settings)
    account = open_account(opening, _API, settings)
    thinking = _thinking(opening, settings)
    tokens = settings.reasoning_tokens
    thinks = {"thinking": tokens, "adaptive": settings.adaptive} if tokens else {}  # the name that it is stored under

    def connect() -> _Connection:
        connections = Connections(settings.patience)
        return _Connection(_client(account, settings, connections), opening.spec.place, settings, thinking, connections)

    wire = Wire(
        engine="anthropic",
        connect=connect,
        fingerprint={"version": settings.version, **extra_headers(_API)},
        decoding=thinks,
        remedies={
            400: "The request itself is refused: a prefill, a schema or a temperature may be what this model does not "
            'take; set prefill = "", constrained = false or sampling = false for this alias.',
        },
        hold=anthropic_dialect.hold,
    )
    return open_vendor(opening, settings, account, wire)


def _thinking(opening: Opening, settings: Settings) -> ThinkingConfigParam | None:
    """How the API is told to reason, or not to; None leaves it to the model."""
    template, tokens = opening.template, settings.reasoning_tokens
    template.refused_by(opening.spec, ["template"], "the Messages API hands nothing to a chat template: take it away")
    for key, needs in (("adaptive = true", settings.adaptive), ("thinking = true", template.thinking)):
        if needs and not tokens:
            raise ConfigError(f"{opening.spec}: {key} needs `reasoning_tokens`, the tokens that reasoning may take")
    if template.thinking is False and tokens:
        raise ConfigError(f"{opening.spec}: thinking = false, and reasoning_tokens = {tokens}: set one of them")
    if template.thinking is False:
        return {"type": "disabled"}
    if not tokens:
        return None
    return {"type": "adaptive"} if settings.adaptive else {"type": "enabled", "budget_tokens": tokens}


def _client(account: Account, settings: Settings, connections: Connections) -> Anthropic:
    from anthropic import Anthropic, DefaultHttpxClient

    return Anthropic(
        http_client=staying(DefaultHttpxClient, connections.watch),
        api_key=account.key,
        base_url=account.url,
        timeout=float(settings.timeout),
        max_retries=0,  # evalkit.models.remote tries again: it also knows when all must wait
        default_headers={"anthropic-version": settings.version},
    )


@dataclass(frozen=True, slots=True)
class _Connection:
    """A Connection: the endpoints /v1/messages and /v1/messages/batches."""

    client: Anthropic
    model: str
    settings: Settings
    thinking: ThinkingConfigParam | None
    connections: Connections

    def ask(self, request: Request) -> Completion:
        body, extra = self._body(request), _extra_body(self.settings, request)
        asked = self.client.messages.with_streaming_response.create(**body, stream=True, extra_body=extra or None)
        with self.connections.one_request(), asked as response:
            return read_message(self.connections.growing(read_values(response.iter_bytes()))).completion()

    def cut(self) -> None:
        self.connections.cut()

    def close(self) -> None:
        self.client.close()

    def submit(self, name: str, requests: Mapping[str, Request]) -> str:  # noqa: ARG002
        batch = [self._in_batch(key, request) for key, request in requests.items()]
        return self.client.messages.batches.create(requests=batch).id

    def _in_batch(self, key: str, request: Request) -> BatchRequest:
        body = self._body(request)
        # The SDK's type knows no temperature, which older versions of the API take.
        return {"custom_id": key, "params": {**body, **_extra_body(self.settings, request)}}  # type: ignore[typeddict-item]

    def ended(self, batch: str) -> bool:
        return self.client.messages.batches.retrieve(batch).processing_status == "ended"

    def results(self, batch: str) -> Iterator[tuple[str, Completion | str]]:
        with self.client.messages.batches.with_streaming_response.results(batch) as response:
            yield from map(read_message_result, read_values(response.iter_bytes()))

    def recent(self, name: str, count: int, since: datetime) -> Iterator[str]:  # noqa: ARG002
        # A batch has no name of ours here: by its size and time it may be the one, and its results tell.
        for batch in self.client.messages.batches.list(limit=100):
            if batch.created_at < since:
                return
            if sum(batch.request_counts.to_dict().values()) == count:  # type: ignore[arg-type]
                yield batch.id

    def _body(self, request: Request) -> MessageCreateParamsBase:
        body = _body(self.model, self.settings, request)
        return {**body, "thinking": self.thinking} if self.thinking else body


def _body(model: str, settings: Settings, request: Request) -> MessageCreateParamsBase:
    turns = [message for message in request.messages if message.role != "system"]
    messages = [_turn(message) for message in turns]
    if len(turns) > 1:  # examples that every prompt begins with
        messages[-2]["content"] = [_text(turns[-2].content, settings)]
    if request.prefill:
        messages.append({"role": "assistant", "content": request.prefill})
    body: MessageCreateParamsBase = {
        "model": model,
        "messages": messages,
        "max_tokens": request.decoding.max_tokens + settings.reasoning_tokens,
    }
    if system := [message.content for message in request.messages if message.role == "system"]:
        body["system"] = [_text("\n\n".join(system), settings)]
    if request.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": dict(request.schema)}}
    return body


def _turn(message: Message) -> MessageParam:
    if message.role == "assistant":
        return {"role": "assistant", "content": message.content}
    return {"role": "user", "content": message.content}


def _text(text: str, settings: Settings) -> TextBlockParam:
    """A text at which the vendor's cache of prompts may end."""
    block: TextBlockParam = {"type": "text", "text": text}
    if settings.cache:
        block["cache_control"] = {"type": "ephemeral"}
    return block


def _extra_body(settings: Settings, request: Request) -> dict[str, float]:
    """What the SDK of today has no argument for."""
    return {"temperature": request.decoding.temperature} if settings.sampling else {}
