"""How a GGUF keeps a model's tensors: their names, and the order of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

PERMUTED = {"llama": True, "qwen2": False, "qwen3": False}
"""The architectures that can be written, and whether llama.cpp keeps the rows of their q and k in its own order."""


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

        architecture = next(key for key, name in MODEL_ARCH_NAMES.items() if name == self.architecture)
        return get_tensor_name_map(architecture, self.layers)

    def turned(self, name: str) -> int:
        """How many heads the rows of the file's tensor ``name`` (without ``.weight``) are turned by; 0 for none."""
        heads = {"attn_q": self.heads, "attn_k": self.key_heads}.get(name.rpartition(".")[2], 0)
        return heads if PERMUTED[self.architecture] else 0


def architecture_of(reader: Any) -> str:
    """What the GGUF of gguf's ``reader`` says that it is."""
    field = reader.get_field("general.architecture")
    return str(None if field is None else field.contents())


def permuted(rows: Matrix, heads: int) -> Matrix:
    """Rows (out, rank) in llama.cpp's order: it turns neighbours, transformers turns the halves of a head.

    As ``LlamaModel.permute`` of llama.cpp's converter does with the base.
    """
    out, rank = rows.shape
    return np.ascontiguousarray(rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank))
