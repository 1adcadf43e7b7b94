"""What a real server streamed once, handed out again: for tests of faults, which need an answer and no model.

The answers are those of SmolLM2-135M behind a real Ollama, to five questions at five token limits, byte by byte, over
Anthropic's wire and over OpenAI's. ``python tests/recorded_wire.py`` records them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

RECORDED = Path(__file__).with_name("recorded_wire.json")
LIMITS = (1, 2, 4, 7, 12)
QUESTIONS = tuple(f"Say {number}." for number in range(5))


@contextmanager
def recorded_wire() -> Iterator[str]:
    """A server of both wires at the URL given, as long as the block lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    recorded: dict[str, str] = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question, limit = body["messages"][-1]["content"], body.get("max_tokens") or body["max_completion_tokens"]
        # What was never asked is answered as one of the five was.
        asked = question if question in QUESTIONS else QUESTIONS[sum(question.encode()) % len(QUESTIONS)]
        answer = _Server.recorded[f"{self.path} {limit} {asked}"].encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def record() -> None:
    """Asks a real Ollama every question at every limit over both wires, and writes what came."""
    from tempfile import TemporaryDirectory

    from fault_proxy import proxy

    from evalkit.golden.loader import load_task
    from evalkit.golden.model import Decoding
    from evalkit.models.backend import Opening, Spec
    from evalkit.models.backends import anthropic, openai
    from evalkit.models.in_flight import InFlight
    from evalkit.models.request import Message, Request
    from fixtures.convert import base_gguf
    from fixtures.serve import create, running

    root = Path(__file__).parents[1]
    recorded: dict[str, str] = {}
    task = load_task(root / "golden" / "market_direction")
    wires = (("anthropic", anthropic, "", "/v1/messages"), ("openai", openai, "/v1", "/v1/chat/completions"))
    with TemporaryDirectory() as folder, running(Path(folder)) as server:
        create(server, "base", base_gguf())
        for scheme, module, tail, path in wires:
            for limit in LIMITS:
                with proxy(server.url) as between:
                    options = {"base_url": between.url + tail, "key": "", "sampling": True, "most": 1}
                    backend = module.open_backend(Opening(Spec(scheme, "base"), task, root, options))
                    backend.in_flight = InFlight(None)
                    messages = [(Message("system", "Answer briefly."), Message("user", text)) for text in QUESTIONS]
                    list(
                        backend.answer([Request("t", each[1].content, each, "", Decoding(limit)) for each in messages])
                    )
                    backend.close()
                    recorded |= {f"{path} {limit} {name}": whole for name, (whole,) in between.delivered.items()}
    RECORDED.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
