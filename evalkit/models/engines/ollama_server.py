"""One Ollama server: where it is, and what it says of itself and its models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from evalkit.errors import MissingModel
from evalkit.models.connections import Connections, Patience
from evalkit.models.event_stream import read_values
from evalkit.models.ollama_reply import read_about, read_digests, read_loaded, read_rendered, read_version
from evalkit.models.retry import Cut, NotAnAnswer, beginning

_PORT = 11434
_PATIENCE = Patience(quiet=600, whole=3600)
"""A first answer may have to wait for the weights to load, and a slow machine takes long for a long one."""


class Refused(Exception):
    """A server answered with another status than that of an answer; the message shows how its body begins."""

    def __init__(self, status: int, path: str, body: bytes) -> None:
        super().__init__(f"status {status} for {path}: {beginning(body)}")
        self.status = status


def server_url(host: str) -> str:
    """``host`` as Ollama reads $OLLAMA_HOST: scheme, name and port may each be left out.

    >>> server_url(""), server_url("gpu-box"), server_url(":8080"), server_url("https://ollama.test")
    ('http://127.0.0.1:11434', 'http://gpu-box:11434', 'http://127.0.0.1:8080', 'https://ollama.test')
    """
    scheme, separator, rest = host.strip().rpartition("://")
    name, colon, port = rest.rstrip("/").rpartition(":")
    name, port = (name, port) if colon else (port, "")
    # A server listens on all addresses under 0.0.0.0, which is no place to call.
    name = "127.0.0.1" if name in ("", "0.0.0.0") else name
    return f"{scheme or 'http'}://{name}" + (f":{port or _PORT}" if port or not separator else "")


class Server:
    """One Ollama server: what it says of itself and its models, and what it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connections = Connections(_PATIENCE)
        self._tells_prompts = True
        self._open: Any = None

    def open(self) -> Server:
        """Makes the connection, which threads may share from then on."""
        if self._open is None:
            import httpx

            timeout, hooks = httpx.Timeout(self._connections.patience.quiet, connect=5), [self._connections.watch]
            self._open = httpx.Client(base_url=self.url, timeout=timeout, event_hooks={"request": hooks})
        return self

    def close(self) -> None:
        """Ends the connection; the next use makes a new one."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def cut(self) -> None:
        """Ends what is under way in other threads, so that each of them hears an error."""
        self._connections.cut()

    @contextmanager
    def chat(self, body: Mapping[str, Any]) -> Iterator[Iterator[Any]]:
        """The JSON values of the streamed answer to ``body``, as they come. Raises Refused."""
        with self._sent("POST", "/api/chat", {**body, "stream": True}) as response:
            yield self._connections.growing(read_values(response.iter_bytes()))

    def rendered(self, body: Mapping[str, Any]) -> str | None:
        """The prompt of the chat request ``body`` as the model's template renders it, None where the server is too old
        to tell: it would answer instead, so it is asked once. Raises Refused."""
        if not self._tells_prompts:
            return None
        asked = {**body, "stream": False, "_debug_render_only": True}
        rendered = read_rendered(self._value("POST", "/api/chat", asked))
        self._tells_prompts = rendered is not None
        return rendered

    def loaded(self) -> dict[str, Any]:
        """What each loaded model holds, in bytes, by its name."""
        return read_loaded(self._value("GET", "/api/ps"))

    def about(self, model: str) -> dict[str, Any]:
        """What shapes the answers of ``model`` on this server. Raises MissingModel."""
        import httpx

        try:
            version = read_version(self._value("GET", "/api/version"))
            digests = read_digests(self._value("GET", "/api/tags"))
            name = model if model in digests else f"{model}:latest"
            if name not in digests:
                raise MissingModel(
                    f"ollama:{model}: the server at {self.url} has no such model. It has: "
                    f"{', '.join(sorted(digests)) or 'none'}. To get it: `ollama pull {model}`, or from a GGUF of your "
                    f"own `ollama create {model} -f Modelfile`"
                )
            shown = read_about(self._value("POST", "/api/show", {"model": name}))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise MissingModel(
                f"ollama:{model}: no Ollama server answers at {self.url} ({type(error).__name__}: {error}). Start it "
                f"with `ollama serve`, or name another with `host` of this alias, or with OLLAMA_HOST"
            ) from error
        except (Refused, NotAnAnswer, Cut) as error:
            raise MissingModel(f"ollama:{model}: {self.is_no_ollama(error)}") from error
        return {"server": version, "digest": digests[name], **shown}

    def is_no_ollama(self, error: Exception) -> str:
        """That what answers at this place is hardly Ollama, with what it said."""
        return (
            f"something else than Ollama seems to answer at {self.url}: {error}. Check `host` of this alias, or "
            f"OLLAMA_HOST"
        )

    def _value(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        with self._sent(method, path, body) as response:
            return next(read_values(response.iter_bytes()))

    @contextmanager
    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Iterator[Any]:
        # As ASCII: a text may hold half a surrogate pair, which UTF-8 has no bytes for.
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        sent = self.open()._open.stream(method, path, content=content, headers=headers)
        with self._connections.one_request(), sent as response:
            if not response.is_success:
                response.read()
                raise Refused(response.status_code, path, response.content)
            yield response
