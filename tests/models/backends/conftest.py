"""A real Ollama server with the real base in it, shared by the tests of the backends that ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from recorded_wire import recorded_wire

from fixtures.convert import base_gguf
from fixtures.ollama import find_ollama
from fixtures.serve import WITHOUT_SYSTEM, Running, create, running

CLOSED = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
FIRST_WORDS = "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ slice .Content 0 8 }}<|im_end|>\n{{ end }}"


@pytest.fixture(scope="session")
def wire() -> Iterator[str]:
    """The URL of a server that answers over both vendors' wires what a real one streamed once."""
    with recorded_wire() as url:
        yield url


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if find_ollama() is None:
        pytest.skip("there is no Ollama here; `make ollama` builds one")
    with running(tmp_path_factory.mktemp("ollama")) as started:
        create(started, "base", base_gguf())
        create(started, "no-system", base_gguf(), template=WITHOUT_SYSTEM)
        create(started, "closed", base_gguf(), template=CLOSED)
        create(started, "first-words", base_gguf(), template=FIRST_WORDS)
        yield started
