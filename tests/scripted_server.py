"""A server that says what a test tells it to, path by path: for what no server that can be had would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Said = tuple[int, bytes]
"""A status and a body."""


@dataclass(slots=True)
class Scripted:
    """``says`` has for each path what is answered, one after the other; the last of it again and again. Where a path is
    not in it, the status is 404. ``asked`` counts the requests by path."""

    says: Mapping[str, Sequence[Said]]
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, path: str) -> Said:
        """The next answer for ``path``."""
        self.asked[path] += 1
        says = self.says.get(path, [(404, b"404 page not found")])
        return says[min(self.asked[path], len(says)) - 1]


@contextmanager
def scripted(says: Mapping[str, Sequence[Said]]) -> Iterator[Scripted]:
    """Such a server on a free port."""
    state = Scripted(says)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def do_GET(self) -> None:
            status, body = state.answer(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
