"""Writes a PEFT LoRA adapter (safetensors) as the GGUF that llama.cpp loads beside its base. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from evalkit._internal.files import atomically, file_digest
from evalkit.errors import ConfigError, MissingModel
from evalkit.models.weights.gguf_layout import PERMUTED, Layout, Matrix, architecture_of, permuted
from evalkit.models.weights.lora import lora_pairs, lora_scale, plain_lora_config
from evalkit.models.weights.tensors import matrix, open_safetensors


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


def check_gguf_adapter(adapter: Path) -> Mapping[str, Any]:
    """The configuration of the PEFT folder ``adapter``, once it is sure that a GGUF adapter can hold what is in it.

    Reads no more than the names of its tensors. Raises MissingModel for a torn or missing file, ConfigError with all
    that can't be held.
    """
    config = adapter / "adapter_config.json"
    if not config.is_file():
        raise MissingModel(f"{config}: there is no such file")
    return plain_lora_config(config, open_safetensors(adapter / "adapter_model.safetensors"))


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
    config = check_gguf_adapter(adapter)
    sides = _sides(adapter / "adapter_model.safetensors")
    base = _Base.read(base_gguf, base_digest)
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    rooted = bool(config.get("use_rslora"))
    # llama.cpp divides one alpha by each pair's rank; 0 would mean "no scaling" to it.
    written = (alpha * math.sqrt(rank) if rooted else alpha) or 1.0
    pairs = {}
    for module, (a, b) in sorted(sides.items()):
        name = _name(adapter, module, a, b, base)
        pair_rank = a.shape[0]
        factor = lora_scale(config, module, pair_rank) * pair_rank / written
        scaled = b if math.isclose(factor, 1.0, rel_tol=1e-12) else (b * np.float32(factor)).astype(np.float32)
        if heads := base.layout.turned(name):
            scaled = permuted(scaled, heads)
        pairs[f"{name}.weight"] = a, scaled
    return _Lora(base.layout.architecture, written, pairs)


def _sides(path: Path) -> Mapping[str, tuple[Matrix, Matrix]]:
    """A and B of every module, as the safetensors at ``path`` hold them."""
    from safetensors import SafetensorError, deserialize

    try:
        tensors = dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise MissingModel(f"{path}: not a whole safetensors file ({error}). Get it again.") from error
    pairs = lora_pairs(path, tensors)
    return {module: (matrix(path, a, tensors[a]), matrix(path, b, tensors[b])) for module, (a, b) in pairs.items()}


def _name(adapter: Path, module: str, a: Matrix, b: Matrix, base: _Base) -> str:
    """The name of ``module`` in the base's GGUF, once it is sure that the adapter fits there."""
    name = base.layout.names.get_name(module)
    shape = base.shapes.get(f"{name}.weight")
    if name is None or shape is None:
        tied = module == "lm_head" and "output.weight" not in base.shapes
        merge = ": its embedding is the head too. Merge the adapter and convert that" if tied else ""
        raise MissingModel(f"{adapter}: it adapts {module}, which {base.path} does not have{merge}")
    if module.endswith("embed_tokens"):
        raise ConfigError(
            f"{adapter}: it adapts {module}; a GGUF adapter can't hold embeddings from safetensors. "
            "Merge the adapter and convert that"
        )
    if a.ndim != 2 or b.ndim != 2 or (b.shape[0], a.shape[1]) != shape or a.shape[0] != b.shape[1]:
        raise MissingModel(
            f"{adapter}: it was made for another base: {module} has A {a.shape} and B {b.shape}, "
            f"but {name}.weight of {base.path} is {shape}"
        )
    return str(name)


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
