"""The batch endpoints of both vendors, on this machine.

No server that is to be had here has them, so what is said here is constructed from the schemas that the vendors publish
(Anthropic: /v1/messages/batches; OpenAI: /v1/files and /v1/batches), and spoken to by their true SDKs. It shows that
evalkit keeps its side of the protocol, not that the vendors keep theirs.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

ANSWER = '{"direction": 1, "kind": "report"}\u2028'
"""With a sign that is the end of a line for some, and none for JSON."""


@dataclass
class Batch:
    """One that was sent: its requests by custom_id, when it came, and how often it was looked at since."""

    bodies: Mapping[str, Any]
    made: datetime
    looks: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Vendor:
    """What the server keeps. ``ends_after`` looks a batch has ended; ``outcome`` says what became of a request, and
    ``fault`` what goes wrong with a call: a status, one "after" the call was heard, or "cut" for a connection that ends
    then."""

    port: int = 0
    ends_after: float = 0
    outcome: Callable[[str], str] = lambda _: "succeeded"
    fault: Callable[[str, str, int], str] = lambda *_: ""
    refuses: str = ""
    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paid(self) -> Counter[str]:
        """How often each request was taken in a batch."""
        return Counter(key for batch in self.batches.values() for key in batch.bodies)

    def add(self, bodies: Mapping[str, Any], **more: Any) -> str:
        name = f"batch_{len(self.batches) + 1:03}"
        self.batches[name] = Batch(bodies, datetime.now(UTC), **more)
        return name


@contextmanager
def vendor(**settings: Any) -> Iterator[Vendor]:
    """The server, as long as the block lasts."""
    kept = Vendor(**settings)

    class Handler(_Handler):
        state = kept

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: Vendor
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self._answer("GET", b"")

    def do_POST(self) -> None:
        self._answer("POST", self.rfile.read(int(self.headers["content-length"])))

    def _answer(self, method: str, sent: bytes) -> None:
        path = self.path.partition("?")[0]
        with self.state.lock:
            call = f"{method} {re.sub('(batch|file)_[a-z0-9]+', '*', path)}"
            self.state.calls[call] += 1
            fault = self.state.fault(method, path, self.state.calls[call])
            body = json.dumps({"type": "error", "error": {"type": "told", "message": f"{fault} was planned"}})
            if fault.isdigit():
                return self._send(int(fault), body)
            found = self._route(method, path, sent)
            if fault.endswith("after"):
                return self._send(int(fault.split()[0]), body)
        if fault == "cut":
            self.close_connection = True
            self.connection.close()
            return None
        return self._send(*found)

    def _send(self, status: int, body: str) -> None:
        told = body.encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def _route(self, method: str, path: str, sent: bytes) -> tuple[int, str]:
        parts = path.strip("/").split("/")[1:]  # without v1
        match [method, *parts]:
            case ["POST", "messages", "batches"]:
                asked = json.loads(sent)["requests"]
                return 200, self._message_batch(self.state.add({one["custom_id"]: one["params"] for one in asked}))
            case ["GET", "messages", "batches"] | ["GET", "batches"]:
                one = self._message_batch if "messages" in parts else self._chat_batch
                listed = [json.loads(one(name)) for name in reversed(self.state.batches)]
                return 200, json.dumps(
                    {"object": "list", "data": listed, "has_more": False, "first_id": None, "last_id": None}
                )
            case ["GET", "messages", "batches", name, "results"]:
                return 200, "".join(self._message_result(key) + "\n" for key in self.state.batches[name].bodies)
            case ["GET", "messages", "batches", name] | ["GET", "batches", name]:
                if name not in self.state.batches:
                    return 404, json.dumps({"error": {"type": "not_found_error", "message": f"no batch {name}"}})
                self.state.batches[name].looks += 1
                return 200, (self._message_batch if "messages" in parts else self._chat_batch)(name)
            case ["POST", "files"]:
                name = f"file_{len(self.state.files) + 1:03}"
                lines = [line for line in sent.splitlines() if line.startswith(b'{"custom_id"')]
                asked = [json.loads(line) for line in lines]
                self.state.files[name] = {one["custom_id"]: one["body"] for one in asked}
                about = {"id": name, "object": "file", "bytes": len(sent), "created_at": 1, "filename": "a.jsonl"}
                return 200, json.dumps(about | {"purpose": "batch", "status": "processed"})
            case ["POST", "batches"]:
                told = json.loads(sent)
                name = self.state.add(self.state.files[told["input_file_id"]], metadata=told["metadata"])
                return 200, self._chat_batch(name)
            case ["GET", "files", name, "content"]:
                kind, _, batch = name.partition("-")
                results = [self._chat_result(key) for key in self.state.batches[batch].bodies]
                return 200, "\n".join(line for good, line in results if good == (kind == "out"))
        return 404, json.dumps({"error": {"type": "not_found_error", "message": path}})

    # -- Anthropic ----------------------------------------------------------------------------------

    def _message_batch(self, name: str) -> str:
        batch = self.state.batches[name]
        ended = batch.looks > self.state.ends_after
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        for key in batch.bodies:
            counts[self.state.outcome(key) if ended else "processing"] += 1
        return json.dumps(
            {
                "id": name, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
                "request_counts": counts, "created_at": batch.made.isoformat(),
                "expires_at": (batch.made + timedelta(days=1)).isoformat(), "archived_at": None,
                "cancel_initiated_at": None, "ended_at": batch.made.isoformat() if ended else None,
                "results_url": f"{self.state.url}/v1/messages/batches/{name}/results" if ended else None,
            }
        )  # fmt: skip

    def _message_result(self, key: str) -> str:
        kind = self.state.outcome(key)
        result: dict[str, Any] = {"type": kind}
        if kind == "succeeded":
            result["message"] = {
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                "stop_sequence": None, "content": [{"type": "text", "text": ANSWER}],
                "usage": {"input_tokens": 10, "output_tokens": 4},
            }  # fmt: skip
        if kind == "errored":
            error = {"type": "invalid_request_error", "message": "the schema is too deep"}
            result["error"] = {"type": "error", "error": error, "request_id": None}
        return json.dumps({"custom_id": key, "result": result}, ensure_ascii=False)

    # -- OpenAI -------------------------------------------------------------------------------------

    def _chat_batch(self, name: str) -> str:
        batch = self.state.batches[name]
        ended = batch.looks > self.state.ends_after
        refused = {"object": "list", "data": [{"code": "bad", "message": self.state.refuses}]}
        status = "failed" if self.state.refuses else "completed" if ended else "in_progress"
        return json.dumps(
            {
                "id": name, "object": "batch", "endpoint": "/v1/chat/completions", "status": status,
                "input_file_id": "file_001", "completion_window": "24h", "created_at": int(batch.made.timestamp()),
                "metadata": batch.metadata, "errors": refused if self.state.refuses else None,
                "output_file_id": f"out-{name}" if ended else None, "error_file_id": f"err-{name}" if ended else None,
            }
        )  # fmt: skip

    def _chat_result(self, key: str) -> tuple[bool, str]:
        kind = self.state.outcome(key)
        if kind == "expired":
            line = {"custom_id": key, "response": None, "error": {"code": "batch_expired", "message": "it expired"}}
            return False, json.dumps(line)
        if kind == "errored":
            body: dict[str, Any] = {"error": {"message": "the schema is too deep", "type": "invalid_request_error"}}
            return False, json.dumps({"custom_id": key, "response": {"status_code": 400, "body": body}, "error": None})
        body = {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [
                {"index": 0, "finish_reason": "stop", "logprobs": None,
                 "message": {"role": "assistant", "content": ANSWER, "refusal": None}}
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
        }  # fmt: skip
        whole = {"custom_id": key, "response": {"status_code": 200, "body": body}, "error": None}
        return True, json.dumps(whole, ensure_ascii=False)
