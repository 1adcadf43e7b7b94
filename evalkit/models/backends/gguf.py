"""llama.cpp in process: a .gguf file or a registered base, with or without a LoRA adapter.

    gguf:path/to/model.gguf          gguf:smollm2          gguf:smollm2+path/to/adapter

All backends of a run that name one file share one copy of its weights: adapters are loaded beside them, and
each request says which one it wants. Options of the alias:

    context = 1024          tokens of one slot: prompt and answer together
    threads = (all cores)
    reproducible = true     one answer at a time, its prompt read in chunks of fixed size, so that its arithmetic does
                            not depend on what was asked before or beside it; a beginning that all prompts share is read
                            once. false: several at once, faster; answers may then waver
    slots = 6               with reproducible = false: so many answers at once

A PEFT folder may hold a chat template of its own. One that is not the file's is what the adapter is asked with, and is
told; a tokenizer with other tokens than the file's is refused: merge the adapter and convert that.

``thinking`` and ``template`` of an alias are handed to the chat template of the file; one that does not heed them stops
the model. Left out, the template's own default holds.

A prompt in which the chat template cut or left out what is asked is not asked; where it does so with every prompt, or
refuses them, that stops the model. llama.cpp itself joins the system message to the first user's turn where the
template refuses it.

With ``constrained = true`` an answer is one object of the task's schema, in the spelling of Python's ``json.dumps``,
its fields in the schema's order and its numbers with up to three decimals and nine digits before them. ``uniqueItems``
is not held, and told; any other keyword that llguidance can't hold is refused by name (`not`, `if`, `contains`, ...).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalkit._internal.files import file_digest
from evalkit._internal.process import resident_memory
from evalkit.errors import ConfigError, MissingModel
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.chat_template import TemplateArguments
from evalkit.models.constraint.guidance import hold
from evalkit.models.constraint.held import Held
from evalkit.models.engines.llama_cpp import CHUNK, Engine, Settings
from evalkit.models.engines.own_template import WithOwnTemplate
from evalkit.models.request import Request
from evalkit.models.weights.own_tokenizer import own_beside_gguf


def open_backend(opening: Opening) -> Backend:
    """A backend on llama.cpp. Raises MissingModel for a file or a package that is not here."""
    if find_spec("xllamacpp") is None:
        raise MissingModel(f"{opening.spec} needs llama.cpp: pip install 'pytest-evalkit[gguf]'")
    settings = _settings(opening)
    model = _model(opening)
    adapter = _adapter(opening)
    engine: Engine = opening.shared.setdefault(("gguf", model, settings), Engine(model, settings, opening.cache))
    own = own_beside_gguf(adapter, model) if adapter is not None else None
    if own is not None:
        engine = WithOwnTemplate(engine, own)
    fingerprint = {
        "engine": f"llama.cpp (xllamacpp {version('xllamacpp')})",
        "weights": file_digest(model, opening.cache),
        "adapter": {path.name: file_digest(path, opening.cache) for path in _adapter_files(adapter)},
        "reproducible": f"chunks of {CHUNK}" if settings.reproducible else False,
    }
    fingerprint |= {**opening.template.fingerprint, **(own.fingerprint if own is not None else {})}
    return GgufBackend(engine, adapter, fingerprint, opening.template)


def _settings(opening: Opening) -> Settings:
    settings = opening.settings(Settings)
    for name in ("context", "slots", "threads"):
        if getattr(settings, name) < 0:
            raise ConfigError(f"{opening.spec}: {name} is {getattr(settings, name)}, expected 0 or more")
    if settings.reproducible and "slots" in opening.options:
        raise ConfigError(
            f"{opening.spec}: slots is set, and reproducible answers are made one at a time: take slots away, or set "
            f"reproducible = false"
        )
    slots = 1 if settings.reproducible else settings.slots
    return Settings(settings.context, slots, settings.threads or _cores(), settings.reproducible)


def _cores() -> int:
    """The cores this process may use: fewer than the machine's in a container."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _model(opening: Opening) -> Path:
    name = opening.spec.model
    registered = opening.models.get(name, {})
    path = opening.path(registered.get("gguf", name))
    if not name or not path.is_file():
        names = ", ".join(sorted(key for key, table in opening.models.items() if "gguf" in table)) or "none"
        fetch = f" To get it: {registered['fetch']}" if "fetch" in registered else ""
        raise MissingModel(f"{opening.spec}: no file {path}.{fetch} (registered in [tool.evalkit.models]: {names})")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise MissingModel(f"{opening.spec}: {path} is not a GGUF file")
    expected = registered.get("gguf_sha256")
    if expected and (got := file_digest(path, opening.cache)) != expected:
        raise MissingModel(
            f"{opening.spec}: {path} has sha256 {got}, but [tool.evalkit.models.{name}] says {expected}. "
            f"Delete the file and get it again."
        )
    return path


def _adapter(opening: Opening) -> Path | None:
    if not opening.spec.adapter:
        return None
    path = opening.path(opening.spec.adapter)
    if path.is_file():
        return path
    if (path / "adapter_model.safetensors").is_file():
        from evalkit.models.weights.lora_gguf import check_gguf_adapter

        check_gguf_adapter(path)
        return path
    what = "has no adapter_model.safetensors" if path.is_dir() else "is not there"
    raise MissingModel(
        f"{opening.spec}: the adapter {path} {what}. Expected a PEFT folder (adapter_config.json and "
        f"adapter_model.safetensors) or a LoRA .gguf file."
    )


def _adapter_files(adapter: Path | None) -> tuple[Path, ...]:
    if adapter is None:
        return ()
    if adapter.is_file():
        return (adapter,)
    return adapter / "adapter_model.safetensors", adapter / "adapter_config.json"


@dataclass(frozen=True, slots=True)
class GgufBackend:
    """One model on an engine: the weights alone, or with one adapter."""

    engine: Engine
    adapter: Path | None
    fingerprint: Mapping[str, Any]
    template: TemplateArguments
    by_example: bool = False
    constrains: bool = True
    templated: bool = True

    def __post_init__(self) -> None:
        self.engine.register(self.adapter)

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        yield from self.engine.answer(requests, self.adapter, self.template)

    def held(self, schema: Mapping[str, Any]) -> Held:
        """How an answer is held to ``schema``. Raises ConfigError where it can't be."""
        return hold(schema)

    def memory(self) -> int:
        return resident_memory()

    def close(self) -> None:
        self.engine.close()
