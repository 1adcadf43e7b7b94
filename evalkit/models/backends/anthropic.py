"""A model behind Anthropic's Messages API, or behind a server that speaks it.

    anthropic:claude-haiku-4-5          anthropic:base, with base_url = "http://localhost:11434"

The key is taken from $ANTHROPIC_API_KEY and is never stored or shown. Options of the alias:

    base_url = ""           another server ($ANTHROPIC_BASE_URL is heard too); it gets no key unless `key` names one
    key = ""                the environment variable that holds the key, if it is another
    sampling = false        true: send the task's temperature. The API of today takes no sampling settings, so its
                            answers are drawn as the vendor draws them; servers of others, and older versions, take them
    version = "2026-10-21"  the header anthropic-version; "2023-06-01" for models that still take a temperature
    thinking = 0            tokens for reasoning before the answer, beside the answer's own
    adaptive = false        true: the model decides how much it reasons, within `thinking`
    cache = true            have the shared beginning of the prompts cached by the vendor
    most = 32               requests under way at once, at most: how many is found out while they are answered
    tries = 6               for one request, before it is left unanswered
    timeout = 60            seconds without a byte, after which a request is given up; ten times that for a whole answer
    batch = false           true: send all as one batch, for half the price and an answer within a day
    poll = 30               seconds between two looks at a batch

Answers are streamed: one that stops in the middle is noticed, and asked again. ``tail`` of a task's decoding has no
effect, and a ``repeat_penalty`` is refused: the API has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from evalkit.errors import ConfigError
from evalkit.models.backend import Backend, Completion, FinishReason, Opening
from evalkit.models.batch_api import BatchBackend, in_batches
from evalkit.models.request import Request
from evalkit.models.vendor import Cut, RemoteBackend, access, check, extra_headers, moving, one_by_one

_ENDS: Mapping[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the API is asked; see the head of this file."""

    base_url: str = ""
    key: str = ""
    sampling: bool = False
    version: str = "2026-10-21"
    thinking: int = 0
    adaptive: bool = False
    cache: bool = True
    most: int = 32
    tries: int = 6
    timeout: int = 60
    batch: bool = False
    poll: int = 30


def open_backend(opening: Opening) -> Backend:
    """A backend on the API. Raises MissingModel without the package or the key."""
    settings = opening.settings(Settings)
    check(opening.spec, opening.spec.place, opening.task, "anthropic", settings)
    if settings.adaptive and not settings.thinking:
        raise ConfigError(f"{opening.spec}: adaptive = true needs `thinking`, the tokens that reasoning may take")
    (url, key), model = access(opening.spec, "ANTHROPIC", "https://api.anthropic.com", settings), opening.spec.place
    drawn = {} if settings.sampling else {"sampling": "the vendor's own"}
    thinks = {"thinking": settings.thinking, "adaptive": settings.adaptive} if settings.thinking else {}

    def connect(secret: str) -> Any:
        from anthropic import Anthropic

        return Anthropic(
            api_key=secret,
            base_url=url,
            timeout=float(settings.timeout),
            max_retries=0,  # evalkit.models.vendor tries again: it also knows when all must wait
            default_headers={"anthropic-version": settings.version},
        )

    common: dict[str, Any] = {
        "name": str(opening.spec),
        "fingerprint": {
            "engine": "anthropic",
            "model": model,
            "url": url,
            "version": settings.version,
            "decoding": {**drawn, **thinks},
            **moving(model),
            **extra_headers("ANTHROPIC"),
        },
        "connect": connect,
        "key": key,
        "remedies": {
            400: "The request itself is refused: a prefill, a schema or a temperature may be what this model does not "
            'take; set prefill = "", constrained = false or sampling = false for this alias.',
            401: f"Check {settings.key or 'ANTHROPIC_API_KEY'}.",
            403: "This key may not use this model.",
            404: f"There is no model {model!r} at {url}.",
        },
        "budget": opening.budget,
        "price": opening.budget.price(str(opening.spec)),
        "thinking": settings.thinking,
    }
    if settings.batch:
        return BatchBackend(
            **in_batches(common, opening.kept, settings), kind=Completion, vendor=_Batches(model, settings)
        )
    return RemoteBackend(
        **one_by_one(common, opening.kept, settings),
        call=lambda client, request, in_time: _call(client, _body(model, settings, request), in_time),
    )


@dataclass(frozen=True, slots=True)
class _Batches:
    """A Vendor: the endpoint /v1/messages/batches."""

    model: str
    settings: Settings

    def submit(self, client: Any, name: str, asked: Mapping[str, Request]) -> str:  # noqa: ARG002
        bodies = {key: _body(self.model, self.settings, request) for key, request in asked.items()}
        requests = [{"custom_id": key, "params": body | body.pop("extra_body", {})} for key, body in bodies.items()]
        return str(client.messages.batches.create(requests=requests).id)

    def ended(self, client: Any, batch: str) -> bool:
        return bool(client.messages.batches.retrieve(batch).processing_status == "ended")

    def results(self, client: Any, batch: str) -> Iterator[tuple[str, Completion | str]]:
        for one in client.messages.batches.results(batch):
            if one.result.type == "succeeded":
                yield one.custom_id, _completion(one.result.message)
            elif one.result.type == "errored":
                yield one.custom_id, f"{one.result.error.error.type}: {one.result.error.error.message}"
            else:
                yield one.custom_id, f"{one.result.type} before it was answered"

    def recent(self, client: Any, name: str, count: int, since: datetime) -> Iterator[str]:  # noqa: ARG002
        # A batch has no name of ours here: by its size and time it may be the one, and its results tell.
        for batch in client.messages.batches.list(limit=100):
            if batch.created_at < since:
                return
            if sum(batch.request_counts.to_dict().values()) == count:
                yield str(batch.id)


def _call(client: Any, body: Mapping[str, Any], in_time: Callable[[], None]) -> Completion:
    begun = False
    with client.messages.stream(**body) as stream:
        for _ in stream:
            begun = True
            in_time()
        if not begun:
            raise Cut("there is no answer in the body")
        message = stream.current_message_snapshot
    if message.stop_reason is None:
        raise Cut("the answer ended in the middle")
    return _completion(message)


def _completion(message: Any) -> Completion:
    usage = message.usage
    counts = {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cached": usage.cache_read_input_tokens or 0,
        "cache_write": usage.cache_creation_input_tokens or 0,
    }
    return Completion(
        text="".join(block.text for block in message.content if block.type == "text"),
        finish_reason=_ENDS.get(message.stop_reason, "stop"),
        prompt_tokens=counts["input"] + counts["cached"] + counts["cache_write"],
        completion_tokens=counts["output"],
        thinking="".join(block.thinking for block in message.content if block.type == "thinking") or None,
        usage=counts,
    )


def _body(model: str, settings: Settings, request: Request) -> dict[str, Any]:
    mark = {"cache_control": {"type": "ephemeral"}} if settings.cache else {}
    system = [message.content for message in request.messages if message.role == "system"]
    turns: list[dict[str, Any]] = [asdict(message) for message in request.messages if message.role != "system"]
    if len(turns) > 1:  # examples that every prompt begins with
        turns[-2]["content"] = [{"type": "text", "text": turns[-2]["content"], **mark}]
    if request.prefill:
        turns.append({"role": "assistant", "content": request.prefill})
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "max_tokens": request.decoding.max_tokens + settings.thinking,
    }
    if system:
        body["system"] = [{"type": "text", "text": "\n\n".join(system), **mark}]
    if request.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": dict(request.schema)}}
    if settings.thinking:
        budget = {"type": "enabled", "budget_tokens": settings.thinking}
        body["thinking"] = {"type": "adaptive"} if settings.adaptive else budget
    if settings.sampling:
        body["extra_body"] = {"temperature": request.decoding.temperature}
    return body
