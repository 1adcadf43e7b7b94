"""A proxy that does to a server's answers what networks and busy vendors do; which, is drawn with a seed.

It stands between the true SDK and a true server: what it lets pass is real, and what it breaks was real before.
"""

from __future__ import annotations

import http.client
import json
import random
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

FAULTS = ("429", "529", "500", "cut", "slow", "stalled", "malformed", "error in the stream")
"""``slow`` is a body that comes in drops and is whole; of every other fault no answer comes. Beside these any status
may be given, "instead" for what ``Proxy.instead`` holds, and each of ``ENDLESS``."""

ENDLESS = {
    "comments": b": ping\n\n",
    "pings": b'event: ping\ndata: {"type": "ping"}\n\n',
    "empty pieces": b'data: {"type": "content_block_delta", "delta": {}, "choices": [{"index": 0, "delta": {}}]}\n\n',
    "empty lines": b'{"message": {"role": "assistant", "content": ""}, "done": false}\n',
    "drops of a header": b"x",
    "a body that never begins": b"",
}
"""What never comes to an end, and what is sent again and again meanwhile, until who waits for more hangs up."""

WHOLE = ("", "slow")

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
"""The names that Anthropic's API has for what comes with a status."""


@dataclass(slots=True)
class Proxy:
    """``fault`` is asked for each request, with the last message in it: one of ``FAULTS``, or "" to let it pass.

    By that message, ``asked`` counts requests, ``times`` says when they came, ``drawn`` what was done to them, and
    ``delivered`` has the answers that were handed on whole; ``faults`` counts what was done. ``most_at_once`` is
    how many requests were seen under way together, ``stall`` how long at most a stalled body says nothing
    (seconds), ``retry_after`` what a 429 asks for, ``late`` after how many seconds nobody can be sure that what
    came was still read: it is noted as "late". ``instead`` is sent as ``instead_as`` says: its status and type.
    With ``same_question`` the server is asked only once what that makes of a last message, and its answer (in
    ``answers``) is handed on to all of these: a thousand requests need not wait for as many.
    """

    upstream: str
    fault: Callable[[str], str]
    stall: float = 60.0
    retry_after: str = "0.05"
    late: float = float("inf")
    same_question: Callable[[str], str] | None = None
    instead: bytes = b""
    leads_to: str = ""
    instead_as: tuple[int, str] = (200, "text/event-stream")
    asked: Counter[str] = field(default_factory=Counter)
    delivered: dict[str, list[str]] = field(default_factory=dict)
    drawn: dict[str, list[str]] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 0
    url: str = ""
    _in_flight: int = 0
    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _draw: random.Random = field(default_factory=lambda: random.Random(7))

    @contextmanager
    def counted(self, question: str, headers: Mapping[str, str], body: dict[str, Any]) -> Iterator[str]:
        with self._lock:
            self.asked[question] += 1
            self.headers.append(dict(headers))
            self.bodies.append(body)
            self._in_flight += 1
            self.most_at_once = max(self.most_at_once, self._in_flight)
            fault = self.fault(question)
            self.faults[fault] += 1
            drawn = self.drawn.setdefault(question, [])
            drawn.append(fault)
            turn, begun = len(drawn) - 1, time.monotonic()
            self.times.setdefault(question, []).append(begun)
        try:
            yield fault
        finally:
            with self._lock:
                self._in_flight -= 1
                if (fault in WHOLE or fault.isdigit()) and time.monotonic() - begun > self.late:
                    drawn[turn] = "late"
                    self.faults[fault] -= 1
                    self.faults["late"] += 1

    def hand_on(self, question: str, text: str) -> None:
        with self._lock:
            self.delivered.setdefault(question, []).append(text)

    def place(self, length: int) -> int:
        """Where an answer of that length is cut: any byte."""
        with self._lock:
            return self._draw.randrange(length)


def at_random(share: float, seed: int = 0) -> Callable[[str], str]:
    """A fault for that share of requests, each kind as often as the others."""
    draw = random.Random(seed)
    return lambda _: draw.choice(FAULTS) if draw.random() < share else ""


def once(fault: str) -> Callable[[str], str]:
    """That fault the first time that something is asked, none afterwards."""
    seen: set[str] = set()

    def choose(question: str) -> str:
        first = question not in seen
        seen.add(question)
        return fault if first else ""

    return choose


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the five of the library, who connects in a crowd waits for seconds


@contextmanager
def proxy(upstream: str, fault: Callable[[str], str] = lambda _: "", stall: float = 60.0) -> Iterator[Proxy]:
    """A proxy before the server at ``upstream`` (scheme, host and port), on a free port."""
    state = Proxy(upstream, fault, stall)
    server = _Server(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(state: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            body = json.loads(raw)
            question = str(body["messages"][-1]["content"])
            with state.counted(question, dict(self.headers), body) as fault:
                try:
                    self._answer(question, raw, fault)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        def _answer(self, question: str, raw: bytes, fault: str) -> None:
            if fault.isdigit():
                return self._refuse(int(fault))
            if fault == "redirect":
                return self._send(307, "text/plain", b"", {"location": state.leads_to + self.path})
            if fault == "instead":
                return self._send(*state.instead_as, state.instead)
            if fault in ENDLESS:
                return self._never_end(fault)
            status, kind, answer = self._known_answer(raw) if state.same_question else self._upstream(raw)
            if status != 200:
                return self._send(status, kind, answer)
            if fault == "malformed":
                answer = answer.replace(b'data: {"', b'data: {""', 1)
            elif fault == "error in the stream":
                # After the first events, as a vendor's own error comes.
                events = answer.split(b"\n\n")
                wrong = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
                if self.path.endswith("/messages"):
                    told = f"event: error\ndata: {json.dumps(wrong)}"
                else:
                    told = f"data: {json.dumps({'error': {'code': 'server_error', 'message': 'Overloaded'}})}"
                answer = b"\n\n".join([*events[:3], told.encode(), b""])
            elif fault in ("cut", "stalled"):
                # Without a length the end of a cut answer looks like any other end.
                self._begin(kind, None if fault == "cut" else len(answer))
                self.wfile.write(answer[: state.place(len(answer))])
                self.wfile.flush()
                if fault == "stalled":  # until who waits for more hangs up
                    select.select([self.connection], [], [], state.stall)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return None
            if fault in WHOLE:  # noted first: who has read the last event does not wait for the end
                state.hand_on(question, answer.decode())
            if fault == "slow":
                self._begin(kind, len(answer))
                for at in range(0, len(answer), 200):
                    self.wfile.write(answer[at : at + 200])
                    self.wfile.flush()
                    time.sleep(0.01)
                return None
            return self._send(200, kind, answer)

        def _never_end(self, fault: str) -> None:
            if fault == "drops of a header":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            else:
                self._begin("text/event-stream", None)
            until = time.monotonic() + state.stall
            while time.monotonic() < until and not select.select([self.connection], [], [], 0.1)[0]:
                self.wfile.write(ENDLESS[fault])
                self.wfile.flush()
            self.close_connection = True

        def _known_answer(self, raw: bytes) -> tuple[int, str, bytes]:
            body = json.loads(raw)
            last = body["messages"][-1]
            last["content"] = state.same_question(last["content"]) if state.same_question else last["content"]
            with state._lock:
                if last["content"] not in state.answers:
                    state.answers[last["content"]] = self._upstream(json.dumps(body).encode())
                return state.answers[last["content"]]

        def _upstream(self, raw: bytes) -> tuple[int, str, bytes]:
            target = urlsplit(state.upstream)
            connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=120)
            kept = {"content-type": "application/json", "authorization": self.headers.get("authorization", "")}
            connection.request("POST", self.path, raw, kept)
            answer = connection.getresponse()
            found = answer.status, answer.headers.get("content-type", ""), answer.read()
            connection.close()
            return found

        def _refuse(self, status: int) -> None:
            name = _ERRORS.get(status, "api_error")
            # Some gateways repeat what they were sent.
            sent = self.headers.get("authorization") or self.headers.get("x-api-key")
            error = {"type": name, "message": f"told by the proxy: {status} {sent}"}
            wait = {"retry-after": state.retry_after} if status == 429 else {}
            self._send(status, "application/json", json.dumps({"type": "error", "error": error}).encode(), wait)

        def _send(self, status: int, kind: str, answer: bytes, more: Mapping[str, str] | None = None) -> None:
            self._begin(kind, len(answer), status, more)
            self.wfile.write(answer)

        def _begin(
            self, kind: str, length: int | None, status: int = 200, more: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            framing = {"connection": "close"} if length is None else {"content-length": str(length)}
            for name, value in {"content-type": kind, **framing, **(more or {})}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler
