"""What a merged model was made from, by what the aliases of pyproject.toml state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalkit.models.backend import Spec, path_from
from evalkit.models.config import Config

_FILES = ("hf", "gguf")
"""Schemes whose model is a file or a folder here, so that its weights can be looked at."""


@dataclass(frozen=True, slots=True)
class Parents:
    """The folder of the base, that of the adapter, and the merged weights (a folder or a .gguf)."""

    base: Path
    adapter: Path
    merged: Path


def parents_of(config: Config, name: str, task: str) -> Parents | None:
    """What the alias ``name`` is said to be a merge of, for ``task``; None where nothing says so.

    A model without an adapter whose nearest ancestor with one is ``hf:BASE+ADAPTER`` (or ``gguf:``, where BASE is
    registered with ``hf`` too) is that base with that adapter merged in. Raises UnknownName for an unknown alias.
    """
    alias = config.alias(name)
    merged = Spec.parse(alias.spec_for(task))
    if merged.scheme not in _FILES or merged.adapter:
        return None
    seen = {name}
    while alias.parent is not None and alias.parent not in seen:
        seen.add(alias.parent)
        alias = config.alias(alias.parent)
        spec = Spec.parse(alias.spec_for(task))
        if spec.adapter and spec.scheme in _FILES:
            registered = config.models.get(spec.model, {})
            if spec.scheme == "gguf" and "hf" not in registered:
                return None  # a .gguf is no base that a merge can be held against
            places = (registered.get("hf", spec.model), spec.adapter, merged.model)
            return Parents(*(path_from(config.root, place) for place in places))
    return None
