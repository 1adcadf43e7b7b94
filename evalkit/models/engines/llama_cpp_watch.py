"""What hears an answer of llama.cpp while it is written."""

from __future__ import annotations

from threading import Event
from typing import Any

from evalkit.models.backend import FinishReason
from evalkit.models.request import Request
from evalkit.models.stream_end import StopCondition


class Watch:
    """Hears an answer chunk by chunk, and ends it some tokens after its object closed."""

    def __init__(self, request: Request, rendered: str, stopped: Event) -> None:
        self.pieces: list[str] = []
        self.count = 0
        self.finish: FinishReason | None = None
        self.error: Any = None
        self._end = StopCondition(rendered, request.prefill, request.decoding.tail, request.reasoning)
        self._stopped = stopped

    def __call__(self, chunk: Any) -> bool:
        # llama.cpp swallows what is raised in here: catch it and hand it on.
        try:
            return self._hear(chunk)
        except Exception as error:
            self.error = error
            return True

    def _hear(self, chunk: Any) -> bool:
        if "error" in chunk:
            self.error = chunk["error"]
            return True
        choice = chunk["choices"][0]
        if choice["finish_reason"]:
            self.pieces.append(choice["text"])
            self.finish = "length" if choice["finish_reason"] == "length" else "stop"
            # The server's own count: a piece may hold several tokens where a character is made of them.
            self.count = chunk["usage"]["completion_tokens"]
            return False
        self.pieces.append(choice["text"])
        self.count += 1
        if self._end.hear(choice["text"]):
            self.finish = "object_closed"
            return True
        return self._stopped.is_set()
