"""Is an adapter really in a merged model? Told from the weights alone, without running the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit._internal.counts import counted
from evalkit.errors import MissingModel
from evalkit.models.weights.merge_adapter import Adapter
from evalkit.models.weights.merge_base import HEAD, Base
from evalkit.models.weights.merge_finding import MergeFinding, compact
from evalkit.models.weights.merge_rules import findings
from evalkit.models.weights.merge_stats import Compared, Layer, Other
from evalkit.models.weights.merge_tied import tear
from evalkit.models.weights.tensors import open_weights


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A tensor that the adapter changes in a way that can't be computed here, and why."""

    tensor: str
    why: str


@dataclass(frozen=True, slots=True)
class MergeReport:
    """All that was found, the most serious first. ``survived`` is c over all layers, None where no U differs from 0.

    The outcomes: whole; or of shapes, missing_tensors, left_adapter_tensors, not_finite, another_base,
    quantized_weights, not_merged, layers_left_out, merged_twice, wrong_scale, magnitude_left_out, copy_left_out,
    moved_otherwise, tied_embedding, lost_to_rounding and not_judged. A merge of which something was not judged is not
    ``whole``: nothing may be wrong with it, but that is not known. ``asdict`` makes JSON of it.
    """

    base: str
    adapter: str
    merged: str
    whole: bool
    survived: float | None
    findings: tuple[MergeFinding, ...]
    layers: tuple[Layer, ...]
    others: tuple[Other, ...]
    not_judged: tuple[NotJudged, ...] = ()

    @property
    def verdict(self) -> str:
        """In a word: whole, NOT WHOLE, or INCONCLUSIVE where nothing is wrong in what could be judged."""
        if self.whole:
            return "whole"
        known = any(finding.outcome != "not_judged" for finding in self.findings)
        return "NOT WHOLE" if known else "INCONCLUSIVE"

    def sentence(self) -> str:
        """The verdict in one line for each finding."""
        return "\n".join(f"{finding.outcome}: {finding.sentence}" for finding in self.findings)

    def __repr__(self) -> str:
        return f"{self.merged}: {self.sentence()}"


def check_merge(base: Path, adapter: Path, merged: Path) -> MergeReport:
    """Holds ``merged`` against ``base`` plus the PEFT LoRA ``adapter``, tensor by tensor.

    Followed are LoRA and DoRA of matrices, heads and embeddings, rsLoRA, trained biases and rows of tokens, modules
    that were saved whole, and the copies of the base's embeddings that PEFT saves. What else an adapter holds is named
    as not judged, and the rest is judged. ``base`` is a folder of safetensors, ``merged`` one too or a .gguf (F32,
    F16, BF16, Q8_0; llama, qwen2, qwen3). Memory: the files are mapped and read by runs of rows, about 10 MB of
    float64 at once, and beside that one layer's A and B; so at most a few times the largest tensor, however many
    there are. Raises MissingModel where a file is missing or the adapter is for another base, ConfigError for a kind
    of adapter or of weights that can't be compared.

    >>> check_merge(Path("base"), Path("none"), Path("merged"))
    Traceback (most recent call last):
    evalkit.errors.MissingModel: none/adapter_config.json: there is no such file
    """
    if not (adapter / "adapter_config.json").is_file():
        raise MissingModel(f"{adapter / 'adapter_config.json'}: there is no such file")
    before = Base.of(open_weights(base))
    tuned = Adapter(adapter, before)
    check = Compared(before, open_weights(merged), tuned.config)
    names = [*before.weights.tensors, *tuned.names]
    if before.tied and (check.after.get(HEAD) or before.embedding in names[len(before.weights.tensors) :]):
        names.append(HEAD)
    for name in dict.fromkeys(names):
        if name not in tuned.not_judged:
            check.compare(name, tuned.expected(name))
    tear(check, tuned)
    problems = findings(check)
    if tuned.not_judged:
        problems += (_not_judged(tuned.not_judged),)
    return MergeReport(
        base=str(base),
        adapter=str(adapter),
        merged=str(merged),
        whole=not problems,
        survived=check.survived(),
        findings=problems or (MergeFinding("whole", _praise(check)),),
        layers=tuple(check.layers),
        others=tuple(check.others),
        not_judged=tuple(NotJudged(name, why) for name, why in tuned.not_judged.items()),
    )


def _not_judged(why_of: Mapping[str, str]) -> MergeFinding:
    of_reason: dict[str, list[str]] = {}
    for name, why in why_of.items():
        of_reason.setdefault(why, []).append(name)
    reasons = "; ".join(f"{compact(names)} ({why})" for why, names in of_reason.items())
    count = counted(len(why_of), "tensor", ("was", "were"))
    return MergeFinding(
        "not_judged", f"{count} not judged, so the merge is not known to be whole: {reasons}.", tuple(why_of)
    )


def _praise(check: Compared) -> str:
    if (share := check.survived()) is None:
        return "the adapter's update is 0 in every layer, and the merged weights are the base's."
    sums = check.sums.values()
    noise = math.sqrt(math.fsum(item.ee for item in sums) / math.fsum(item.uu for item in sums))
    kinds = "/".join(sorted({layer.kind for layer in check.layers}))
    takes = f"; rounding to {kinds} adds an error of {noise:.2g} times the update" if noise > 0.01 else ""
    return f"the update is in all {counted(len(check.layers), 'layer')} ({share:.1%} of it survives){takes}."
