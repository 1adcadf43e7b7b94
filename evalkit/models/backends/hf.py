"""transformers on this machine: a safetensors folder, a registered base or a hub id, with or without a PEFT adapter.

    hf:path/to/folder          hf:smollm2          hf:smollm2+path/to/adapter          hf:org/model

All backends of a run that name one folder share one copy of its weights. Nothing is downloaded: a hub id is taken
from the local cache of Hugging Face. Options of the alias:

    dtype = "float32"       or "bfloat16"; "float16" only where there is a GPU
    batch = 16              answers at once, fewer when memory runs out; 1 is one by one
    device = "cpu"          or "cuda", "mps", ...
    load = ""               or "4bit": bitsandbytes' nf4, quantized while it is loaded
    trust_remote_code = false

An adapter's folder may hold a chat template or a tokenizer of its own. One that is not the base's is what the adapter
is asked with, and is told; the base and other adapters keep theirs. An adapter with tensors that the model has no place
for, or without some that it should have, stops the model.

``thinking`` and ``template`` of an alias are handed to the chat template of the folder; one that does not heed them
stops the model.

A prompt in which the chat template or the tokenizer cut or left out what is asked is not asked; where that happens to
every prompt, or the template refuses them, it stops the model.

With ``constrained = true`` an answer is one object of the task's schema, written as `gguf:` writes it, by the same
library (llguidance): what it can't hold is refused by name, and ``uniqueItems`` is left out and told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalkit._internal.files import file_digest
from evalkit._internal.process import resident_memory
from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered, TooLong
from evalkit.models.backend import Backend, Completion, Opening
from evalkit.models.chat_template import TemplateArguments
from evalkit.models.constraint.guidance import hold
from evalkit.models.constraint.held import Held
from evalkit.models.engines.own_reading import WithOwnTokenizer
from evalkit.models.engines.torch_weights import HfWeights, Question, Settings, out_of_memory
from evalkit.models.prompt_check import stop_if_all
from evalkit.models.request import Request
from evalkit.models.weights.adapter_fit import writes_on_base
from evalkit.models.weights.own_tokenizer import own_beside

_DTYPES = ("float32", "bfloat16", "float16")
_SHAPING = {".safetensors", ".json", ".jinja", ".model", ".txt"}
"""Files of a model's folder that shape its answers: weights, configuration, tokenizer, template."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


def open_backend(opening: Opening) -> Backend:
    """A backend on transformers. Raises MissingModel for a file or a package that is not here."""
    settings = _settings(opening)
    extra = "4bit" if settings.load else "hf"
    needed = ["torch", "transformers", *(["peft"] if opening.spec.adapter else [])]
    needed += ["bitsandbytes", "accelerate"] if settings.load else []
    if missing := [package for package in needed if find_spec(package) is None]:
        raise MissingModel(f"{opening.spec} needs {' and '.join(missing)}: pip install 'pytest-evalkit[{extra}]'")
    model = _model(opening, settings)
    adapter = _adapter(opening)
    # What writes on the weights themselves would do so for everyone who shares them.
    alone = adapter if adapter is not None and writes_on_base(adapter) else None
    copy = (model, settings.dtype, settings.device, settings.load, alone)
    weights: HfWeights = opening.shared.setdefault(("hf", *copy), HfWeights(model, settings))
    own = own_beside(adapter, model, _rows(model)) if adapter is not None else None
    if own is not None:
        weights = WithOwnTokenizer(weights, own)
    fingerprint = {
        "engine": f"transformers {_major('transformers')}, torch {_major('torch')}",
        "model": _digests(sorted(file for file in model.iterdir() if file.suffix in _SHAPING), opening.cache),
        "adapter": _digests([adapter / name for name in _ADAPTER_FILES], opening.cache) if adapter else {},
        "dtype": settings.dtype,
        "device": settings.device,
        "batch": "one by one" if settings.batch == 1 else settings.batch,
        **({"load": f"nf4 (bitsandbytes {version('bitsandbytes')})"} if settings.load else {}),
    }
    fingerprint |= {**opening.template.fingerprint, **(own.fingerprint if own is not None else {})}
    return HfBackend(weights, adapter, settings.batch, fingerprint, opening.template)


def _settings(opening: Opening) -> Settings:
    settings = opening.settings(Settings)
    if settings.dtype not in _DTYPES:
        raise ConfigError(f"{opening.spec}: dtype is {settings.dtype!r}, expected one of {', '.join(_DTYPES)}")
    if settings.dtype == "float16" and settings.device == "cpu":
        raise ConfigError(f"{opening.spec}: dtype float16 on a CPU is slow and wrong; use float32 or bfloat16")
    if settings.load not in ("", "4bit"):
        raise ConfigError(f"{opening.spec}: load is {settings.load!r}, expected '4bit' or nothing")
    if settings.batch < 1:
        raise ConfigError(f"{opening.spec}: batch is {settings.batch}, expected 1 or more")
    return settings


def _model(opening: Opening, settings: Settings) -> Path:
    name = opening.spec.model
    registered = opening.models.get(name, {})
    path = opening.path(registered.get("hf", name))
    if not path.is_dir() and "hf" not in registered and _HUB_ID.fullmatch(name):
        path = _cached(name) or path
    if not name or not (path / "config.json").is_file():
        names = ", ".join(sorted(key for key, table in opening.models.items() if "hf" in table)) or "none"
        fetch = registered.get("hf_fetch", registered.get("fetch"))
        remedy = f" To get it: {fetch}" if fetch else ""
        if not registered and _HUB_ID.fullmatch(name):
            remedy = f" If it is meant as a hub id: nothing is downloaded here; run `hf download {name}` first."
        raise MissingModel(
            f"{opening.spec}: no folder {path} with a config.json.{remedy} "
            f"(registered with `hf` in [tool.evalkit.models]: {names})"
        )
    if not any(path.glob("*.safetensors")):
        raise MissingModel(
            f"{opening.spec}: {path} has no *.safetensors; other kinds of weights can run code: convert it"
        )
    config = _config(path)
    if "auto_map" in config and not settings.trust_remote_code:
        raise ConfigError(
            f"{opening.spec}: {path} brings code of its own ({', '.join(sorted(config['auto_map']))}). If you have "
            "read it and trust it, set trust_remote_code = true for this alias."
        )
    return path.resolve()


def _config(folder: Path) -> Mapping[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MissingModel(f"{path}: not valid JSON ({error}). Get it again.") from error
    if not isinstance(config, dict):
        raise MissingModel(f"{path}: got {config!r:.60}, expected an object. Get it again.")
    return config


def _rows(folder: Path) -> int | None:
    """For how many tokens the model in ``folder`` has a row in its embedding; None where its configuration says not."""
    config = _config(folder)
    rows = config.get("vocab_size", (config.get("text_config") or {}).get("vocab_size"))
    return rows if isinstance(rows, int) else None


def _cached(name: str) -> Path | None:
    """The folder of a hub id in the local cache of Hugging Face; None where it is not there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _adapter(opening: Opening) -> Path | None:
    if not opening.spec.adapter:
        return None
    path = opening.path(opening.spec.adapter)
    for name in _ADAPTER_FILES:
        if not (path / name).is_file():
            raise MissingModel(f"{opening.spec}: the adapter {path} has no {name}; expected a PEFT folder with it")
    return path.resolve()


def _digests(files: Sequence[Path], cache: Path) -> dict[str, str]:
    return {file.name: file_digest(file, cache) for file in files}


def _major(package: str) -> str:
    return version(package).split(".")[0]


@dataclass(frozen=True, slots=True)
class HfBackend:
    """One model on a copy of the weights: the weights alone, or with one adapter."""

    weights: HfWeights
    adapter: Path | None
    batch: int
    fingerprint: Mapping[str, Any]
    template: TemplateArguments
    by_example: bool = False
    constrains: bool = True
    templated: bool = True

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        self.weights.load()
        questions: list[Question] = []
        refused: list[tuple[Request, NotAnswered]] = []
        for request in requests:
            try:
                questions.append(self.weights.question(request, self.template))
            except NotAnswered as error:
                refused.append((request, error))
        stop_if_all([error for _, error in refused if not isinstance(error, TooLong)], len(requests))
        yield from refused
        if self.template and questions:
            self.weights.check_template(questions[0].request, self.template)
        # Longest first: what runs out of memory does so at once, and a batch is of like lengths.
        questions.sort(key=lambda question: -len(question.tokens))
        size = self.batch
        while questions:
            batch = questions[:size]
            try:
                yield from self._batch(batch)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise BackendDied(f"transformers failed on {batch[0].request.example_id}: {error}") from error
                if size == 1:
                    yield batch[0].request, NotAnswered(f"{batch[0].request.example_id}: out of memory: {error}")
                    batch[0].finish = "length"
                size = max(1, size // 2)
            questions = [question.again() for question in batch if not question.finish] + questions[len(batch) :]

    def _batch(self, batch: Sequence[Question]) -> Iterator[tuple[Request, Completion]]:
        state: Any = None
        while open_ones := [question for question in batch if not question.finish]:
            # One token of every answer; between two of them Python hears Ctrl-C, or that no one listens any more.
            tokens, state = self.weights.step(self.adapter, batch, state)
            for question, token in zip(batch, tokens, strict=True):
                if question in open_ones and self.weights.heard(question, token):
                    yield question.request, self.weights.completion(question)

    def held(self, schema: Mapping[str, Any]) -> Held:
        """How an answer is held to ``schema``. Raises ConfigError where it can't be."""
        return hold(schema)

    def memory(self) -> int:
        return resident_memory()

    def close(self) -> None:
        self.weights.unload()
