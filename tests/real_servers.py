"""Real servers of chat completions beside Ollama, started for a test on the loopback address and always ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.ollama import stop
from fixtures.serve import free_port

_READY_WITHIN = 180.0
"""Seconds."""
_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
"""Threads that spin while they wait are many times slower beside other work."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that was started here: its URL with the path of the API, and what it calls the model."""

    url: str
    model: str
    process: subprocess.Popen[Any]


@contextmanager
def llama_server(gguf: Path) -> Iterator[Serving]:
    """llama.cpp's own server with the model in ``gguf``. It takes any name for it."""
    command = [sys.executable, str(Path(__file__).with_name("llama_server.py")), str(gguf)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | _THREADS,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, f"llama.cpp's server ended with {process.wait()}"
        yield Serving(f"{address}/v1", "base", process)
    finally:
        _end(process)


def f16_folder(source: Path, target: Path) -> str:
    """``source``, a folder of safetensors, with its matrices rounded as an f16 GGUF has them."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.safetensors"))
    tensors = load_file(source / "model.safetensors")
    rounded = {name: each.to(torch.float16) if each.ndim > 1 else each for name, each in tensors.items()}
    save_file(rounded, target / "model.safetensors", metadata={"format": "pt"})
    return str(target)


@contextmanager
def transformers_serve(model: str, log: Path) -> Iterator[Serving]:
    """``transformers serve`` on the processor, in float32, with the model in the folder ``model`` and no other."""
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
    with log.open("wb") as written:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("transformers")), "serve", model, *options],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            env=os.environ | _THREADS | quiet,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield Serving(f"http://127.0.0.1:{port}/v1", model, process)
    finally:
        _end(process)


def _wait_for(url: str, process: subprocess.Popen[Any], log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(
        f"{url} did not answer (exit code {process.poll()}): {log.read_text(errors='replace')[-2000:]}"
    )


def _end(process: subprocess.Popen[Any]) -> None:
    stop(process)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
