"""What went wrong with a merge, by name: rules over what the tensors say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from evalkit._internal.counts import counted, verb
from evalkit.models.weights.lora import lora_scale
from evalkit.models.weights.merge_stats import HEAD, Compared, Layer, Sums, sums_of
from evalkit.models.weights.tensors import Tensor, coarsest

_LEAST = 0.9
"""The least share of an update that may survive in a layer that is called whole, the noise of c aside."""


@dataclass(frozen=True, slots=True)
class MergeFinding:
    """One named outcome in one plain sentence, and the layers or tensors that it concerns."""

    outcome: str
    sentence: str
    layers: tuple[str, ...] = ()


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
    count = len([layer for layer in check.layers if layer.survived is not None])
    if twice:
        # Of twice and another scale only one can be true, unless all layers agree.
        causes = _causes(check, [*twice, *scaled])
        also = f" (or scaled otherwise: {causes})" if causes else ""
        where = "in all layers" if len(twice) == count else f"in {compact([layer.name for layer in twice])}"
        yield MergeFinding(
            "merged_twice", f"the update is there twice {where}{also}.", tuple(layer.name for layer in twice)
        )
    if scaled:
        shares = [layer.survived for layer in scaled if layer.survived is not None]
        k = median(shares)
        same = all(abs(share / k - 1) <= 0.05 for share in shares) if k else False
        size = f"{k:.3g} times" if same else f"{min(shares):.3g} to {max(shares):.3g} times"
        where = f"all {counted(count, 'layer')}" if len(scaled) == count else compact([layer.name for layer in scaled])
        causes = _causes(check, scaled) or "no known confusion of alpha and r gives that"
        yield MergeFinding(
            "wrong_scale", f"the update is there {size} in {where}: {causes}.", tuple(layer.name for layer in scaled)
        )


def _causes(check: Compared, layers: Sequence[Layer]) -> str:
    """Which confusions of the scale give the c of every one of ``layers``, in words."""
    config = check.config
    rooted = bool(config.get("use_rslora"))
    plain = {key: value for key, value in config.items() if key not in ("alpha_pattern", "rank_pattern")}
    named: dict[str, Callable[[str, int], float]] = {
        "alpha/r instead of alpha/sqrt(r)" if rooted else "alpha/sqrt(r) instead of alpha/r": (
            lambda module, rank: lora_scale({**config, "use_rslora": not rooted}, module, rank)
        ),
        "without alpha and r (a scale of 1)": lambda _module, _rank: 1.0,
        "without alpha (1 instead of it)": (lambda module, rank: lora_scale({**plain, "lora_alpha": 1}, module, rank)),
        "without dividing by r": lambda module, _rank: lora_scale(config, module, 1),
    }
    if config.get("alpha_pattern") or config.get("rank_pattern"):
        named["without alpha_pattern and rank_pattern"] = lambda module, _rank: lora_scale(
            plain, module, int(config["r"])
        )
    fits = []
    for words, scale in named.items():
        wanted = [
            (layer, scale(layer.name, rank) / lora_scale(config, layer.name, rank))
            for layer in layers
            for rank in [check.ranks[layer.name]]
        ]
        if all(
            abs((layer.survived or 0.0) - k) <= check.sums[layer.name].slack * max(1.0, abs(k)) for layer, k in wanted
        ):
            fits.append(words)
    return " or ".join(fits)


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


def _tied(check: Compared) -> Iterator[MergeFinding]:
    changed = [] if check.other_base() else [other.name for other in check.changed()]
    embedding, head = check.after.get(check.embedding), check.after.get(HEAD)
    stated = {"tie_word_embeddings": check.tied_base, **check.before.config, **check.after.config}
    # llama.cpp takes the head that a GGUF has, whatever the embeddings are.
    loaded = stated["tie_word_embeddings"] and check.after.path.suffix != ".gguf"
    if loaded and embedding and head and (embedding.shape != head.shape or _apart(embedding, head)):
        yield MergeFinding(
            "tied_embedding",
            f"config.json ties {HEAD} to {check.embedding}, but they differ: whoever loads it drops one of them.",
            (check.embedding, HEAD),
        )
        return
    if changed:
        why = "no adapter touches them"
        if HEAD.removesuffix(".weight") in check.sums and head is None:
            why = "they are tied to lm_head, whose update the model's input now goes through as well"
        yield MergeFinding("tied_embedding", f"{compact(changed)} differ from the base: {why}.", tuple(changed))


def _apart(embedding: Tensor, head: Tensor) -> bool:
    return sums_of(embedding, head, coarsest(head)).changed


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
    _misshapen, _other_base, _quantized, _lost, _scaled, _moved, _tied, _rounded_away,
)  # fmt: skip
"""The most serious first."""


def compact(names: Iterable[str]) -> str:
    """Names that differ in the number of their layer as one, without ``model.`` and ``.weight``.

    >>> compact([f"model.layers.{n}.mlp.{side}_proj" for n in (0, 1, 3) for side in ("up", "down")] + ["lm_head"])
    'mlp.up_proj and mlp.down_proj of layers 0-1 and 3; lm_head'
    """
    groups: dict[str, list[int]] = {}
    for name in names:
        short = name.removeprefix("model.").removesuffix(".weight")
        match = re.fullmatch(r"(?:.*\.)?layers\.(\d+)\.(.+)", short)
        numbers = groups.setdefault(match[2] if match else short, [])
        if match:
            numbers.append(int(match[1]))
    shared: dict[tuple[int, ...], list[str]] = {}
    for name, numbers in groups.items():
        shared.setdefault(tuple(sorted(numbers)), []).append(name)
    return "; ".join(_and(names) + (_runs(layers) if layers else "") for layers, names in shared.items())


def _and(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if words[1:] else words[0]


def _runs(numbers: Sequence[int]) -> str:
    starts = [numbers[0], *(b for a, b in pairwise(numbers) if b != a + 1)]
    ends = [*(a for a, b in pairwise(numbers) if b != a + 1), numbers[-1]]
    runs = [str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return f" of layer{'s' if len(numbers) > 1 else ''} {_and(runs)}"
