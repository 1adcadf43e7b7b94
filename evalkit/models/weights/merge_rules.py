"""What went wrong with a merge, by name: rules over what the tensors say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from evalkit._internal.counts import counted, verb
from evalkit.models.weights.lora import lora_scale, mistaken_scales
from evalkit.models.weights.merge_finding import MergeFinding, compact
from evalkit.models.weights.merge_stats import Compared, Layer
from evalkit.models.weights.merge_sums import Sums
from evalkit.models.weights.merge_tied import tied

_LEAST = 0.9
"""The least share of an update that may survive in a layer that is called whole, the noise of c aside."""


def _misshapen(check: Compared) -> Iterator[MergeFinding]:
    if left := [name for name in check.after.tensors if ".lora_" in name or ".base_layer." in name]:
        what = f"the folder still holds {counted(len(left), 'tensor')} of an unmerged adapter ({left[0]})"
        yield MergeFinding("left_adapter_tensors", f"{what}; save what merge_and_unload() returns.", tuple(left))
    if gone := check.missing:
        what = f"{counted(len(gone), 'tensor')} of the base {verb(len(gone), 'is', 'are')} missing: {compact(gone)}."
        yield MergeFinding("missing_tensors", what, tuple(gone))
    if check.shapes:
        more = f", and {len(check.shapes) - 3} more" if len(check.shapes) > 3 else ""
        count = counted(len(check.shapes), "tensor", ("has", "have"))
        what = f"{count} another shape: {'; '.join(check.shapes[:3])}{more}."
        yield MergeFinding("shapes", what, tuple(text.partition(" ")[0] for text in check.shapes))
    if check.broken:
        count = counted(len(check.broken), "tensor", ("holds", "hold"))
        what = f"{count} values that are no finite numbers: {compact(check.broken)}."
        yield MergeFinding("not_finite", what, tuple(check.broken))


def _other_base(check: Compared) -> Iterator[MergeFinding]:
    if not check.other_base():
        return
    changed = check.changed()
    worst = max(changed, key=lambda other: other.difference or 0.0)
    by = "which is 0 in the base" if worst.difference is None else f"by {worst.difference:.2g} of its size"
    moved = check.state("moved")
    hides = f" So {counted(len(moved), 'layer')} with an adapter moved by more than the update." if moved else ""
    yield MergeFinding(
        "another_base",
        f"{len(changed)} of {counted(len(check.others), 'tensor')} that no adapter touches "
        f"{verb(len(changed), 'differs', 'differ')} from the base, the most {worst.name} "
        f"({by}): it was merged into another base.{hides}",
        tuple(other.name for other in changed),
    )


def _quantized(check: Compared) -> Iterator[MergeFinding]:
    places = [where for name, (where, _) in check.levels.items() if name in check.sums]
    # Without an adapter both look the same: such a tensor goes with the layers that have one.
    plain = "before" if places and "after" not in places else "after"
    for place in ("after", "before"):
        blocks_of = {
            name: block
            for name, (where, block) in check.levels.items()
            if place == (where if name in check.sums else plain)
        }
        if not blocks_of:
            continue
        survives, share = "", check.survived(blocks_of)
        if share is not None:
            sums = [check.sums[name] for name in blocks_of if name in check.sums]
            error = math.sqrt(math.fsum(item.rr for item in sums) / math.fsum(item.uu for item in sums))
            survives = f"; {share:.0%} of the update survives, under an error of {error:.2g} times the update"
        blocks = "/".join(map(str, sorted(set(blocks_of.values()))))
        what = "merged into weights that had been quantized before: without U,"
        if place == "after":
            what = "merged into quantized weights:"
        sentence = (
            f"{compact(blocks_of)}: {what} at most 16 levels in each block of {blocks}{survives}. Use the float base."
        )
        yield MergeFinding("quantized_weights", sentence, tuple(blocks_of))


def _lost(check: Compared) -> Iterator[MergeFinding]:
    lost = [layer.name for layer in check.state("lost")]
    real = [layer for layer in check.layers if layer.survived is not None]
    if lost and len(lost) == len(real):
        where = "the only layer" if len(lost) == 1 else f"any of the {len(lost)} layers"
        what = f"none of the update is in {where}: M is the base."
        yield MergeFinding("not_merged", what, tuple(lost))
    elif lost:
        what = f"the update is missing in {len(lost)} of {counted(len(real), 'layer')}: {compact(lost)}."
        yield MergeFinding("layers_left_out", what, tuple(lost))


def _scaled(check: Compared) -> Iterator[MergeFinding]:
    twice, scaled = check.state("twice"), check.state("scaled")
    if twice:
        # Of twice and another scale only one can be true, unless all layers agree.
        causes = _causes(check, [*twice, *scaled])
        also = f" (or scaled otherwise: {causes})" if causes else ""
        what = f"the update is there twice in {_where(check, twice)}{also}."
        yield MergeFinding("merged_twice", what, tuple(layer.name for layer in twice))
    if scaled:
        shares = [check.share(layer) for layer in scaled]
        k = median(shares)
        same = all(abs(share / k - 1) <= 0.05 for share in shares) if k else False
        size = f"{k:.3g} times" if same else f"{min(shares):.3g} to {max(shares):.3g} times"
        causes = _causes(check, scaled) or "no known confusion of alpha and r gives that"
        what = f"the update is there {size} in {_where(check, scaled)}: {causes}."
        yield MergeFinding("wrong_scale", what, tuple(layer.name for layer in scaled))


def _causes(check: Compared, layers: Sequence[Layer]) -> str:
    """Which confusions of the scale give the share of every one of ``layers``, in words."""
    if not layers or not all(layer.name in check.ranks for layer in layers):
        return ""
    fits: list[set[str]] = []
    for layer in layers:
        module, rank = layer.name.removesuffix(".bias"), check.ranks[layer.name]
        right, slack = lora_scale(check.config, module, rank) or math.nan, check.sums[layer.name].slack
        shares = {words: scale / right for words, scale in mistaken_scales(check.config, module, rank).items()}
        fits.append({words for words, k in shares.items() if abs(check.share(layer) - k) <= slack * max(1.0, abs(k))})
    return " or ".join(words for words in shares if all(words in fit for fit in fits))


def _left_out(check: Compared) -> Iterator[MergeFinding]:
    plain, uncopied = check.state("plain"), check.state("uncopied")
    if plain:
        what = f"merged as a plain LoRA, without lora_magnitude_vector, in {_where(check, plain)}."
        yield MergeFinding("magnitude_left_out", what, tuple(layer.name for layer in plain))
    if uncopied:
        what = (
            f"the update was added to the base's tensor, not to the adapter's copy of it, in {_where(check, uncopied)}."
        )
        yield MergeFinding("copy_left_out", what, tuple(layer.name for layer in uncopied))


def _where(check: Compared, layers: Sequence[Layer]) -> str:
    every = len(layers) == len([layer for layer in check.layers if layer.survived is not None])
    return f"all {counted(len(layers), 'layer')}" if every else compact([layer.name for layer in layers])


def _moved(check: Compared) -> Iterator[MergeFinding]:
    moved = [layer for layer in check.state("moved") if layer.name not in check.levels]
    if not moved or check.other_base():
        return
    shares = [layer.survived for layer in moved if layer.survived is not None]
    span = f" (c from {min(shares):.2g} to {max(shares):.2g})" if shares else ""
    yield MergeFinding(
        "moved_otherwise",
        f"{counted(len(moved), 'layer')} moved by more than rounding explains and not along the update{span}: another "
        f"adapter, a base that was tuned further, or weights quantized in a way that leaves no 4-bit levels: "
        f"{compact([layer.name for layer in moved])}.",
        tuple(layer.name for layer in moved),
    )


def _weak(survived: float | None, sums: Sums) -> bool:
    return survived is not None and survived + sums.slack < _LEAST


def _rounded_away(check: Compared) -> Iterator[MergeFinding]:
    weak = [layer for layer in check.state("merged") if _weak(layer.survived, check.sums[layer.name])]
    if weak:
        share = median([layer.survived or 0.0 for layer in weak])
        yield MergeFinding(
            "lost_to_rounding",
            f"{weak[0].kind} is too coarse for the update in {counted(len(weak), 'layer')}: rounding leaves "
            f"{share:.0%} of it in {compact([layer.name for layer in weak])}. Save in float32.",
            tuple(layer.name for layer in weak),
        )


def findings(check: Compared) -> tuple[MergeFinding, ...]:
    """All that is wrong, the most serious first; empty where the merge is whole."""
    return tuple(finding for rule in _RULES for finding in rule(check))


_RULES: tuple[Callable[[Compared], Iterator[MergeFinding]], ...] = (
    _misshapen, _other_base, _quantized, _lost, _scaled, _left_out, _moved, tied, _rounded_away,
)  # fmt: skip
"""The most serious first."""
