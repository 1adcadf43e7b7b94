"""Reads one line of what a vendor's batch has answered. No value, whatever its type, raises more than NotAnAnswer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from evalkit.models.backend import Completion
from evalkit.models.chat_reply import read_chat
from evalkit.models.message_reply import read_message
from evalkit.models.retry import Cut, NotAnAnswer, ServerError, beginning


class Reply(Protocol):
    """An answer that was read from what a vendor sent."""

    def completion(self) -> Completion: ...


def read_chat_result(line: Any) -> tuple[str, Completion | str]:
    """The key of one request of an OpenAI batch with its answer, or why it has none. Raises NotAnAnswer."""
    key, response = _key(line), _table(line.get("response"))
    body, status = response.get("body"), response.get("status_code")
    if status == 200:
        return key, _whole(read_chat, body)
    error = line.get("error") or _table(body).get("error") or body
    return key, _words(error) or f"status {status}"


def read_message_result(line: Any) -> tuple[str, Completion | str]:
    """The same of one of Anthropic's."""
    key, result = _key(line), _table(line.get("result"))
    kind = result.get("type")
    if kind == "succeeded":
        return key, _whole(read_message, result.get("message"))
    if kind == "errored":
        told = _table(result.get("error"))
        error = _table(told.get("error")) or told
        return key, f"{error.get('type')}: {_words(error) or 'no reason is given'}"
    return key, f"{kind} before it was answered"


def _key(line: Any) -> str:
    key = line.get("custom_id") if isinstance(line, Mapping) else None
    if not isinstance(key, str):
        raise NotAnAnswer("a line of the batch's answers has no custom_id", line)
    return key


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(error: Any) -> str:
    """What an error says: its message, else all of it."""
    message = error.get("message") if isinstance(error, Mapping) else error
    return message if isinstance(message, str) else beginning(error) if error else ""


def _whole(read: Callable[[Sequence[Any]], Reply], body: Any) -> Completion | str:
    """What ``read`` makes of an answer that comes in one piece; or why it is none."""
    try:
        return read([body]).completion()
    except (Cut, NotAnAnswer, ServerError) as error:
        return str(error)
