"""A small server of OpenAI's and Anthropic's wires that answers what a test says, whatever schema it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answers = Callable[[Mapping[str, Any]], str]
"""What is answered to the body of a request."""


@dataclass(slots=True)
class Server:
    """At ``url`` it answers; ``bodies`` are what it was asked, in turn. ``finish`` is why its answers end. ``done`` is
    called with a body once its answer was sent whole."""

    url: str
    answers: Answers
    finish: str = "stop"
    done: Callable[[Mapping[str, Any]], None] = lambda _: None
    bodies: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def answering(
    answers: Answers, finish: str = "stop", done: Callable[[Mapping[str, Any]], None] = lambda _: None
) -> Iterator[Server]:
    """A server as long as the block lasts."""
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listening.daemon_threads = True
    server = Server(f"http://127.0.0.1:{listening.server_address[1]}", answers, finish, done)
    listening.server = server  # type: ignore[attr-defined]
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        server: Server = self.server.server  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server.bodies.append(body)
        events = (message_events if self.path.endswith("/messages") else chat_events)(
            server.answers(body), server.finish
        )
        answer = "".join(events).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        with suppress(OSError):  # whoever asked may have been killed
            self.wfile.write(answer)
            server.done(body)


def chat_events(text: str, finish: str = "stop") -> Iterator[str]:
    for choice in ({"delta": {"role": "assistant", "content": text}}, {"delta": {}, "finish_reason": finish}):
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "any"}
        yield f"data: {json.dumps({**chunk, 'choices': [{'index': 0, **choice}]})}\n\n"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    yield f"data: {json.dumps({**chunk, 'choices': [], 'usage': usage})}\n\n"
    yield "data: [DONE]\n\n"


def message_events(text: str, finish: str = "stop") -> Iterator[str]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    reason = {"stop": "end_turn", "length": "max_tokens"}.get(finish, finish)
    message = {"id": "1", "type": "message", "role": "assistant", "model": "any", "content": [], "usage": usage}
    for event in (
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ):
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
