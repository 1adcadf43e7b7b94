"""One Ollama server: where it is, and what it says of itself and its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import MissingModel

_PORT = 11434


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
    """One Ollama server: what it says of itself and its models."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._tells_prompts = True
        self._open: tuple[Any, Any] | None = None

    def open(self) -> Server:
        """Makes the clients."""
        self._clients()
        return self

    def _clients(self) -> tuple[Any, Any]:
        if self._open is None:
            import httpx
            from ollama import Client

            # A first answer may have to wait for the weights to load; a server that says nothing for longer is lost.
            timeout = httpx.Timeout(600, connect=5)
            self._open = Client(host=self.url, timeout=timeout), httpx.Client(base_url=self.url, timeout=timeout)
        return self._open

    @property
    def client(self) -> Any:
        """The ollama package's client; made at first use."""
        return self._clients()[0]

    @property
    def http(self) -> Any:
        """A client for what the package has no call for."""
        return self._clients()[1]

    def close(self) -> None:
        """Ends the connections; the next use makes new ones."""
        for client in self._open or ():
            client.close()
        self._open = None

    def rendered(self, body: Mapping[str, Any]) -> str | None:
        """The prompt of the chat request ``body`` as the model's template renders it, None where the server is too old
        to tell: it would answer instead, so it is asked once. Raises ResponseError."""
        from ollama import ResponseError

        if not self._tells_prompts:
            return None
        answer = self.http.post("/api/chat", json={**body, "stream": False, "_debug_render_only": True})
        if answer.is_error:
            raise ResponseError(answer.text, answer.status_code)
        rendered = (answer.json().get("_debug_info") or {}).get("rendered_template")
        self._tells_prompts = rendered is not None
        return None if rendered is None else str(rendered)

    def about(self, model: str) -> dict[str, Any]:
        """What shapes the answers of ``model`` on this server. Raises MissingModel."""
        import httpx
        from ollama import ResponseError

        try:
            version = self.http.get("/api/version").raise_for_status().json()["version"]
            models = {str(model.model): model for model in self.client.list().models}
            name = model if model in models else f"{model}:latest"
            if name not in models:
                raise MissingModel(
                    f"ollama:{model}: the server at {self.url} has no such model. It has: "
                    f"{', '.join(sorted(models)) or 'none'}. To get it: `ollama pull {model}`, or from a GGUF of your "
                    f"own `ollama create {model} -f Modelfile`"
                )
            shown = self.client.show(name)
        except (httpx.HTTPError, ConnectionError, ResponseError, KeyError, ValueError) as error:
            raise MissingModel(
                f"ollama:{model}: no Ollama server answers at {self.url} ({type(error).__name__}: {error}). Start it "
                f"with `ollama serve`, or name another with OLLAMA_HOST"
            ) from error
        return {
            "server": version,
            "digest": models[name].digest,
            "quantization": shown.details.quantization_level if shown.details else None,
            "template": shown.template,
            "parameters": shown.parameters,
            "thinks": "thinking" in (shown.capabilities or ()),
        }
