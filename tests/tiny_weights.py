"""Weights, adapters and merges of a few kilobytes, right and wrong ones, in every file type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.models.weights.merge_check import MergeReport, check_merge
from evalkit.models.weights.tensors import open_safetensors, rounded

HIDDEN, KEYS, WIDE, RANK = 64, 32, 128, 4
SHAPES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEYS, HIDDEN),
    "self_attn.v_proj": (KEYS, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.up_proj": (WIDE, HIDDEN),
    "mlp.down_proj": (HIDDEN, WIDE),
}
ADAPTED = ("self_attn.q_proj", "self_attn.k_proj", "mlp.up_proj", "mlp.down_proj")
EMBEDDING, HEAD, NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
NF4 = np.array([
    -1.0, -0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.0910500, 0.0, 0.0795803, 0.1609302, 0.2461123,
    0.3379152, 0.4407098, 0.5626170, 0.7229568, 1.0,
])  # fmt: skip

Weights = dict[str, np.ndarray]


def weights(seed: int = 0, layers: int = 3) -> Weights:
    """The weights of a base, in float32, drawn as training leaves them."""
    random = np.random.default_rng(seed)
    found = {EMBEDDING: random.normal(0, 0.05, (96, HIDDEN)), NORM: random.normal(1, 0.1, HIDDEN)}
    for layer in range(layers):
        found[f"model.layers.{layer}.input_layernorm.weight"] = random.normal(1, 0.1, HIDDEN)
        for name, shape in SHAPES.items():
            found[f"model.layers.{layer}.{name}.weight"] = random.normal(0, 0.05, shape)
    return {name: value.astype(np.float32) for name, value in found.items()}


def bf16(values: np.ndarray) -> np.ndarray:
    return rounded(values, "BF16")


def save(
    path: Path, tensors: Mapping[str, np.ndarray], kind: str = "F32", metadata: Mapping[str, Any] | None = None
) -> None:
    """A safetensors file with every float tensor stored as ``kind``; BF16 is written by hand, as numpy has none."""
    entries, body = dict(metadata or {}), b""
    for name, values in tensors.items():
        own = kind if values.dtype == np.float32 else {"uint8": "U8", "int64": "I64"}[str(values.dtype)]
        if own == "BF16":
            data = (bf16(values).view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            data = (values.astype(np.float16) if own == "F16" else values).tobytes()
        entries[name] = {"dtype": own, "shape": values.shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    header = json.dumps(entries).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + body)


def folder(path: Path, tensors: Mapping[str, np.ndarray], kind: str = "F32", **config: Any) -> Path:
    path.mkdir(parents=True)
    save(path / "model.safetensors", tensors, kind)
    (path / "config.json").write_text(json.dumps({"tie_word_embeddings": True} | config))
    return path


class Place:
    """A base, an adapter with its updates U by the name of the weight, and what may be made of them."""

    def __init__(self, root: Path, layers: int = 3, **config: Any) -> None:
        self.root, self.before = root, weights(layers=layers)
        self.adapter = root / "adapter"
        self.adapt(layers, **config)
        self.base = folder(root / "base", self.before)

    def adapt(self, layers: int = 3, size: float = 0.02, ranks: Mapping[str, int] | None = None, **config: Any) -> None:
        random = np.random.default_rng(1)
        self.products = {}
        sides: dict[str, np.ndarray] = {}
        for layer in range(layers):
            for name in ADAPTED:
                out, width = SHAPES[name]
                rank = (ranks or {}).get(name, RANK)
                a = random.normal(0, size, (rank, width)).astype(np.float32)
                b = random.normal(0, size, (out, rank)).astype(np.float32)
                module = f"model.layers.{layer}.{name}"
                sides |= {f"base_model.model.{module}.lora_{side}.weight": x for side, x in (("A", a), ("B", b))}
                self.products[f"{module}.weight"] = b.astype(np.float64) @ a
        self.adapter.mkdir(parents=True, exist_ok=True)
        save(self.adapter / "adapter_model.safetensors", sides)
        stated = {"peft_type": "LORA", "r": RANK, "lora_alpha": 12} | config
        (self.adapter / "adapter_config.json").write_text(json.dumps(stated))

    def add(self, name: str) -> None:
        """Gives the adapter one tensor more, of ones."""
        file = self.adapter / "adapter_model.safetensors"
        sides = {name: tensor.whole() for name, tensor in open_safetensors(file).items()}
        save(file, {**sides, f"base_model.model.{name}": np.ones((4, 4), np.float32)})

    def plus(self, scale: float | Callable[[str], float] = 3.0) -> Weights:
        """The base with ``scale`` times B @ A on every adapted weight; 3 (12 / 4) is right."""
        made = dict(self.before)
        for name, product in self.products.items():
            factor = scale(name) if callable(scale) else scale
            made[name] = (made[name] + factor * product).astype(np.float32)
        return made

    def check(self, tensors: Mapping[str, np.ndarray], kind: str = "F32", **config: Any) -> MergeReport:
        return check_merge(self.base, self.adapter, folder(self.root / "merged", tensors, kind, **config))


def nf4(values: np.ndarray, block: int = 64) -> np.ndarray:
    """To 4 bits and back, as bitsandbytes does it: 16 levels of each block's largest absolute value."""
    blocks = values.reshape(-1, block)
    tops = np.abs(blocks).max(axis=1, keepdims=True)
    nearest = np.abs((blocks / tops)[..., None] - NF4).argmin(axis=-1)
    restored: np.ndarray = (NF4[nearest] * tops).reshape(values.shape).astype(np.float32)
    return restored


def write_gguf(path: Path, tensors: Mapping[str, np.ndarray], kind: str, architecture: str = "llama") -> Path:
    """What llama.cpp's converter writes: matrices as ``kind``, q and k with neighbours turned, norms in float32."""
    from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, get_tensor_name_map
    from gguf.quants import quantize

    writer = GGUFWriter(path, architecture)
    writer.add_block_count(3)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, 3)
    for name, values in tensors.items():
        if architecture == "llama" and (heads := 4 if "q_proj" in name else 2 if "k_proj" in name else 0):
            out, width = values.shape
            values = values.reshape(heads, 2, out // heads // 2, width).swapaxes(1, 2).reshape(out, width)
        own = GGMLQuantizationType[kind if values.ndim == 2 else "F32"]
        data = quantize(np.ascontiguousarray(values), own)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), data, raw_dtype=own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
