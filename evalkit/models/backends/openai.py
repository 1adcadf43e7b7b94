"""A model behind chat completions: OpenAI's, or any server that speaks them (vLLM, llama.cpp, Ollama, LM Studio).

    openai:gpt-6-luna           openai:base, with base_url = "http://localhost:11434/v1"

The key is taken from $OPENAI_API_KEY and is never stored or shown. Options of the alias:

    base_url = ""           another server ($OPENAI_BASE_URL is heard too); it gets no key unless `key` names one
    key = ""                the environment variable that holds the key, if it is another
    sampling = true         send the task's temperature and seed; false for models that take none
    continues = false       true: the server goes on with an open assistant's turn, so that a prefill can be sent
    thinking = (the model's own)    of models that reason: true or false. A server gets it as chat_template_kwargs,
                            beside `template`; OpenAI itself as an effort, "medium" or "none". Who does not heed it is
                            told by the run: answers came with reasoning, or without. Ollama hears `effort` alone
    effort = ""             "none", "minimal", "low", "medium", "high", ...: what this model takes
    reasoning_tokens = 0    tokens of reasoning to allow for, beside the answer's own
    dialect = ""            how much of a schema is sent (constrained = true): "openai" for the subset that OpenAI
                            takes, "full" for all; left out, the subset to OpenAI itself, and all to others
    usage = true            the server says at an answer's end what it cost; false for one that does not
    most = 32               requests under way at once, at most: how many is found out while they are answered
    tries = 6               for one request, before it is left unanswered
    timeout = 60            seconds without a byte, after which a request is given up; five times that without anything
                            of the answer, whatever else comes (pings), and ten times that for the whole of it
    batch = false           true: send all as one batch, for half the price and an answer within a day
    poll = 30               seconds between two looks at a batch

Answers are streamed: one that stops in the middle is noticed, and asked again. ``tail`` of a task's decoding has no
effect, and a ``repeat_penalty`` is refused: the API has none. What a dialect leaves out of a schema is told by the run,
and each answer is held against all of it here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from evalkit.errors import BackendDied, ConfigError
from evalkit.models.account import Account, Api, VendorSettings, open_account
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.batch_api import Refused
from evalkit.models.batch_reply import read_chat_result
from evalkit.models.chat_reply import read_chat
from evalkit.models.connections import Connections
from evalkit.models.constraint import openai_dialect
from evalkit.models.constraint.held import as_it_is
from evalkit.models.event_stream import read_values
from evalkit.models.redirects import staying
from evalkit.models.request import Message, Request
from evalkit.models.retry import Cut
from evalkit.models.vendor import Wire, open_vendor

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletionMessageParam
    from openai.types.chat.completion_create_params import CompletionCreateParamsBase

_API = Api("openai", "https://api.openai.com/v1")
_ENDPOINT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
_Limit = Literal["max_completion_tokens", "max_tokens"]
_NAMED = "evalkit"
"""The key of a batch's metadata that holds our name of it."""


@dataclass(frozen=True, slots=True)
class Settings(VendorSettings):
    """How the server is asked; see the head of this file."""

    continues: bool = False
    effort: str = ""
    usage: bool = True
    dialect: str = ""


def open_backend(opening: Opening) -> Backend:
    """A backend on the server. Raises MissingModel without the package or the key."""
    settings = opening.settings(Settings)
    account = open_account(opening, _API, settings)
    at_home = account.url.startswith(_API.home)
    if settings.dialect not in ("", "openai", "full"):
        raise ConfigError(f"{opening.spec}: dialect is {settings.dialect!r}, expected 'openai', 'full' or nothing")
    subset = settings.dialect == "openai" or (at_home and not settings.dialect)
    effort = _effort(opening, settings.effort, at_home)
    # The names that they are stored under.
    stated = {"effort": effort, "thinking": settings.reasoning_tokens}

    # The name of today, which servers of others do not all know.
    limit: _Limit = "max_completion_tokens" if at_home else "max_tokens"
    keywords = {} if at_home else opening.template.keywords

    questions = _Questions(opening.spec.place, settings, limit, effort, keywords)

    def connect() -> _Connection:
        connections = Connections(settings.patience)
        return _Connection(_client(account, settings, connections), questions, connections)

    wire = Wire(
        engine="openai",
        connect=connect,
        decoding={key: value for key, value in stated.items() if value},
        remedies={
            400: "The request itself is refused: a schema or a temperature may be what this model does not take; set "
            "constrained = false or sampling = false for this alias. Where it speaks of the system role: set "
            'system = "into_user".',
            429: "Nothing is left of this account's quota.",
        },
        hold=openai_dialect.hold if subset else as_it_is,
    )
    return open_vendor(opening, settings, account, wire)


def _effort(opening: Opening, effort: str, at_home: bool) -> str:
    """How much the model is told to reason in the API's own words; empty leaves it to the model."""
    template = opening.template
    if not at_home or not template:
        return effort
    template.refused_by(opening.spec, ["template"], "OpenAI hands nothing to a chat template: set `effort`")
    if effort and (effort == "none") is template.thinking:
        raise ConfigError(f"{opening.spec}: {template.describe()}, and effort = {effort!r}: take one of them away")
    return effort or ("medium" if template.thinking else "none")


def _client(account: Account, settings: Settings, connections: Connections) -> OpenAI:
    from openai import DefaultHttpxClient, OpenAI

    return OpenAI(
        http_client=staying(DefaultHttpxClient, connections.watch),
        api_key=account.key,
        base_url=account.url,
        timeout=float(settings.timeout),
        max_retries=0,  # evalkit.models.remote tries again: it also knows when all must wait
    )


@dataclass(frozen=True, slots=True)
class _Questions:
    """Turns requests into what is sent. ``limit`` is the name under which the server knows the longest answer,
    ``keywords`` are what its chat template is handed."""

    model: str
    settings: Settings
    limit: _Limit
    effort: str = ""
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def extra(self) -> dict[str, Any]:
        """What the SDK has no argument for."""
        return {"chat_template_kwargs": self.keywords} if self.keywords else {}

    def body(self, request: Request) -> CompletionCreateParamsBase:
        settings = self.settings
        messages = [_turn(message) for message in request.messages]
        if request.prefill:
            if not settings.continues:
                raise BackendDied(
                    f'openai:{self.model}: chat completions begin a new turn after a prefill. Set prefill = "" for '
                    f"this alias, or continues = true where the server goes on with an open turn"
                )
            messages.append({"role": "assistant", "content": request.prefill})
        body: CompletionCreateParamsBase = {"model": self.model, "messages": messages}
        body[self.limit] = request.decoding.max_tokens + settings.reasoning_tokens
        if settings.sampling:
            body["temperature"] = request.decoding.temperature
            body["top_p"] = 1.0
            body["seed"] = request.decoding.seed + request.sample
        if self.effort:
            body["reasoning_effort"] = self.effort  # type: ignore[typeddict-item]  # servers have words of their own
        if request.schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(request.schema), "strict": True},
            }
        return body


def _turn(message: Message) -> ChatCompletionMessageParam:
    if message.role == "system":
        return {"role": "system", "content": message.content}
    if message.role == "assistant":
        return {"role": "assistant", "content": message.content}
    return {"role": "user", "content": message.content}


@dataclass(frozen=True, slots=True)
class _Connection:
    """A Connection: the endpoints /v1/chat/completions, and /v1/batches, which reads a file of requests and writes
    files of answers."""

    client: OpenAI
    questions: _Questions
    connections: Connections

    def ask(self, request: Request) -> Completion:
        body, tells_usage = self.questions.body(request), self.questions.settings.usage
        if tells_usage:
            body["stream_options"] = {"include_usage": True}
        asked = self.client.chat.completions.with_streaming_response.create(
            **body, stream=True, extra_body=self.questions.extra or None
        )
        with self.connections.one_request(), asked as response:
            reply = read_chat(self.connections.growing(read_values(response.iter_bytes())))
        completion = reply.completion()
        if completion.usage is None and tells_usage:
            raise Cut("the answer ended before its usage was told (set usage = false for a server that tells none)")
        return completion

    def cut(self) -> None:
        self.connections.cut()

    def close(self) -> None:
        self.client.close()

    def submit(self, name: str, requests: Mapping[str, Request]) -> str:
        lines = b"".join(self._line(key, request) for key, request in requests.items())
        file = self.client.files.create(file=(f"{name}.jsonl", lines), purpose="batch")
        batch = self.client.batches.create(
            input_file_id=file.id, endpoint=_ENDPOINT, completion_window="24h", metadata={_NAMED: name}
        )
        return batch.id

    def _line(self, key: str, request: Request) -> bytes:
        body = {**self.questions.body(request), **self.questions.extra}
        return json.dumps({"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": body}).encode() + b"\n"

    def ended(self, batch: str) -> bool:
        state = self.client.batches.retrieve(batch)
        if state.status == "failed":
            reasons = [error.message or "" for error in (state.errors.data or ())] if state.errors else ()
            raise Refused(
                f"openai:{self.questions.model}: the batch {batch} was refused: "
                f"{'; '.join(reasons) or 'no reason is given'}"
            )
        return state.status in ("completed", "expired", "cancelled")

    def results(self, batch: str) -> Iterator[tuple[str, Completion | str]]:
        state = self.client.batches.retrieve(batch)
        for file in filter(None, (state.output_file_id, state.error_file_id)):
            content = self.client.files.content(file).content
            if content.strip():
                yield from map(read_chat_result, read_values([content]))

    def recent(self, name: str, count: int, since: datetime) -> Iterator[str]:  # noqa: ARG002
        for batch in self.client.batches.list(limit=100):
            if batch.created_at < since.timestamp():
                return
            if (batch.metadata or {}).get(_NAMED) == name:
                yield batch.id
