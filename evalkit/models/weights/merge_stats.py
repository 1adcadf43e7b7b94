"""What a merged model, its base and an adapter say of each other, summed tensor by tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalkit.models.weights.merge_base import EMBEDDINGS, HEAD, Base
from evalkit.models.weights.merge_sums import Sums, over, state_of, sums_of
from evalkit.models.weights.merge_update import Expected, Mistake
from evalkit.models.weights.tensors import Tensor, Weights, block_of_levels, coarsest


@dataclass(frozen=True, slots=True)
class Layer:
    """What became of the update U of one layer, with base weight B (or the adapter's copy of it) and merged weight M.

    ``by`` is what made U: lora, dora, copy (weights that were saved whole) or tokens (rows that were). ``survived`` is
    c = <M - B, U> / <U, U>, ``expected`` the c that rounding B + U to ``kind`` alone leaves; ``residual`` is
    |M - B - U| / |U|, ``explained`` the same of that rounding. All are None where U is 0. ``update`` is |U| / |B|.

    ``state`` is merged, lost, twice, scaled, plain (a DoRA without its magnitude), uncopied
    (a LoRA on the base's tensor instead of the adapter's copy), both (in one tensor with the update of what it is tied
    to), or moved (by something that is not U).
    """

    name: str
    by: str
    kind: str
    state: str
    survived: float | None
    expected: float | None
    residual: float | None
    explained: float | None
    update: float | None


@dataclass(frozen=True, slots=True)
class Other:
    """A tensor that no adapter touches: ``difference`` is |M - B| / |B|, ``explained`` what rounding takes of it.

    Both are None where B is 0. ``changed`` tells whether M differs by more than rounding to ``kind`` explains.
    """

    name: str
    kind: str
    changed: bool
    difference: float | None
    explained: float | None


class Compared:
    """Collects what the tensors say, then what follows from it."""

    def __init__(self, base: Base, after: Weights, config: Mapping[str, Any]) -> None:
        self.base, self.after, self.config = base, after, config
        self.ties = base.ties(after)
        self.layers: list[Layer] = []
        self.others: list[Other] = []
        self.sums: dict[str, Sums] = {}
        self.ranks: dict[str, int] = {}
        self.shares: dict[str, float] = {}
        self.levels: dict[str, tuple[str, int]] = {}
        self.missing: list[str] = []
        self.shapes: list[str] = []
        self.broken: list[str] = []
        self.torn: tuple[str, ...] = ()

    def merged(self, name: str) -> Tensor | None:
        """The merged tensor ``name``; a head that is not there is the embeddings, where they are loaded for it."""
        return self.after.get(self.base.embedding if name == HEAD and self.ties else name)

    def compare(self, name: str, expected: Expected | None) -> None:
        here = expected.start if expected else self.base.get(name)
        there = self.merged(name)
        if here is None or there is None:
            if not name.endswith("inv_freq"):  # computed when a model is loaded
                self.missing.append(name)
            return
        whole = expected.whole() if expected else here
        if whole.shape != there.shape:
            wanted = "the base's" if whole.shape == here.shape else "with the adapter's rows"
            self.shapes.append(f"{name} is {there.shape}, {wanted} {whole.shape}")
            return
        kind, label = coarsest(there), expected.label if expected else name
        sums = _sums(expected, whole, there, kind) if expected else sums_of(here, there, kind)
        if not math.isfinite(sums.dd):
            self.broken.append(label)
            return
        if expected is None:
            size = math.sqrt(sums.bb)
            difference, explained = over(math.sqrt(sums.dd), size), over(sums.rounding, size)
            self.others.append(Other(name, kind, sums.changed, difference, explained))
        else:
            self._add(expected, there, kind, sums)
        moved = sums.changed if expected is None else self.layers[-1].state == "moved"
        if moved and len(here.shape) == 2 and (levels := _levels(here, there, whole)):
            self.levels[label] = levels

    def _add(self, expected: Expected, there: Tensor, kind: str, sums: Sums) -> None:
        label, state = expected.label, state_of(sums)
        if state not in ("merged", "lost") and (mistake := _mistake(expected, there, kind)):
            state, self.shares[label] = mistake.state, mistake.share
        self.layers.append(_layer(expected, kind, state, sums))
        self.sums[label] = sums
        if expected.rank is not None:
            self.ranks[label] = expected.rank

    def fit(self, labels: Sequence[str], state: str, expected: Expected, whole: Tensor, there: Tensor) -> None:
        """Calls the layers of ``labels`` so, where ``whole`` is what they are."""
        if state_of(_sums(expected, whole, there, coarsest(there))) == "merged":
            self.layers = [replace(item, state=state) if item.name in labels else item for item in self.layers]

    def layer(self, label: str) -> Layer | None:
        return next((layer for layer in self.layers if layer.name == label), None)

    def other(self, name: str) -> Other | None:
        return next((other for other in self.others if other.name == name), None)

    def share(self, layer: Layer) -> float:
        """How many times the update is in ``layer``: c, or what is known of a merge that is no multiple of U."""
        return self.shares.get(layer.name, layer.survived or 0.0)

    def survived(self, names: Iterable[str] | None = None) -> float | None:
        """c over all the layers, or over those of ``names``, as if they were one."""
        sums = [self.sums[name] for name in (self.sums if names is None else names) if name in self.sums]
        return over(math.fsum(item.du for item in sums), math.fsum(item.uu for item in sums))

    def state(self, state: str) -> list[Layer]:
        """The layers in ``state``, but for those of which one tensor would have to be two."""
        return [layer for layer in self.layers if layer.state == state and layer.name not in self.torn]

    def changed(self) -> list[Other]:
        """The tensors without an adapter that differ from the base, but for those that were quantized."""
        kept = (other for other in self.others if other.changed and other.name not in self.levels)
        return [other for other in kept if other.name.removesuffix(".weight") not in self.torn]

    def other_base(self) -> bool:
        return not all(other.name.endswith((*EMBEDDINGS, HEAD)) for other in self.changed())


def _sums(expected: Expected, whole: Tensor, there: Tensor, kind: str) -> Sums:
    sums = sums_of(expected.start, there, kind, whole)
    if not expected.vectors:
        return sums
    # A DoRA's norms, factors and sums are rounded as well, and the factor of a vector is one for all its elements.
    return replace(sums, gg=sums.gg + 3 * sums.ee, n=expected.vectors)


def _mistake(expected: Expected, there: Tensor, kind: str) -> Mistake | None:
    """The known mistake that explains ``there``, the nearest where several do."""
    fits = []
    for mistake in expected.mistakes:
        sums = _sums(expected, mistake.weights(), there, kind)
        if state_of(sums) == "merged":
            fits.append((sums.rr, mistake))
    return min(fits, key=lambda fit: fit[0])[1] if fits else None


def _layer(expected: Expected, kind: str, state: str, s: Sums) -> Layer:
    update = math.sqrt(s.uu)
    return Layer(
        expected.label,
        expected.by,
        kind,
        state,
        survived=over(s.du, s.uu),
        expected=over(s.hu, s.uu),
        residual=over(math.sqrt(s.rr), update),
        explained=over(math.sqrt(s.ee), update),
        update=over(update, math.sqrt(s.bb)),
    )


def _levels(here: Tensor, there: Tensor, whole: Tensor) -> tuple[str, int] | None:
    """Where 4-bit levels are seen, and in which blocks: in M ("after"), or in M - U ("before" U was added)."""
    start, stop = next(here.chunks())
    b, m = here.rows(start, stop), there.rows(start, stop)
    if (block := block_of_levels(m, b)) is not None:
        return "after", block
    if whole is not here and (block := block_of_levels(m - (whole.rows(start, stop) - b), b)) is not None:
        return "before", block
    return None
