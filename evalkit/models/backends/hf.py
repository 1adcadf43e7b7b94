"""transformers on this machine: a safetensors folder, a registered base or a hub id, with or without a PEFT adapter.

    hf:path/to/folder          hf:smollm2          hf:smollm2+path/to/adapter          hf:org/model

All backends of a run that name one folder share one copy of its weights. Nothing is downloaded: a hub id is taken
from the local cache of Hugging Face. Options of the alias:

    dtype = "float32"       or "bfloat16"; "float16" only where there is a GPU
    batch = 16              answers at once, fewer when memory runs out; 1 is one by one
    device = "cpu"          or "cuda", "mps", ...
    load = ""               or "4bit": bitsandbytes' nf4, quantized while it is loaded
    trust_remote_code = false
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evalkit._internal.files import file_digest
from evalkit._internal.process import resident_memory
from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered
from evalkit.golden.model import REPEAT_LAST
from evalkit.models.backend import Backend, Completion, FinishReason, Opening, digest_of_ids
from evalkit.models.request import Request
from evalkit.models.stream_end import StopCondition

_DTYPES = ("float32", "bfloat16", "float16")
_SHAPING = {".safetensors", ".json", ".jinja", ".model", ".txt"}
"""Files of a model's folder that shape its answers: weights, configuration, tokenizer, template."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one copy of the weights is run."""

    dtype: str = "float32"
    batch: int = 16
    device: str = "cpu"
    load: str = ""
    trust_remote_code: bool = False


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
    copy = (model, settings.dtype, settings.device, settings.load)
    weights = opening.shared.setdefault(("hf", *copy), HfWeights(model, settings))
    fingerprint = {
        "engine": f"transformers {_major('transformers')}, torch {_major('torch')}",
        "model": _digests(sorted(file for file in model.iterdir() if file.suffix in _SHAPING), opening.cache),
        "adapter": _digests([adapter / name for name in _ADAPTER_FILES], opening.cache) if adapter else {},
        "dtype": settings.dtype,
        "device": settings.device,
        "batch": "one by one" if settings.batch == 1 else settings.batch,
        **({"load": f"nf4 (bitsandbytes {version('bitsandbytes')})"} if settings.load else {}),
    }
    return HfBackend(weights, adapter, settings.batch, fingerprint)


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
        known = ", ".join(sorted(key for key, table in opening.models.items() if "hf" in table)) or "none"
        fetch = registered.get("hf_fetch", registered.get("fetch"))
        remedy = f" To get it: {fetch}" if fetch else ""
        if not registered and _HUB_ID.fullmatch(name):
            remedy = f" If it is meant as a hub id: nothing is downloaded here; run `hf download {name}` first."
        raise MissingModel(
            f"{opening.spec}: no folder {path} with a config.json.{remedy} "
            f"(registered with `hf` in [tool.evalkit.models]: {known})"
        )
    if not any(path.glob("*.safetensors")):
        raise MissingModel(
            f"{opening.spec}: {path} has no *.safetensors; other kinds of weights can run code: convert it"
        )
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    if "auto_map" in config and not settings.trust_remote_code:
        raise ConfigError(
            f"{opening.spec}: {path} brings code of its own ({', '.join(sorted(config['auto_map']))}). If you have "
            "read it and trust it, set trust_remote_code = true for this alias."
        )
    return path.resolve()


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
    by_example: bool = False
    constrains: bool = False

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        self.weights.load()
        questions: list[Question] = []
        for request in requests:
            try:
                questions.append(self.weights.question(request))
            except NotAnswered as error:
                yield request, error
        # Longest first: what runs out of memory does so at once, and a batch is of like lengths.
        questions.sort(key=lambda question: -len(question.tokens))
        size = self.batch
        while questions:
            batch = questions[:size]
            try:
                yield from self._batch(batch)
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
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

    def memory(self) -> int:
        return resident_memory()

    def close(self) -> None:
        self.weights.unload()


def nf4(dtype: Any) -> Any:
    """How bitsandbytes quantizes to 4 bits here; ``dtype`` is torch's type to compute in."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)


@dataclass(slots=True, eq=False)
class Question:
    """One request while it is answered."""

    request: Request
    rendered: str
    tokens: list[int]
    answer: list[int] = field(default_factory=list)
    ended: bool = False  # by the model's own end token, which is the last of `answer`
    finish: FinishReason | None = None
    dice: Any = None
    end: StopCondition = field(init=False)

    def __post_init__(self) -> None:
        self.end = StopCondition(self.rendered, self.request.prefill, self.request.decoding.tail)

    def again(self) -> Question:
        """The same, from its beginning."""
        return Question(self.request, self.rendered, self.tokens)


class HfWeights:
    """One copy of the weights in torch, with the adapters of all backends that share it."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self._model: Any = None
        self._tokenizer: Any = None
        self._adapters: dict[Path, str] = {}
        self._ends: frozenset[int] = frozenset()

    def load(self) -> None:
        """Reads weights and tokenizer, at the first call. Raises BackendDied where transformers can't."""
        if self._model is not None:
            return
        # Read when OpenMP is loaded: threads that spin while they wait are many times slower beside other work.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        trusted = {"local_files_only": True, "trust_remote_code": self.settings.trust_remote_code}
        dtype = getattr(torch, self.settings.dtype)
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(self.folder, **trusted)
            how = {"quantization_config": nf4(dtype), "device_map": self.settings.device} if self.settings.load else {}
            model = AutoModelForCausalLM.from_pretrained(
                self.folder, dtype=dtype, use_safetensors=True, **how, **trusted
            )
            self._model = (model if how else model.to(self.settings.device)).eval()
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise BackendDied(f"transformers could not load {self.folder}: {error}") from error
        if not self._tokenizer.chat_template:
            raise BackendDied(f"{self.folder}: the tokenizer has no chat template, so no prompt can be rendered")
        own = getattr(model.generation_config, "eos_token_id", None)
        ends = own if isinstance(own, list) else [own]
        self._ends = frozenset(token for token in (*ends, self._tokenizer.eos_token_id) if token is not None)

    def unload(self) -> None:
        """Gives the memory back; ``load`` reads them again."""
        self._model, self._adapters = None, {}

    def question(self, request: Request) -> Question:
        """``request`` as the model will read it. Raises NotAnswered where that can't be done."""
        from jinja2 import TemplateError

        messages = [asdict(message) for message in request.messages]
        try:
            rendered = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise NotAnswered(f"{request.example_id}: the chat template of {self.folder} refuses: {error}") from error
        rendered += request.prefill
        # The template has written the special tokens itself.
        tokens = self._tokenizer.encode(rendered, add_special_tokens=False)
        room = getattr(self._model.config, "max_position_embeddings", None)
        if room and len(tokens) + request.decoding.max_tokens > room:
            raise NotAnswered(
                f"{request.example_id}: a prompt of {len(tokens)} tokens and an answer of up to "
                f"{request.decoding.max_tokens} don't fit into the model's {room}"
            )
        return Question(request, rendered, tokens)

    def step(self, adapter: Path | None, batch: Sequence[Question], state: Any) -> tuple[list[int], Any]:
        """The next token of every question of ``batch``, and the state to hand to the next step (None at first).

        No ``generate``: its settings come from the model's own files as well, and it draws for a whole batch from
        one stream, so that an answer would depend on what is asked beside it.
        """
        import torch

        # Inside, because another backend that shares the weights may have had its turn since the last step.
        self._use(adapter)
        with torch.inference_mode():
            if state is None:
                longest = max(len(question.tokens) for question in batch)
                gaps = [longest - len(question.tokens) for question in batch]
                rows = [[0] * gap + question.tokens for gap, question in zip(gaps, batch, strict=True)]
                mask = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps], device=self.settings.device)
                positions, cache = (mask.cumsum(-1) - 1).clamp(min=0), None
            else:
                cache, mask, positions = state
                rows = [question.answer[-1:] for question in batch]
                mask, positions = torch.cat([mask, mask.new_ones(len(batch), 1)], dim=-1), positions[:, -1:] + 1
            out = self._model(
                input_ids=torch.tensor(rows, device=self.settings.device),
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits = out.logits[:, -1].float().cpu()
        tokens = [self._draw(question, scores) for question, scores in zip(batch, logits, strict=True)]
        return tokens, (out.past_key_values, mask, positions)

    def _draw(self, question: Question, scores: Any) -> int:
        import torch

        temperature, penalty = question.request.decoding.temperature, question.request.decoding.repeat_penalty
        if penalty != 1:
            scores = scores.clone()  # what inference made is not to be written on
            seen = torch.tensor((question.tokens + question.answer)[-REPEAT_LAST:]).unique()
            scores[seen] = torch.where(scores[seen] > 0, scores[seen] / penalty, scores[seen] * penalty)
        if temperature == 0:
            return int(scores.argmax())
        if question.dice is None:  # one stream a request, from all that the request says
            question.dice = torch.Generator().manual_seed(int(question.request.key("")[:15], 16))
        return int(torch.multinomial((scores / temperature).softmax(-1), 1, generator=question.dice))

    def heard(self, question: Question, token: int) -> bool:
        """Takes one more token of an answer; whether the answer is at its end."""
        decoding = question.request.decoding
        question.answer.append(token)
        if token in self._ends:
            question.ended, question.finish = True, "stop"
            return True
        if question.end.hear(self._tokenizer.decode([token], clean_up_tokenization_spaces=False)):
            question.finish = "object_closed"
        elif len(question.answer) >= decoding.max_tokens:
            question.finish = "length"
        return question.finish is not None

    def completion(self, question: Question) -> Completion:
        """What ``question`` was answered."""
        if question.finish is None:
            raise ValueError(f"{question.request.example_id} is not at its end")
        written = question.answer[:-1] if question.ended else question.answer
        # With some of the prompt before it: alone, some tokenizers drop the space that an answer begins with.
        before = question.tokens[-4:]
        whole, start = (self._text(tokens) for tokens in (before + written, before))
        return Completion(
            text=whole[len(start) :] if whole.startswith(start) else self._text(written),
            finish_reason=question.finish,
            rendered=question.rendered,
            prompt_tokens=len(question.tokens),
            completion_tokens=len(question.answer),
            prompt_digest=digest_of_ids(question.tokens),
        )

    def _text(self, tokens: list[int]) -> str:
        # Special tokens stay visible: a model that writes them writes them.
        return str(self._tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _use(self, adapter: Path | None) -> None:
        if adapter is not None and adapter not in self._adapters:
            self._read_adapter(adapter)
        if not self._adapters:
            return
        if adapter is None:
            self._model.base_model.disable_adapter_layers()
        else:
            self._model.base_model.enable_adapter_layers()
            self._model.set_adapter(self._adapters[adapter])

    def _read_adapter(self, adapter: Path) -> None:
        from peft import PeftModel
        from safetensors import SafetensorError

        name = f"adapter-{len(self._adapters)}"
        how = {"adapter_name": name, "autocast_adapter_dtype": False, "use_safetensors": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what peft uses of transformers is not the user's
            try:
                if self._adapters:
                    self._model.load_adapter(adapter, is_trainable=False, **how)
                else:
                    self._model = PeftModel.from_pretrained(self._model, adapter, is_trainable=False, **how)
            except (RuntimeError, ValueError, SafetensorError) as error:
                raise BackendDied(f"the adapter {adapter} does not fit {self.folder}: {error}") from error
        self._model.eval()
        self._adapters[adapter] = name


def _out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in said or "can't allocate memory" in said
