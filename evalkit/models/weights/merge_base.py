"""The base of a merge: its tensors, and what its head and its embeddings are to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.models.weights.tensors import Tensor, Weights

HEAD = "lm_head.weight"
EMBEDDINGS = ("embed_tokens.weight", "wte.weight")


@dataclass(frozen=True, slots=True)
class Base:
    """``embedding`` is the name of the input embeddings, or empty."""

    weights: Weights
    embedding: str

    @classmethod
    def of(cls, weights: Weights) -> Base:
        return cls(weights, next((name for name in weights.tensors if name.endswith(EMBEDDINGS)), ""))

    @property
    def tied(self) -> bool:
        """Whether the head is the embeddings."""
        return bool(self.embedding) and HEAD not in self.weights.tensors

    def get(self, name: str) -> Tensor | None:
        """The tensor ``name``, or None; a tied head is the embeddings."""
        return self.weights.tensors.get(self.embedding if name == HEAD and self.tied else name)

    def partner(self, name: str) -> str | None:
        """The other name of a tied tensor; None for any other tensor."""
        pair = {self.embedding: HEAD, HEAD: self.embedding}
        return pair.get(name) if self.tied else None

    def ties(self, merged: Weights) -> bool:
        """Whether ``merged`` has no head of its own, so that its embeddings are loaded for it."""
        if merged.get(HEAD) is not None or merged.get(self.embedding) is None:
            return False
        stated: Mapping[str, Any] = {"tie_word_embeddings": self.tied, **self.weights.config, **merged.config}
        # llama.cpp ties where a GGUF has no head, whatever a config says.
        return bool(stated["tie_word_embeddings"]) or merged.path.suffix == ".gguf"
