"""Writes a PEFT LoRA adapter (safetensors) as the GGUF that llama.cpp loads beside its base. Needs no torch."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit._internal.files import atomically, file_digest
from evalkit.errors import ConfigError, MissingModel

Matrix = NDArray[np.float32]

PERMUTED = {"llama": True, "qwen2": False, "qwen3": False}
"""The architectures that can be written, and whether llama.cpp keeps the rows of their q and k in its own order."""

_HARMLESS = {
    "alpha_pattern", "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "exclude_modules",
    "inference_mode", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout",
    "megatron_core", "peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "revision",
    "target_modules", "task_type", "use_rslora",
}  # fmt: skip
"""Keys of adapter_config.json that a GGUF adapter can hold, or that say nothing of the answers."""

_PLAIN_STARTS = (True, False, "gaussian", "orthogonal")
"""Values of init_lora_weights that leave the base's weights as they are (PiSSA and its like do not)."""

_TENSOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")


def gguf_adapter(adapter: Path, base_gguf: Path, cache: Path) -> Path:
    """The PEFT folder ``adapter`` as a GGUF LoRA for the base ``base_gguf``, made once and kept in ``cache``.

    Ranks and alphas of their own (``rank_pattern``, ``alpha_pattern``) and rsLoRA are kept. Weights are written as
    float32. Raises MissingModel where a file or package is missing or the adapter is for another base,
    ConfigError where the adapter is of a kind that llama.cpp can't apply.

    >>> gguf_adapter(Path("adapters/none"), Path("base.gguf"), Path("cache"))
    Traceback (most recent call last):
    evalkit.errors.MissingModel: adapters/none/adapter_config.json: there is no such file
    """
    weights, config = adapter / "adapter_model.safetensors", adapter / "adapter_config.json"
    for path in (config, weights, base_gguf):
        if not path.is_file():
            raise MissingModel(f"{path}: there is no such file")
    for package in ("gguf", "safetensors"):
        if find_spec(package) is None:
            raise MissingModel(f"{adapter}: to convert it, install {package}: pip install 'pytest-evalkit[gguf]'")
    digests = [file_digest(path, cache) for path in (weights, config, base_gguf)]
    # The first word is this code's version: to be raised when it writes something else from the same files.
    target = cache / "adapters" / (sha256("\n".join(["1", *digests]).encode()).hexdigest() + ".gguf")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(_lora(adapter, base_gguf, digests[-1]), target)
    return target


@dataclass(frozen=True, slots=True)
class Layout:
    """How a GGUF of one of the architectures of ``PERMUTED`` keeps a model's tensors."""

    architecture: str
    layers: int
    heads: int
    key_heads: int

    @classmethod
    def of(cls, reader: Any) -> Layout | None:
        """That of the file that gguf's ``reader`` is of; None where it is another architecture's."""

        def said(key: str) -> Any:
            field = reader.get_field(key)
            return None if field is None else field.contents()

        architecture = architecture_of(reader)
        if architecture not in PERMUTED:
            return None
        heads = int(said(f"{architecture}.attention.head_count"))
        key_heads = int(said(f"{architecture}.attention.head_count_kv") or heads)
        return cls(architecture, int(said(f"{architecture}.block_count")), heads, key_heads)

    @property
    def names(self) -> Any:
        """gguf's map from transformers' names of tensors to the file's."""
        from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

        known = next(key for key, name in MODEL_ARCH_NAMES.items() if name == self.architecture)
        return get_tensor_name_map(known, self.layers)

    def turned(self, name: str) -> int:
        """How many heads the rows of the file's tensor ``name`` (without ``.weight``) are turned by; 0 for none."""
        heads = {"attn_q": self.heads, "attn_k": self.key_heads}.get(name.rpartition(".")[2], 0)
        return heads if PERMUTED[self.architecture] else 0


def architecture_of(reader: Any) -> str:
    """What the GGUF of gguf's ``reader`` says that it is."""
    field = reader.get_field("general.architecture")
    return str(None if field is None else field.contents())


@dataclass(frozen=True, slots=True)
class _Base:
    """What must be known of the base. ``shapes`` are (out, in) by the tensor's name in the GGUF."""

    path: Path
    layout: Layout
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    @lru_cache(maxsize=4)  # the vocabulary in it makes reading slow
    def read(cls, path: Path, digest: str) -> _Base:  # noqa: ARG003
        from gguf import GGUFReader

        reader = GGUFReader(path)
        layout = Layout.of(reader)
        if layout is None:
            raise ConfigError(
                f"{path}: an adapter for the architecture {architecture_of(reader)!r} can't be written from "
                f"safetensors, only for {', '.join(sorted(PERMUTED))}. Convert it with "
                "llama.cpp's convert_lora_to_gguf.py and name the .gguf."
            )
        # GGUF names the fastest dimension first.
        shapes = {tensor.name: tuple(int(size) for size in reversed(tensor.shape)) for tensor in reader.tensors}
        return cls(path, layout, shapes)


@dataclass(frozen=True, slots=True)
class _Lora:
    """An adapter as llama.cpp applies it: every pair adds (alpha / rank) * b @ a to its tensor."""

    architecture: str
    alpha: float
    pairs: Mapping[str, tuple[Matrix, Matrix]]


def _lora(adapter: Path, base_gguf: Path, base_digest: str) -> _Lora:
    config = lora_config(adapter / "adapter_config.json")
    sides = _sides(adapter / "adapter_model.safetensors")
    base = _Base.read(base_gguf, base_digest)
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    rooted = bool(config.get("use_rslora"))
    # llama.cpp divides one alpha by each pair's rank; 0 would mean "no scaling" to it.
    written = (alpha * math.sqrt(rank) if rooted else alpha) or 1.0
    pairs = {}
    for module, (a, b) in sorted(sides.items()):
        name = _name(adapter, module, a, b, base)
        own_rank = a.shape[0]
        factor = lora_scale(config, module, own_rank) * own_rank / written
        scaled = b if math.isclose(factor, 1.0, rel_tol=1e-12) else (b * np.float32(factor)).astype(np.float32)
        if heads := base.layout.turned(name):
            scaled = permuted(scaled, heads)
        pairs[f"{name}.weight"] = a, scaled
    return _Lora(base.layout.architecture, written, pairs)


def lora_config(
    path: Path,
    reader: str = "llama.cpp",
    refusal: str = "a GGUF adapter can't express. Merge the adapter and convert that.",
) -> Mapping[str, Any]:
    """The adapter_config.json at ``path``, of a plain LoRA. Raises ConfigError for any other, in ``reader``'s name."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        kind = config.get("peft_type")
        float(config["lora_alpha"]), int(config["r"])
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not the configuration of a LoRA adapter ({error!r})") from error
    if kind != "LORA":
        raise ConfigError(f"{path}: peft_type is {kind!r}; {reader} applies only 'LORA'")
    if (start := config.get("init_lora_weights", True)) not in _PLAIN_STARTS:
        raise ConfigError(
            f"{path}: init_lora_weights is {start!r}, which changes the base too. "
            "Save the adapter with path_initial_model_for_weight_conversion, or merge it."
        )
    for key, value in config.items():
        idle = not value or (key == "bias" and value == "none") or key == "init_lora_weights"
        if key not in _HARMLESS and not idle:
            raise ConfigError(f"{path}: {key} is {value!r}, which {refusal}")
    return config  # type: ignore[no-any-return]


def _sides(path: Path) -> Mapping[str, tuple[Matrix, Matrix]]:
    """A and B of every module, as the safetensors at ``path`` hold them."""
    from safetensors import SafetensorError, deserialize

    try:
        tensors = dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise MissingModel(f"{path}: not a whole safetensors file ({error}). Get it again.") from error
    pairs = lora_pairs(path, tensors)
    return {module: (matrix(path, a, tensors[a]), matrix(path, b, tensors[b])) for module, (a, b) in pairs.items()}


def lora_pairs(path: Path, names: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """The names of A and B of every module among ``names``, those of the tensors in the file at ``path``.

    Raises ConfigError for a tensor that is none of a plain LoRA, MissingModel for a side without the other.
    """
    found: dict[str, dict[str, str]] = {}
    for name in names:
        match = _TENSOR.fullmatch(name)
        if match is None:
            raise ConfigError(f"{path}: the tensor {name} is none of a plain LoRA, and nothing else can be applied")
        found.setdefault(match["module"], {})[match["side"]] = name
    if lonely := sorted(module for module, sides in found.items() if len(sides) < 2):
        raise MissingModel(f"{path}: {lonely[0]} has only one of lora_A and lora_B")
    return {module: (sides["A"], sides["B"]) for module, sides in found.items()}


def matrix(path: Path, name: str, tensor: Mapping[str, Any]) -> Matrix:
    """The bytes ``tensor["data"]`` of a safetensors file as float32 of ``tensor["shape"]``. Raises ConfigError."""
    data, kind = tensor["data"], tensor["dtype"]
    if kind == "BF16":
        # The upper half of a float32, which numpy has no type for.
        values = (np.frombuffer(data, np.dtype("<u2")).astype(np.uint32) << 16).view(np.float32)
    elif kind in ("F16", "F32"):
        values = np.frombuffer(data, np.dtype("<f2" if kind == "F16" else "<f4")).astype(np.float32)
    else:
        raise ConfigError(f"{path}: {name} is of type {kind}, expected BF16, F16 or F32")
    return values.reshape(tensor["shape"])


def _name(adapter: Path, module: str, a: Matrix, b: Matrix, base: _Base) -> str:
    """The name of ``module`` in the base's GGUF, once it is sure that the adapter fits there."""
    name = base.layout.names.get_name(module)
    shape = base.shapes.get(f"{name}.weight")
    if name is None or shape is None:
        raise MissingModel(f"{adapter}: it adapts {module}, which {base.path} does not have")
    if module.endswith("embed_tokens"):
        raise ConfigError(f"{adapter}: it adapts {module}; a GGUF adapter can't hold embeddings from safetensors")
    if a.ndim != 2 or b.ndim != 2 or (b.shape[0], a.shape[1]) != shape or a.shape[0] != b.shape[1]:
        raise MissingModel(
            f"{adapter}: it was made for another base: {module} has A {a.shape} and B {b.shape}, "
            f"but {name}.weight of {base.path} is {shape}"
        )
    return str(name)


def lora_scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """What PEFT multiplies B @ A of ``module`` by: alpha / rank, or alpha / sqrt(rank) with rsLoRA.

    >>> lora_scale({"lora_alpha": 8, "alpha_pattern": {"v_proj": 4}}, "model.layers.0.self_attn.v_proj", 2)
    2.0
    """
    alpha = _pattern(config.get("alpha_pattern") or {}, module, float(config["lora_alpha"]))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _pattern(patterns: Mapping[str, float], module: str, default: float) -> float:
    # As PEFT matches them: a pattern is the end of a module's name, from a dot on, and may be a regular expression.
    hits = (value for key, value in patterns.items() if re.match(rf"(.*\.)?({key})$", module))
    return float(next(hits, default))


def permuted(rows: Matrix, heads: int) -> Matrix:
    """Rows (out, rank) in llama.cpp's order: it turns neighbours, transformers turns the halves of a head.

    As ``LlamaModel.permute`` of llama.cpp's converter does with the base.
    """
    out, rank = rows.shape
    return np.ascontiguousarray(rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank))


def _write(lora: _Lora, target: Path) -> None:
    from gguf import GGUFWriter

    with atomically(target) as unfinished:
        writer = GGUFWriter(unfinished, lora.architecture)
        writer.add_string("general.type", "adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", lora.alpha)
        for tensor, (a, b) in lora.pairs.items():
            writer.add_tensor(f"{tensor}.lora_a", np.ascontiguousarray(a))
            writer.add_tensor(f"{tensor}.lora_b", np.ascontiguousarray(b))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
