"""What a PEFT adapter makes of each tensor of a base, and which of them it changes in a way that is not known here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evalkit.errors import MissingModel
from evalkit.models.weights.lora import lora_config, lora_scale, mistaken_scales, more_than_lora
from evalkit.models.weights.merge_base import Base
from evalkit.models.weights.merge_sums import sums_of
from evalkit.models.weights.merge_update import Change, Expected, Floats, LowRank, Mistake, computed, padded, with_rows
from evalkit.models.weights.tensors import FLOATS, Tensor, coarsest, open_safetensors

_FOLLOWED = {
    "bias", "fan_in_fan_out", "lora_bias", "modules_to_save", "target_parameters", "trainable_token_indices",
    "use_dora",
}  # fmt: skip
"""Keys of adapter_config.json beyond plain LoRA that are followed here."""

_PART = re.compile(
    r"(?P<module>.+?)(?:\.base_layer)*\.(?P<part>lora_[AB]|lora_B(?=(?:\.default)?\.bias$)|lora_embedding_[AB]|"
    r"lora_magnitude_vector|token_adapter\.trainable_tokens_delta)(?:\.default)?(?P<end>\.weight|\.bias)?"
)
_COPY = re.compile(r"(?P<module>.+?)(?P<wrapped>\.base_layer)?\.(?P<kind>weight|bias)")

_SIDES = {"lora_A": "lora_B", "lora_embedding_A": "lora_embedding_B"}
_BIAS, _LENGTHS, _ROWS = "lora_B.bias", "lora_magnitude_vector", "token_adapter.trainable_tokens_delta"


class Adapter:
    """The PEFT folder ``path`` for ``base``; ``not_judged`` has the tensors that can't be computed, each with why.

    Raises MissingModel where its weights are missing or it is for another base, ConfigError where it is no LoRA.
    """

    def __init__(self, path: Path, base: Base) -> None:
        self.path, self.base = path, base
        self.config = lora_config(path / "adapter_config.json", "merge-check")
        self.not_judged: dict[str, str] = {}
        self._parts: dict[str, dict[str, Tensor]] = {}
        self._copies: dict[str, Tensor] = {}
        self._rounded: set[str] = set()
        file = path / "adapter_model.safetensors"
        tensors = open_safetensors(file)
        if not tensors:
            raise MissingModel(f"{file}: it holds no tensor, so there is nothing to look for")
        for name, tensor in sorted(tensors.items()):
            self._read(name.removeprefix("base_model.model."), tensor)
        for module, parts in self._parts.items():
            if why := self._unknown(module, parts):
                places = self._places(module) + ([f"{module}.bias"] if _BIAS in parts else [])
                self.not_judged |= dict.fromkeys(places, why)
        self._turned = bool(self.config.get("fan_in_fan_out")) or any(self._fits_turned_only(m) for m in self._parts)

    @property
    def names(self) -> list[str]:
        """The tensors that it changes or may change, as the base calls them."""
        weights = [name for module in self._parts if self.base.get(name := f"{module}.weight") is not None]
        biases = [f"{module}.bias" for module, parts in self._parts.items() if _BIAS in parts]
        tied = [other for name in weights if (other := self.base.partner(name)) and self._rows(other)]
        return list(dict.fromkeys([*weights, *biases, *tied, *self._copies]))

    def expected(self, name: str) -> Expected | None:
        """What it makes of the base's tensor ``name``; None where it leaves it as it is."""
        before, copy = self.base.get(name), self._copies.get(name)
        module, _, kind = name.rpartition(".")
        parts = self._parts.get(module, {})
        start = before if copy is None else copy
        if start is None or (name in self.not_judged):
            return None
        if copy is not None and before is not None and copy.shape[1:] != before.shape[1:]:
            raise self._misfit(name, f"its copy of {name} is {copy.shape}", before)
        if kind == "weight" and parts.keys() & _SIDES:
            return self._low_rank(module, parts, start, before)
        if kind == "bias" and _BIAS in parts:
            rank = parts["lora_A"].shape[0]
            added = lora_scale(self.config, module, rank) * _floats(parts[_BIAS])
            if added.shape != start.shape:
                raise self._misfit(name, f"the bias of its lora_B is {added.shape}", start)

            def add(tensor: Tensor) -> Tensor:
                return computed(tensor.shape, lambda first, stop: tensor.rows(first, stop) + added[first:stop])

            return Expected(name, "lora", start, add, rank)
        label = module if kind == "weight" else name
        if change := self._rows(name):
            return Expected(label, "tokens", start, change)
        if copy is None or name in self._rounded:
            return None
        return Expected(label, "copy", padded(before, copy.shape), lambda _: copy)

    def _read(self, name: str, tensor: Tensor) -> None:
        part, copy = _PART.fullmatch(name), _COPY.fullmatch(name)
        if tensor.kind in FLOATS and part is not None:
            called = _BIAS if part["end"] == ".bias" else part["part"]
            self._parts.setdefault(part["module"], {})[called] = tensor
            return
        if tensor.kind in FLOATS and copy is not None and ".lora_" not in name:
            own = f"{copy['module']}.{copy['kind']}"
            saved = self.config.get("modules_to_save") or ()
            whole = any(f".{module}." in f".{own}" for module in saved)
            if whole or self.base.get(own) is not None:
                self._keep(own, tensor)
                # What was no module of its own is loaded into the one tensor that both names mean.
                apart = whole and copy["wrapped"] is None
                if not apart and (other := self.base.partner(own)) and other not in self._copies:
                    self._keep(other, tensor)
                return
        of = "" if tensor.kind in FLOATS else f" of type {tensor.kind}"
        why = f"merge-check can't follow the adapter's tensor {name}{of}"
        self.not_judged |= dict.fromkeys(self._places(name.partition(".lora_")[0]), why)

    def _keep(self, name: str, copy: Tensor) -> None:
        """Keeps a copy, unless it says nothing because it is the base's tensor."""
        before = self.base.get(name)
        if before is None or before.shape != copy.shape:
            self._copies[name] = copy
            return
        sums = sums_of(before, copy, coarsest(copy))
        if sums.dd != 0:
            self._copies[name] = copy
        if not sums.changed:
            self._rounded.add(name)

    def _unknown(self, module: str, parts: Mapping[str, Tensor]) -> str | None:
        """Why it can't be computed what the adapter makes of ``module``; None where it can."""
        for side, other in _SIDES.items():
            if (side in parts) != (other in parts):
                raise MissingModel(f"{self.path}: {module} has only one of lora_A and lora_B")
        for key, value in more_than_lora(self.config).items():
            if key not in _FOLLOWED:
                return f"{key} is {value!r}, which merge-check can't follow"
        for name, tensor in parts.items():
            if name.startswith("lora_") and name not in (_BIAS, _LENGTHS) and len(tensor.shape) != 2:
                return f"its {name} has {len(tensor.shape)} dimensions"
        if _ROWS in parts and (len(parts) > 1 or self._token_ids(module) is None):
            return "trainable_token_indices does not say which rows alone the adapter replaces"
        if _BIAS in parts and "lora_A" not in parts:
            return "its lora_B has a bias alone"
        if (_LENGTHS in parts) != bool(self.config.get("use_dora") and parts.keys() & _SIDES):
            held = "a" if _LENGTHS in parts else "no"
            return f"use_dora is {self.config.get('use_dora')!r}, and the adapter has {held} magnitude of it"
        if self.base.get(f"{module}.weight") is None and f"{module}.weight" not in self._copies:
            if self.config.get("target_parameters") and self._places(module) != [module]:
                return "merge-check can't follow target_parameters of more than one matrix"
            raise MissingModel(f"{self.path}: it adapts {module}, which {self.base.weights.path} does not have")
        return None

    def _places(self, module: str) -> list[str]:
        """The base's tensors that ``module`` means."""
        if self.base.get(f"{module}.weight") is not None:
            return [f"{module}.weight"]
        ends = tuple(self.config.get("target_parameters") or ("",))
        return [
            name for name in self.base.weights.tensors if name.startswith(f"{module}.") and name.endswith(ends)
        ] or [module]

    def _low_rank(self, module: str, parts: Mapping[str, Tensor], start: Tensor, before: Tensor | None) -> Expected:
        name, embedding = f"{module}.weight", "lora_embedding_A" in parts
        side = "lora_embedding_A" if embedding else "lora_A"
        a, b = _floats(parts[side]), _floats(parts[_SIDES[side]])
        turned = embedding or (self._turned and a.shape[1:] + b.shape[:1] == start.shape)
        by_row, by_column = (b, a) if not turned else (a.T, b.T)
        if (by_row.shape[0], by_column.shape[1]) != start.shape or a.shape[0] != b.shape[1]:
            raise self._misfit(name, f"{module} has A {a.shape} and B {b.shape}", start)
        lengths = _floats(parts[_LENGTHS]) if _LENGTHS in parts else None
        if lengths is not None and lengths.shape != (start.shape[turned],):
            raise self._misfit(name, f"its lora_magnitude_vector of {module} is {lengths.shape}", start)
        rank = a.shape[0]
        lora = LowRank(by_row, by_column, lora_scale(self.config, module, rank), lengths, turned)
        mistakes = lora.mistakes(start, list(mistaken_scales(self.config, module, rank).values()))
        if before is not None and start is not before and before.shape == start.shape:
            mistakes += (Mistake("merged" if name in self._rounded else "uncopied", 1.0, lambda: lora.on(before)),)
        if lengths is None:
            return Expected(module, "lora", start, lora.on, rank, mistakes=mistakes)
        return Expected(module, "dora", start, lora.on, rank, len(lengths), mistakes)

    def _fits_turned_only(self, module: str) -> bool:
        tensor, parts = self.base.get(f"{module}.weight"), self._parts[module]
        if tensor is None or "lora_A" not in parts:
            return False
        wide, high = parts["lora_A"].shape[1:], parts["lora_B"].shape[:1]
        return wide + high == tensor.shape != high + wide

    def _rows(self, name: str) -> Change | None:
        """The change of single rows, where tokens were trained; those of tied embeddings are the head's as well."""
        module = name.removesuffix(".weight")
        if _ROWS not in self._parts.get(module, {}):
            if self.base.partner(name) != self.base.embedding:
                return None
            module = self.base.embedding.removesuffix(".weight")
        tensor, places = self._parts.get(module, {}).get(_ROWS), self._token_ids(module)
        if tensor is None or places is None:
            return None
        rows = _floats(tensor)
        return lambda start: with_rows(start, places, rows)

    def _token_ids(self, module: str) -> list[int] | None:
        stated = self.config.get("trainable_token_indices")
        if isinstance(stated, Mapping):
            stated = next((ids for end, ids in stated.items() if f".{module}".endswith(f".{end}")), None)
        return stated if isinstance(stated, list) else None

    def _misfit(self, name: str, what: str, tensor: Tensor) -> MissingModel:
        of = self.base.weights.path
        return MissingModel(f"{self.path}: it was made for another base: {what}, but {name} of {of} is {tensor.shape}")


def _floats(tensor: Tensor) -> Floats:
    return tensor.whole().astype(np.float64)
