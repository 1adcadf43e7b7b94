"""A model behind chat completions: OpenAI's, or any server that speaks them (vLLM, llama.cpp, Ollama, LM Studio).

    openai:gpt-6-luna           openai:base, with base_url = "http://localhost:11434/v1"

The key is taken from $OPENAI_API_KEY and is never stored or shown. Options of the alias:

    base_url = ""           another server ($OPENAI_BASE_URL is heard too); it gets no key unless `key` names one
    key = ""                the environment variable that holds the key, if it is another
    sampling = true         send the task's temperature and seed; false for models that take none
    continues = false       true: the server goes on with an open assistant's turn, so that a prefill can be sent
    effort = ""             of models that reason: "minimal", "low", "medium", "high"
    thinking = 0            tokens of reasoning to allow for, beside the answer's own
    usage = true            the server says at an answer's end what it cost; false for one that does not
    most = 32               requests under way at once, at most: how many is found out while they are answered
    tries = 6               for one request, before it is left unanswered
    timeout = 60            seconds without a byte, after which a request is given up; ten times that for a whole answer
    batch = false           true: send all as one batch, for half the price and an answer within a day
    poll = 30               seconds between two looks at a batch

Answers are streamed: one that stops in the middle is noticed, and asked again. ``tail`` of a task's decoding has no
effect, and a ``repeat_penalty`` is refused: the API has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from evalkit.errors import BackendDied
from evalkit.models.backend import Backend, Completion, FinishReason, Opening
from evalkit.models.batch_api import BatchBackend, Refused, in_batches
from evalkit.models.request import Request
from evalkit.models.vendor import Cut, RemoteBackend, access, check, moving, one_by_one

_ENDPOINT = "/v1/chat/completions"
_NAMED = "evalkit"
"""The key of a batch's metadata that holds our name of it."""
_HOME = "https://api.openai.com/v1"
_ENDS: Mapping[str, FinishReason] = {"length": "length", "content_filter": "refusal"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server is asked; see the head of this file."""

    base_url: str = ""
    key: str = ""
    sampling: bool = True
    continues: bool = False
    effort: str = ""
    thinking: int = 0
    usage: bool = True
    most: int = 32
    tries: int = 6
    timeout: int = 60
    batch: bool = False
    poll: int = 30


def open_backend(opening: Opening) -> Backend:
    """A backend on the server. Raises MissingModel without the package or the key."""
    settings = opening.settings(Settings)
    check(opening.spec, opening.spec.place, opening.task, "openai", settings)
    (url, key), model = access(opening.spec, "OPENAI", _HOME, settings), opening.spec.place
    # The name of today, which servers of others do not all know.
    limit = "max_completion_tokens" if url.startswith(_HOME) else "max_tokens"
    drawn = {} if settings.sampling else {"sampling": "the vendor's own"}
    thinks = {key: getattr(settings, key) for key in ("effort", "thinking") if getattr(settings, key)}

    def connect(secret: str) -> Any:
        from openai import OpenAI

        return OpenAI(
            api_key=secret,
            base_url=url,
            timeout=float(settings.timeout),
            max_retries=0,  # evalkit.models.vendor tries again: it also knows when all must wait
        )

    common: dict[str, Any] = {
        "name": str(opening.spec),
        "fingerprint": {
            "engine": "openai",
            "model": model,
            "url": url,
            "decoding": {**drawn, **thinks},
            **moving(model),
        },
        "connect": connect,
        "key": key,
        "remedies": {
            400: "The request itself is refused: a schema or a temperature may be what this model does not take; set "
            "constrained = false or sampling = false for this alias.",
            401: f"Check {settings.key or 'OPENAI_API_KEY'}.",
            403: "This key may not use this model.",
            404: f"There is no model {model!r} at {url}.",
            429: "Nothing is left of this account's quota.",
        },
        "budget": opening.budget,
        "price": opening.budget.price(str(opening.spec)),
        "thinking": settings.thinking,
    }
    if settings.batch:
        return BatchBackend(
            **in_batches(common, opening.kept, settings), kind=Completion, vendor=_Batches(model, settings, limit)
        )
    return RemoteBackend(
        **one_by_one(common, opening.kept, settings),
        call=lambda client, request, in_time: _call(
            client, _body(model, settings, limit, request), settings.usage, in_time
        ),
    )


@dataclass(frozen=True, slots=True)
class _Batches:
    """A Vendor: the endpoint /v1/batches, which reads a file of requests and writes files of answers."""

    model: str
    settings: Settings
    limit: str

    def submit(self, client: Any, name: str, asked: Mapping[str, Request]) -> str:
        lines = b"".join(self._line(key, request) for key, request in asked.items())
        file = client.files.create(file=(f"{name}.jsonl", lines), purpose="batch")
        made = client.batches.create(
            input_file_id=file.id, endpoint=_ENDPOINT, completion_window="24h", metadata={_NAMED: name}
        )
        return str(made.id)

    def _line(self, key: str, request: Request) -> bytes:
        body = _body(self.model, self.settings, self.limit, request)
        return json.dumps({"custom_id": key, "method": "POST", "url": _ENDPOINT, "body": body}).encode() + b"\n"

    def ended(self, client: Any, batch: str) -> bool:
        found = client.batches.retrieve(batch)
        if found.status == "failed":
            told = [one.message for one in (found.errors.data or ())] if found.errors else ()
            raise Refused(
                f"openai:{self.model}: the batch {batch} was refused: {'; '.join(told) or 'no reason is given'}"
            )
        return found.status in ("completed", "expired", "cancelled")

    def results(self, client: Any, batch: str) -> Iterator[tuple[str, Completion | str]]:
        from openai.types.chat import ChatCompletion

        found = client.batches.retrieve(batch)
        for file in filter(None, (found.output_file_id, found.error_file_id)):
            for line in filter(None, client.files.content(file).content.split(b"\n")):
                one = json.loads(line)
                answer = one.get("response") or {}
                if answer.get("status_code") == 200:
                    yield one["custom_id"], _whole(ChatCompletion.construct(**answer["body"]))
                else:
                    told = one.get("error") or answer.get("body", {}).get("error") or {}
                    yield one["custom_id"], str(told.get("message") or told or f"status {answer.get('status_code')}")

    def recent(self, client: Any, name: str, count: int, since: datetime) -> Iterator[str]:  # noqa: ARG002
        for batch in client.batches.list(limit=100):
            if batch.created_at < since.timestamp():
                return
            if (batch.metadata or {}).get(_NAMED) == name:
                yield str(batch.id)


def _call(client: Any, body: Mapping[str, Any], tells_usage: bool, in_time: Callable[[], None]) -> Completion:
    texts: list[str] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    end, usage = None, None
    options = {"stream_options": {"include_usage": True}} if tells_usage else {}
    with client.chat.completions.create(**body, stream=True, **options) as stream:
        for chunk in stream:
            in_time()
            usage = chunk.usage or usage
            for choice in chunk.choices or ():
                texts.append(choice.delta.content or "")
                refusals.append(choice.delta.refusal or "")
                thoughts.append(_thought(choice.delta))
                end = choice.finish_reason or end
    if end is None:
        raise Cut("the answer ended in the middle")
    if usage is None and tells_usage:
        raise Cut("the answer ended before its usage was told (set usage = false for a server that tells none)")
    return _completion("".join(texts), "".join(refusals), "".join(thoughts), end, usage)


def _whole(completion: Any) -> Completion:
    """An answer out of a batch, which comes in one piece."""
    choice = completion.choices[0]
    told = choice.message
    return _completion(told.content or "", told.refusal or "", _thought(told), choice.finish_reason, completion.usage)


def _completion(text: str, refused: str, thought: str, end: str, usage: Any) -> Completion:
    return Completion(
        text=text or refused,
        finish_reason="refusal" if refused else _ENDS.get(end, "stop"),
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        thinking=thought or None,
        usage=_counts(usage) if usage else None,
    )


def _thought(delta: Any) -> str:
    """Reasoning that a server sets apart. The name is not OpenAI's, and servers have two for it."""
    return getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None) or ""


def _body(model: str, settings: Settings, limit: str, request: Request) -> dict[str, Any]:
    turns = [asdict(message) for message in request.messages]
    if request.prefill:
        if not settings.continues:
            raise BackendDied(
                f'openai:{model}: chat completions begin a new turn after a prefill. Set prefill = "" for this alias, '
                f"or continues = true where the server goes on with an open turn"
            )
        turns.append({"role": "assistant", "content": request.prefill})
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        limit: request.decoding.max_tokens + settings.thinking,
    }
    if settings.sampling:
        seed = request.decoding.seed + request.sample
        body |= {"temperature": request.decoding.temperature, "top_p": 1.0, "seed": seed}
    if settings.effort:
        body["reasoning_effort"] = settings.effort
    if request.schema is not None:
        answer = {"name": "answer", "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": answer}
    return body


def _counts(usage: Any) -> dict[str, int]:
    """What is billed, each token once: here the prompt's count holds what a cache had and took in."""
    details = usage.prompt_tokens_details
    cached = getattr(details, "cached_tokens", None) or 0
    written = getattr(details, "cache_write_tokens", None) or 0
    return {
        "input": usage.prompt_tokens - cached - written,
        "output": usage.completion_tokens,
        "cached": cached,
        "cache_write": written,
    }
