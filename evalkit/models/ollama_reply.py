"""Puts an answer together from what an Ollama server sends, line by line or whole, and reads its lists of models.

Of JSON that is none of these it is said so. No value, whatever its type, raises anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.models.backend import Completion, FinishReason
from evalkit.models.reply import finish_of, token_count
from evalkit.models.retry import Cut, NotAnAnswer, ServerError

_ENDS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length"}
"""What the reasons mean that the server gives for an answer's end. After any other (``load``) there is no answer."""

_DURATIONS = {"load": "load_duration", "prompt": "prompt_eval_duration", "answer": "eval_duration"}
_NANOSECONDS = 1e-9
_NO_MODELS = "it lists no models"


@dataclass(slots=True)
class OllamaReply:
    """What was read of one answer so far. ``count`` is how many pieces of it came before the last line."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    called: bool = False
    done: bool = False
    end: str | None = None
    count: int = 0
    read: int | None = None
    written: int | None = None
    seconds: Mapping[str, float] | None = None
    model: str | None = None

    def add(self, value: Any) -> str:
        """Reads one line, or a whole answer, and gives the text that it adds. Raises ServerError for an error in its
        place, NotAnAnswer for what is neither."""
        if isinstance(value, Mapping) and value.get("error"):
            raise ServerError(value)
        message = value.get("message") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(message, Mapping):
            raise NotAnAnswer("the server answered with something else than a chat", value)
        text, thought, end = message.get("content"), message.get("thinking"), value.get("done_reason")
        if not isinstance(text, str | None) or not isinstance(thought, str | None):
            raise NotAnAnswer("the content of the answer is no text", value)
        if not isinstance(end, str | None):
            raise NotAnAnswer("the reason for the answer's end is no text", value)
        self.texts.append(text or "")
        self.thoughts.append(thought or "")
        self.called = self.called or bool(message.get("tool_calls"))
        name = value.get("model")
        self.model = name if isinstance(name, str) and name else self.model
        self.done = value.get("done") is True
        if self.done:
            self._add_end(value, end)
        else:
            self.count += 1
        return text or ""

    def _add_end(self, value: Mapping[str, Any], end: str | None) -> None:
        # Servers of the first years say no reason.
        self.end = "stop" if end is None else end
        self.read, self.written = token_count(value.get("prompt_eval_count")), token_count(value.get("eval_count"))
        durations = {name: token_count(value.get(key)) for name, key in _DURATIONS.items()}
        self.seconds = {name: each * _NANOSECONDS for name, each in durations.items() if each is not None}

    def completion(self, *, closed: bool = False) -> Completion:
        """The whole answer; with ``closed`` what was read of it is all that is needed. Raises Cut where the server did
        not finish it."""
        if not closed and not self.done:
            raise Cut("the answer ended in the middle")
        finish: FinishReason = "object_closed" if closed else finish_of(self.end, _ENDS)
        text = "".join(self.texts)
        return Completion(
            text=text,
            finish_reason="tool_call" if self.called and not text.strip() else finish,
            prompt_tokens=self.read,
            completion_tokens=self.count if self.written is None else self.written,
            thinking="".join(self.thoughts) or None,
            seconds=self.seconds,
            model=self.model,
        )


def read_version(value: Any) -> str:
    """The server's version, from /api/version. Raises NotAnAnswer."""
    version = _object(value, "it tells no version").get("version")
    if not isinstance(version, str):
        raise NotAnAnswer("it tells no version", value)
    return version


def read_digests(value: Any) -> dict[str, str | None]:
    """The digest of each model, by its name, from /api/tags. Raises NotAnAnswer."""
    listed = _typed("ListResponse", value, _NO_MODELS).models
    return {_named(model.model, value): model.digest for model in listed}


def read_loaded(value: Any) -> dict[str, int | None]:
    """What each loaded model holds, in bytes, by its name, from /api/ps. Raises NotAnAnswer."""
    listed = _typed("ProcessResponse", value, _NO_MODELS).models
    return {_named(model.model or model.name, value): model.size for model in listed}


def read_about(value: Any) -> dict[str, Any]:
    """What shapes the answers of a model, from /api/show. Raises NotAnAnswer."""
    shown = _typed("ShowResponse", value, "it tells nothing of the model")
    return {
        "quantization": shown.details.quantization_level if shown.details is not None else None,
        "template": shown.template,
        "parameters": shown.parameters,
        "thinks": "thinking" in (shown.capabilities or ()),
    }


def read_rendered(value: Any) -> str | None:
    """The prompt as the server renders it, None where it is too old to tell. Raises NotAnAnswer."""
    told = _object(value, "it renders no prompt").get("_debug_info")
    rendered = told.get("rendered_template") if isinstance(told, Mapping) else None
    return rendered if isinstance(rendered, str) else None


def _object(value: Any, otherwise: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or value.get("error"):
        raise NotAnAnswer(otherwise, value)
    return value


def _typed(kind: str, value: Any, otherwise: str) -> Any:
    """``value`` as the vendor's package has it, which wants every key; older servers leave some out."""
    import ollama
    from pydantic import ValidationError

    response, told = getattr(ollama, kind), dict(_object(value, otherwise))
    if isinstance(models := told.get("models"), list) and (entry := getattr(response, "Model", None)) is not None:
        told["models"] = [_filled(entry, model) if isinstance(model, Mapping) else model for model in models]
    try:
        return response.model_validate(_filled(response, told))
    except ValidationError as error:
        raise NotAnAnswer(otherwise, value) from error


def _filled(kind: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    keys = [field.alias or name for name, field in kind.model_fields.items()]
    return {**dict.fromkeys(keys), **told}


def _named(name: str | None, value: Any) -> str:
    if not name:
        raise NotAnAnswer(_NO_MODELS, value)
    return name
