"""Heads that are tied to the embeddings: one tensor, of which an adapter may make two."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.models.weights.merge_adapter import Adapter
from evalkit.models.weights.merge_base import HEAD
from evalkit.models.weights.merge_finding import MergeFinding, compact
from evalkit.models.weights.merge_stats import Compared
from evalkit.models.weights.merge_sums import sums_of
from evalkit.models.weights.merge_update import same
from evalkit.models.weights.tensors import Tensor, coarsest

_FATES = {
    "merged": "holds its update",
    "lost": "has lost its update",
    "twice": "holds its update twice",
    "both": "holds both updates",
}


def tear(check: Compared, adapter: Adapter) -> None:
    """Notes which layers of ``check`` can't all be right, as the merged model has one tensor for the two of them."""
    if not check.ties or all(layer.state == "lost" for layer in check.layers if layer.survived is not None):
        return
    embedding, head = (_label(name) for name in (check.base.embedding, HEAD))
    if not check.base.tied:
        layer, other = check.layer(head), check.other(HEAD)
        if (layer and layer.state != "merged") or (other and other.changed):
            check.torn = (head,)
        return
    first, second = (adapter.expected(name) for name in (check.base.embedding, HEAD))
    base = check.base.get(HEAD)
    one, two = (expected.whole() if expected else base for expected in (first, second))
    there = check.merged(HEAD)
    if one is None or two is None or there is None or adapter.not_judged.keys() & {check.base.embedding, HEAD}:
        return
    if same(one, two):
        return
    check.torn = (embedding, head)
    if first and second and one.shape == two.shape == there.shape:
        check.fit((embedding, head), "both", first, second.change(one), there)


def tied(check: Compared) -> Iterator[MergeFinding]:
    """What is wrong with a head and the embeddings that it is tied to."""
    embedding, head = check.after.get(check.base.embedding), check.after.get(HEAD)
    stated = {"tie_word_embeddings": check.base.tied, **check.base.weights.config, **check.after.config}
    # llama.cpp takes the head that a GGUF has, whatever the embeddings are.
    loaded = stated["tie_word_embeddings"] and check.after.path.suffix != ".gguf"
    if loaded and embedding and head and (embedding.shape != head.shape or _apart(embedding, head)):
        what = (
            f"config.json ties {HEAD} to {check.base.embedding}, but they differ: whoever loads it drops one of them."
        )
        yield MergeFinding("tied_embedding", what, (check.base.embedding, HEAD))
    elif check.torn:
        yield MergeFinding("tied_embedding", _torn(check), check.torn)
    elif changed := [] if check.other_base() else [other.name for other in check.changed()]:
        what = f"{compact(changed)} differ from the base: no adapter touches them."
        yield MergeFinding("tied_embedding", what, tuple(changed))


def _apart(embedding: Tensor, head: Tensor) -> bool:
    return sums_of(embedding, head, coarsest(head)).changed


def _torn(check: Compared) -> str:
    embedding, head = (_label(name) for name in (check.base.embedding, HEAD))
    if not check.base.tied:
        return (
            f"the base has an {head} of its own, and the merged model ties it to {compact([embedding])}: "
            f"{_fate(check, head, embedding)}."
        )
    return (
        f"{compact([embedding])} and {head} are one tensor in the base and in the merged model, and the adapter makes "
        f"two of it: {_fate(check, embedding, head)}; {_fate(check, head, embedding)}. Untie the base before it is "
        "adapted, or save what is merged with a head of its own."
    )


def _fate(check: Compared, label: str, partner: str) -> str:
    layer, other, spare = check.layer(label), check.other(f"{label}.weight"), check.layer(partner)
    name, its = compact([label]), compact([partner])
    from_partner = spare is not None and spare.state in ("merged", "twice", "scaled")
    if layer is None:
        if other is None or not other.changed:
            return f"{name} is the base's"
        return (
            f"{name} holds the update of {its}, which is not its own"
            if from_partner
            else f"{name} differs from the base's"
        )
    if layer.state == "moved" and from_partner:
        return f"{name} holds the update of {its} instead of its own"
    return f"{name} {_FATES.get(layer.state, 'is something else')}"


def _label(name: str) -> str:
    return name.removesuffix(".weight")
