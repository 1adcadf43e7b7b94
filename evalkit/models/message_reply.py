"""Puts an answer together from what a server of Anthropic's messages sends, event by event or whole.

Of JSON that is no answer it is said so. No value, whatever its type, raises anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.models.backend import Completion, FinishReason
from evalkit.models.reply import USAGE, finish_of, replied, token_count
from evalkit.models.retry import Cut, NotAnAnswer, ServerError

_ENDS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "tool_use": "tool_call",
}
"""What the reasons mean that the API gives for an answer's end. Of any other (``pause_turn``) it was not finished."""

_COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}


@dataclass(slots=True)
class MessageReply:
    """What was read of one answer so far."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    called: bool = False
    begun: bool = False
    end: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    model: str | None = None

    def add(self, value: Any) -> None:
        """Reads one event, or a whole message. Raises ServerError for an error in its place, NotAnAnswer for what is
        neither."""
        kind = value.get("type") if isinstance(value, Mapping) else None
        if kind == "error" or (kind is None and isinstance(value, Mapping) and value.get("error")):
            raise ServerError(value)
        if not isinstance(kind, str):
            raise NotAnAnswer("the server answered with something else than a message", value)
        if kind in ("message", "message_start"):
            self._add_message(value if kind == "message" else value.get("message"), value)
        elif kind == "content_block_start":
            self._add_block(value.get("content_block"), value)
        elif kind == "content_block_delta":
            self._add_block(value.get("delta"), value)
        elif kind == "message_delta":
            delta = value.get("delta")
            self._add_end(delta.get("stop_reason") if isinstance(delta, Mapping) else None, value)
            self._add_counts(value.get("usage"))
        # Of other events (ping, message_stop, and what comes in years to come) nothing is needed.

    def _add_message(self, message: Any, value: Any) -> None:
        if not isinstance(message, Mapping):
            raise NotAnAnswer("the server answered with something else than a message", value)
        self.begun = True
        name = message.get("model")
        self.model = name if isinstance(name, str) else self.model
        content = message.get("content")
        for block in content if isinstance(content, list) else [] if content is None else [content]:
            self._add_block(block, value)
        self._add_end(message.get("stop_reason"), value)
        self._add_counts(message.get("usage"))

    def _add_block(self, block: Any, value: Any) -> None:
        if not isinstance(block, Mapping):
            raise NotAnAnswer("a part of the answer is no object", value)
        kind, text, thought = block.get("type"), block.get("text"), block.get("thinking")
        if isinstance(text, str) and kind in ("text", "text_delta"):
            self.texts.append(text)
        if isinstance(thought, str):
            self.thoughts.append(thought)
        self.called = self.called or kind in ("tool_use", "server_tool_use", "input_json_delta")

    def _add_end(self, end: Any, value: Any) -> None:
        if end is not None and not isinstance(end, str):
            raise NotAnAnswer("the reason for the answer's end is no text", value)
        self.end = end or self.end

    def _add_counts(self, usage: Any) -> None:
        for name, key in _COUNTS.items():
            count = token_count(usage.get(key)) if isinstance(usage, Mapping) else None
            if count is not None:
                self.counts[name] = count

    def completion(self) -> Completion:
        """The whole answer. Raises Cut where the server did not finish it."""
        if not self.begun:
            raise Cut("there is no answer in the body")
        finish = finish_of(self.end, _ENDS)
        text = "".join(self.texts)
        if finish == "tool_call" and (text.strip() or not self.called):
            finish = "stop"
        usage = None
        if {"input", "output"} <= self.counts.keys():
            usage = {name: self.counts.get(name, 0) for name in USAGE}
        return replied(text, finish, self.thoughts, usage, self.model)


def read_message(values: Iterable[Any]) -> MessageReply:
    """All of ``values`` read. Raises as ``MessageReply.add``."""
    reply = MessageReply()
    for value in values:
        reply.add(value)
    return reply
