"""A server that breaks its answers on the wire, in ways that are drawn: it knows of each answer whether it was whole.

It writes the bytes of HTTP itself, so that it can be wrong in every place: the status line, the headers, the framing,
the events, the connection. Over three wires: OpenAI's chat completions, Anthropic's messages, Ollama's chat.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from answering_server import chat_events, message_events

STREAM = {"openai": "text/event-stream", "anthropic": "text/event-stream", "ollama": "application/x-ndjson"}


def ollama_lines(text: str) -> Iterator[str]:
    """An answer as Ollama's chat streams it."""
    for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
        yield json.dumps({"model": "m", "message": {"role": "assistant", "content": piece}, "done": False}) + "\n"
    end = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    yield json.dumps({**end, "prompt_eval_count": 1, "eval_count": 1}) + "\n"


def events_of(wire: str, text: str) -> list[str]:
    """The pieces of a whole answer."""
    return list({"openai": chat_events, "anthropic": message_events, "ollama": ollama_lines}[wire](text))


@dataclass(slots=True)
class Wire:
    """One request as it is being answered: what belongs into the answer, and the connection to break."""

    name: str
    text: str
    draw: Random
    connection: socket.socket
    out: Any

    @property
    def events(self) -> list[str]:
        return events_of(self.name, self.text)

    @property
    def body(self) -> bytes:
        return "".join(self.events).encode()

    def head(self, *headers: str, status: str = "200 OK", version: str = "1.1", kind: str = "") -> bytes:
        lines = [f"HTTP/{version} {status}", f"content-type: {kind or STREAM[self.name]}", *headers, "", ""]
        return "\r\n".join(lines).encode()

    def send(self, data: bytes) -> None:
        self.out.write(data)
        self.out.flush()

    def whole(self, body: bytes, *headers: str, **more: str) -> None:
        self.send(self.head(f"content-length: {len(body)}", *headers, **more) + body)

    def cut(self, body: bytes) -> bytes:
        """A true beginning of ``body``, without the event that ends it."""
        return body[: self.draw.randrange(max(1, int(len(body) * 0.7)))]

    def reset(self) -> None:
        """Ends the connection as a crash does: with RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError


# -- whole: the answer comes, in a strange form -----------------------------------------------------


def plain(wire: Wire) -> None:
    wire.whole(wire.body)


def chunked(wire: Wire) -> None:
    wire.send(wire.head("transfer-encoding: chunked"))
    body = wire.body
    while body:
        size = wire.draw.randint(1, 40)
        piece, body = body[:size], body[size:]
        wire.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    wire.send(b"0\r\n\r\n")


def without_length(wire: Wire) -> None:
    wire.send(wire.head("connection: close") + wire.body)
    raise ConnectionAbortedError


def old_protocol(wire: Wire) -> None:
    wire.send(wire.head(version="1.0") + wire.body)
    raise ConnectionAbortedError


def in_drops(wire: Wire) -> None:
    body = wire.body
    wire.send(wire.head(f"content-length: {len(body)}"))
    places = sorted(wire.draw.sample(range(1, len(body)), 5))
    for start, end in zip([0, *places], [*places, len(body)], strict=True):
        wire.send(body[start:end])
        time.sleep(0.002)


def zipped(wire: Wire) -> None:
    wire.whole(gzip.compress(wire.body), "content-encoding: gzip")


def with_comments(wire: Wire) -> None:
    comment = "" if wire.name == "ollama" else ": still there\n\n"
    wire.whole(comment.join(["", *wire.events]).encode())


def continued(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    wire.whole(wire.body)


def several_choices(wire: Wire) -> None:
    """A second choice is told beside the first one: it is not the answer."""
    if wire.name != "openai":
        return plain(wire)
    other = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    second = {"index": 1, "delta": {"content": "another"}, "finish_reason": None}
    events = wire.events
    events.insert(1, f"data: {json.dumps({**other, 'choices': [second]})}\n\n")
    return wire.whole("".join(events).encode())


# -- passing: no answer comes this time, and it may the next ----------------------------------------


def cut_by_length(wire: Wire) -> None:
    body = wire.body
    wire.send(wire.head(f"content-length: {len(body)}") + wire.cut(body))
    raise ConnectionAbortedError


def cut_in_chunks(wire: Wire) -> None:
    piece = wire.cut(wire.body) or b"d"
    wire.send(wire.head("transfer-encoding: chunked") + f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    raise ConnectionAbortedError


def cut_without_length(wire: Wire) -> None:
    wire.send(wire.head("connection: close") + wire.cut(wire.body))
    raise ConnectionAbortedError


def reset_in_the_middle(wire: Wire) -> None:
    wire.send(wire.head(f"content-length: {len(wire.body)}") + wire.cut(wire.body))
    wire.reset()


def reset_at_once(wire: Wire) -> None:
    wire.reset()


def closed_at_once(_: Wire) -> None:
    raise ConnectionAbortedError


def no_http(wire: Wire) -> None:
    wire.send(wire.draw.randbytes(40) + b"\r\n\r\n")
    raise ConnectionAbortedError


def broken_zip(wire: Wire) -> None:
    zipped_body = bytearray(gzip.compress(wire.body))
    for _ in range(5):
        zipped_body[wire.draw.randrange(10, len(zipped_body))] ^= 0xFF
    wire.whole(bytes(zipped_body), "content-encoding: gzip")


def unfinished_by_name(wire: Wire) -> None:
    """Every event but the last ones that say that it is over."""
    wire.whole("".join(wire.events[: 1 if wire.name != "anthropic" else 3]).encode())


ERRORS: tuple[Callable[[Random], tuple[bytes, str]], ...] = (
    lambda _: (b'{"error": {"message": "try later", "type": "server_error"}}', "application/json"),
    lambda _: (b"<html><body>Bad Gateway</body></html>", "text/html"),
    lambda _: (b"", "text/plain"),
    lambda _: (b"\x1b[2J\x1b]52;c;cm0=\x07 **SHIP**", "text/plain"),
    lambda draw: (draw.randbytes(300), "application/octet-stream"),
    lambda _: (b"x" * 100_000, "text/plain"),
    lambda _: (b'{"error": ["list", {"of": null}]}', "application/json"),
    lambda _: (b'{"error": {"message": "Incorrect key ' + KEY.encode() + b'"}}', "application/json"),
)
KEY = "sk-never-to-be-seen"


def failing(wire: Wire) -> None:
    body, kind = wire.draw.choice(ERRORS)(wire.draw)
    status = wire.draw.choice(["500 Oops", "502 Bad Gateway", "504 Gateway Timeout", "520 Unknown", "408 Timeout"])
    if wire.name == "ollama" and status == "500 Oops":
        status = "502 Bad Gateway"  # a 500 of Ollama is about this request
    wire.whole(body, status=status, kind=kind)


def busy(wire: Wire) -> None:
    after = wire.draw.choice(["0", "0.01", "-5", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT", "nan"])
    body, kind = wire.draw.choice(ERRORS)(wire.draw)
    wire.whole(body, f"retry-after: {after}", status=wire.draw.choice(["429 Too Many", "503 Busy"]), kind=kind)


def error_in_the_stream(wire: Wire) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded", "code": 503}}
    if wire.name == "ollama":
        error = {"error": "the runner has ended"}
    event = json.dumps(error)
    wire.whole(
        (wire.events[0] + (f"{event}\n" if wire.name == "ollama" else f"event: error\ndata: {event}\n\n")).encode()
    )


# -- endless: only a bound of one's own ends it -----------------------------------------------------


def _forever(wire: Wire, drop: bytes) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        wire.send(drop)
        time.sleep(0.05)


def pings(wire: Wire) -> None:
    wire.send(wire.head("connection: close"))
    _forever(wire, b"\n" if wire.name == "ollama" else b": ping\n\n")


def drops_of_a_header(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
    _forever(wire, b"x")


def silence(_: Wire) -> None:
    time.sleep(10)


WHOLE = (plain, chunked, without_length, old_protocol, in_drops, zipped, with_comments, continued, several_choices)
PASSING = (
    cut_by_length, cut_in_chunks, cut_without_length, reset_in_the_middle, reset_at_once, closed_at_once, no_http,
    broken_zip, unfinished_by_name, failing, busy, error_in_the_stream,
)  # fmt: skip
ENDLESS = (pings, drops_of_a_header, silence)

Fault = Callable[[Wire], None]


@dataclass(slots=True)
class FaultServer:
    """What is answered to each question, try by try, and what was sent of it. After its faults an answer is whole.

    ``texts`` are the answers, ``faults`` what is done before and for each: of a question the last one is whole, where
    it has any. ``tried`` counts the tries, ``sent`` the questions whose answer was sent whole.
    """

    wire: str
    texts: Mapping[str, str]
    faults: Mapping[str, list[Fault]]
    seed: int
    tried: Counter[str] = field(default_factory=Counter)
    sent: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def respond(self, question: str, connection: socket.socket, out: Any) -> None:
        with self.lock:
            number = self.tried[question]
            self.tried[question] += 1
        planned = self.faults[question]
        fault = planned[min(number, len(planned) - 1)]
        draw = Random(f"{self.seed} {question} {number}")
        if fault in WHOLE:
            with self.lock:
                self.sent.add(question)  # before it is: who has read the whole of it may look at once
        fault(Wire(self.wire, self.texts[question], draw, connection, out))


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        server: FaultServer = self.server.state  # type: ignore[attr-defined]
        with suppress(OSError):
            while head := self._head():
                length = int(head.get("content-length", "0"))
                body = json.loads(self.rfile.read(length)) if length else {}
                if "messages" not in body:
                    self._small_question(head[":path"])
                elif "_debug_render_only" in body:
                    self._json({"model": "m", "_debug_info": {"rendered_template": json.dumps(body["messages"])}})
                else:
                    server.respond(_question(body), self.connection, self.wfile)

    def _head(self) -> dict[str, str]:
        first = self.rfile.readline().decode("latin-1").split()
        if len(first) < 2:
            return {}
        head = {":path": first[1]}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            head[name.lower()] = value.strip()
        return head

    def _small_question(self, path: str) -> None:
        """What Ollama is asked before it is asked anything."""
        answers: Mapping[str, Any] = {
            "/api/version": {"version": "0.24.0"},
            "/api/tags": {"models": [{"model": "m:latest", "name": "m:latest", "digest": "d"}]},
            "/api/show": {"template": "t"},
        }
        self._json(answers.get(path, {"data": [{"id": "m"}]}))

    def _json(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.wfile.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        self.wfile.flush()


def _question(body: Mapping[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return str(content if isinstance(content, str) else content[0]["text"])


class _Listening(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: whoever asked may have hung up."""


@contextmanager
def breaking(state: FaultServer) -> Iterator[FaultServer]:
    """The server, as long as the block lasts."""
    listening = _Listening(("127.0.0.1", 0), _Handler)
    listening.state = state  # type: ignore[attr-defined]
    state.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
