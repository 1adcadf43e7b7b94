"""Is an adapter really in a merged model? Told from the weights alone, without running the model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit._internal.counts import counted
from evalkit.errors import MissingModel
from evalkit.models.weights.lora import lora_config, lora_pairs, lora_scale
from evalkit.models.weights.merge_rules import MergeFinding, findings
from evalkit.models.weights.merge_stats import HEAD, Compared, Layer, Other, Pair
from evalkit.models.weights.tensors import open_safetensors, open_weights


@dataclass(frozen=True, slots=True)
class MergeReport:
    """All that was found, the most serious first. ``survived`` is c over all layers, None where no U differs from 0.

    The outcomes: whole; or of shapes, missing_tensors, left_adapter_tensors, not_finite, another_base,
    quantized_weights, not_merged, layers_left_out, merged_twice, wrong_scale, moved_otherwise, tied_embedding and
    lost_to_rounding. ``asdict`` makes JSON of it.
    """

    base: str
    adapter: str
    merged: str
    whole: bool
    survived: float | None
    findings: tuple[MergeFinding, ...]
    layers: tuple[Layer, ...]
    others: tuple[Other, ...]

    def sentence(self) -> str:
        """The verdict in one line for each finding."""
        return "\n".join(f"{finding.outcome}: {finding.sentence}" for finding in self.findings)

    def __repr__(self) -> str:
        return f"{self.merged}: {self.sentence()}"


def check_merge(base: Path, adapter: Path, merged: Path) -> MergeReport:
    """Holds ``merged`` against ``base`` plus the PEFT LoRA ``adapter``, tensor by tensor.

    ``base`` is a folder of safetensors, ``merged`` one too or a .gguf (F32, F16, BF16, Q8_0; llama, qwen2, qwen3).
    Memory: the files are mapped and read by runs of rows, about 10 MB of float64 at once, and beside that one
    layer's A and B; so at most a few times the largest tensor, however many there are. Raises MissingModel where a
    file is missing or the adapter is for another base, ConfigError for a kind of adapter or of weights that can't be
    compared.

    >>> check_merge(Path("base"), Path("none"), Path("merged"))
    Traceback (most recent call last):
    evalkit.errors.MissingModel: none/adapter_config.json: there is no such file
    """
    if not (adapter / "adapter_config.json").is_file():
        raise MissingModel(f"{adapter / 'adapter_config.json'}: there is no such file")
    config = lora_config(
        adapter / "adapter_config.json", "merge-check", "merge-check can't follow. Compare the answers of both instead."
    )
    file = adapter / "adapter_model.safetensors"
    sides = open_safetensors(file)
    if not (pairs := lora_pairs(file, sides)):
        raise MissingModel(f"{file}: it holds no tensor, so there is nothing to look for")
    check = Compared(open_weights(base), open_weights(merged), config)
    heads = {HEAD} if check.tied_base and ("lm_head" in pairs or check.after.get(HEAD)) else set()
    names = [*check.before.tensors, *sorted(heads)]
    if lacking := sorted(module for module in pairs if f"{module}.weight" not in names):
        raise MissingModel(f"{adapter}: it adapts {lacking[0]}, which {base} does not have")
    for name in names:
        pair = None
        if (module := name.removesuffix(".weight")) in pairs:
            a, b = (sides[side].whole().astype(np.float64) for side in pairs[module])
            shape = check.source(name).shape
            if a.ndim != 2 or b.ndim != 2 or (b.shape[0], a.shape[1]) != shape or a.shape[0] != b.shape[1]:
                raise MissingModel(
                    f"{adapter}: it was made for another base: {module} has A {a.shape} and B {b.shape}, "
                    f"but {name} of {base} is {shape}"
                )
            pair = Pair(module, a, b, lora_scale(config, module, a.shape[0]))
        check.compare(name, pair)
    problems = findings(check)
    return MergeReport(
        base=str(base),
        adapter=str(adapter),
        merged=str(merged),
        whole=not problems,
        survived=check.survived(),
        findings=problems or (MergeFinding("whole", _praise(check)),),
        layers=tuple(check.layers),
        others=tuple(check.others),
    )


def _praise(check: Compared) -> str:
    if (share := check.survived()) is None:
        return "the adapter's update is 0 in every layer, and the merged weights are the base's."
    sums = check.sums.values()
    noise = math.sqrt(math.fsum(item.ee for item in sums) / math.fsum(item.uu for item in sums))
    kinds = "/".join(sorted({layer.kind for layer in check.layers}))
    takes = f"; rounding to {kinds} adds an error of {noise:.2g} times the update" if noise > 0.01 else ""
    return f"the update is in all {counted(len(check.layers), 'layer')} ({share:.1%} of it survives){takes}."
