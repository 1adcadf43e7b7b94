"""Puts an answer together from what a server of chat completions sends, chunk by chunk or whole.

Servers differ in what they leave out, and in what they put in its place. Each form that real ones send is read; of any
other JSON it is said that it is no answer. No value, whatever its type, raises anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.models.backend import Completion, FinishReason
from evalkit.models.reply import finish_of, replied, token_count
from evalkit.models.retry import NotAnAnswer, ServerError

_ENDS: Mapping[str, FinishReason] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("content_filter", "refusal", "safety"), "refusal"),
    **dict.fromkeys(("tool_calls", "function_call", "tool_use"), "tool_call"),
}
"""What the reasons mean that servers give for an answer's end. Of any other the answer was not finished: ``abort``,
``error``, a word that nobody knows."""


@dataclass(slots=True)
class ChatReply:
    """What was read of one answer so far."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    called: bool = False
    end: str | None = None
    usage: Mapping[str, int] | None = None
    model: str | None = None

    def add(self, value: Any) -> None:
        """Reads one chunk, or a whole completion. Raises ServerError for an error in its place, NotAnAnswer for what is
        neither."""
        if not isinstance(value, Mapping):
            raise NotAnAnswer("the server answered with something else than a completion", value)
        choices = value.get("choices")
        if not isinstance(choices, list):
            if value.get("error") or value.get("detail"):
                raise ServerError(value)
            if choices is None and ("usage" in value or "id" in value or not value):
                choices = []
            else:
                raise NotAnAnswer("the server answered with something else than a completion", value)
        elif value.get("error"):
            raise ServerError(value)
        self.usage = _counts(value.get("usage")) or self.usage
        self.model = _text(value.get("model")) or self.model
        for choice in choices:
            if not isinstance(choice, Mapping):
                raise NotAnAnswer("a choice of the answer is no object", value)
            if choice.get("index") in (None, 0):
                self._add_choice(choice, value)

    def _add_choice(self, choice: Mapping[str, Any], value: Any) -> None:
        part = choice.get("delta")
        part = choice.get("message") if part is None else part
        if part is None:
            part = {"content": choice.get("text")}
        if not isinstance(part, Mapping):
            raise NotAnAnswer("a choice of the answer has no message", value)
        for kind, text in _parts(part.get("content"), value):
            {"text": self.texts, "refusal": self.refusals}.get(kind, self.thoughts).append(text)
        self.refusals.append(_text(part.get("refusal")))
        # The name is not OpenAI's, and servers have two for it.
        self.thoughts.append(_text(part.get("reasoning_content")) or _text(part.get("reasoning")))
        self.called = self.called or bool(part.get("tool_calls") or part.get("function_call"))
        end = choice.get("finish_reason")
        if end is not None and not isinstance(end, str):
            raise NotAnAnswer("the reason for the answer's end is no text", value)
        self.end = end or self.end

    def completion(self) -> Completion:
        """The whole answer. Raises Cut where the server did not finish it."""
        finish = finish_of(self.end, _ENDS)
        text, refused = "".join(self.texts), "".join(self.refusals)
        if self.called and not text.strip():
            finish = "tool_call"
        elif refused:
            finish = "refusal"
        elif finish == "tool_call":
            finish = "stop"
        return replied(text or refused, finish, self.thoughts, self.usage, self.model)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _parts(content: Any, value: Any) -> Iterator[tuple[str, str]]:
    """The texts of a message's content, each with its kind: a text, a list of parts, or nothing."""
    if content is None:
        return
    if isinstance(content, str):
        yield "text", content
        return
    if not isinstance(content, list):
        raise NotAnAnswer("the content of the answer is no text", value)
    for part in content:
        if isinstance(part, str):
            yield "text", part
            continue
        if not isinstance(part, Mapping):
            raise NotAnAnswer("a part of the answer's content is no text", value)
        kind = _text(part.get("type")).removeprefix("output_") or "text"
        inner = part.get(kind, part.get("text"))
        if isinstance(inner, Mapping):
            inner = inner.get("value")
        for text in inner if isinstance(inner, list) else [inner]:
            yield kind, _text(text.get("text")) if isinstance(text, Mapping) else _text(text)


def _counts(usage: Any) -> Mapping[str, int] | None:
    """What is billed, each token once: here the prompt's count holds what a cache had and took in. None where one of
    the two counts is missing."""
    if not isinstance(usage, Mapping):
        return None
    read, written = (token_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    if read is None or written is None:
        return None
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, Mapping) else {}
    cached, cache_write = (token_count(details.get(name)) or 0 for name in ("cached_tokens", "cache_write_tokens"))
    return {
        "input": max(0, read - cached - cache_write), "output": written, "cached": cached, "cache_write": cache_write,
    }  # fmt: skip


def read_chat(values: Iterable[Any]) -> ChatReply:
    """All of ``values`` read. Raises as ``ChatReply.add``."""
    reply = ChatReply()
    for value in values:
        reply.add(value)
    return reply
