"""The connections of one HTTP client, watched from outside: no read of them goes on for ever, and all can be ended.

A client's own timeout is for one read. A server that sends pings, or a header in drops, begins it anew with each byte.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakSet

from evalkit.models.retry import Cut

Value = TypeVar("Value")

_OPENED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")
_PARTS = ("delta", "message", "text", "content_block")
_NO_TEXT = ("type", "role", "id", "object", "signature")
"""Keys of a piece whose texts are no part of an answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a request may go on without anything new of its answer (``quiet``), and in all (``whole``)."""

    quiet: float
    whole: float


@dataclass(slots=True)
class _Clock:
    """The clock of one request."""

    patience: Patience
    begun: float = field(default_factory=time.monotonic)
    grown: float = 0.0
    heard: float = 0.0

    def __post_init__(self) -> None:
        self.grown = self.begun

    def left(self) -> float:
        """Seconds until the request is given up. Raises Cut where that is now."""
        now, patience = time.monotonic(), self.patience
        if now >= self.begun + patience.whole:
            raise Cut(f"the answer did not come to its end in {patience.whole:.0f} s")
        if now >= self.grown + patience.quiet:
            late = now - self.heard < patience.quiet / 2
            came = "though the server kept sending" if late else "nor anything else"
            raise Cut(f"nothing of the answer came for {patience.quiet:.0f} s, {came}")
        return min(self.begun + patience.whole, self.grown + patience.quiet) - now


class Connections:
    """Those of one client: ``watch`` belongs into its request hooks. Each request is asked in one thread."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._open: WeakSet[Any] = WeakSet()
        self._here = threading.local()

    def watch(self, request: Any) -> None:
        """For the event hooks of an httpx client: from now on each read of this request is held to its clock."""
        request.extensions = {**request.extensions, "trace": self._hear}

    @contextmanager
    def one_request(self) -> Iterator[None]:
        """The request of this thread that the block makes, from the first byte sent to the last one read."""
        self._here.clock = _Clock(self.patience)
        try:
            yield
        finally:
            self._here.clock = None

    def growing(self, values: Iterable[Value]) -> Iterator[Value]:
        """``values`` of an answer, as they come. Raises Cut where nothing new of it comes for too long."""
        for value in values:
            if clock := self._clock:
                if adds_text(value):
                    clock.grown = time.monotonic()
                clock.left()
            yield value

    def cut(self) -> None:
        """Ends every connection, so that whoever waits for one waits no longer. To be called from any thread."""
        for stream in list(self._open):
            with suppress(OSError, AttributeError):  # one that is closed already
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    @property
    def _clock(self) -> _Clock | None:
        return getattr(self._here, "clock", None)

    def _hear(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(_OPENED):
            self._hold(info["return_value"])

    def _hold(self, stream: Any) -> None:
        """Puts the clock of whoever reads into the ``read`` of a stream."""
        plain = stream.read

        def read(max_bytes: int, timeout: float | None = None) -> bytes:
            clock = self._clock
            if clock is None:
                return bytes(plain(max_bytes, timeout))
            left = clock.left()
            try:
                piece = bytes(plain(max_bytes, left if timeout is None else min(left, timeout)))
            except Exception:
                clock.left()  # where it ran out that is what happened, and not what the client calls it
                raise
            if piece:
                clock.heard = time.monotonic()
            return piece

        stream.read = read
        self._open.add(stream)


def adds_text(value: Any) -> bool:
    """Whether a value of a stream brings something of the answer, or of its reasoning: a ping does not.

    >>> adds_text({"type": "ping"}), adds_text({"choices": [{"delta": {"role": "assistant", "content": ""}}]})
    (False, False)
    >>> adds_text({"choices": [{"delta": {"content": "A"}}]}), adds_text({"delta": {"type": "x", "thinking": "So"}})
    (True, True)
    """
    if not isinstance(value, Mapping):
        return False
    choices = value.get("choices")
    holders = [value, *(one for one in choices if isinstance(one, Mapping))] if isinstance(choices, list) else [value]
    return any(_has_text(holder.get(key)) for holder in holders for key in _PARTS)


def _has_text(part: Any) -> bool:
    if isinstance(part, Mapping):
        return any(_has_text(inner) for key, inner in part.items() if key not in _NO_TEXT)
    return any(map(_has_text, part)) if isinstance(part, list) else isinstance(part, str) and bool(part)
