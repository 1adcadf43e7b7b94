"""What a merged model, its base and an adapter say of each other, summed tensor by tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.models.weights.tensors import Tensor, Weights, block_of_levels, coarsest, rounded

HEAD = "lm_head.weight"
EMBEDDING = "embed_tokens.weight"


_ROUNDING = 2.0
"""How many times the computed rounding a residual may be: a merge may round the base, the update and the sum."""

_ARITHMETIC = 2**-8
"""What the arithmetic of B @ A may add, as a share of the update: it is done in bfloat16 at worst."""

_EXACT = 2**-20
"""A difference of a millionth of a tensor is nobody's other base."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What became of the update U = scale * lora_B @ lora_A of one layer, with base weight B and merged weight M.

    ``survived`` is c = <M - B, U> / <U, U>, ``expected`` the c that rounding B + U to ``kind`` alone leaves;
    ``residual`` is |M - B - U| / |U|, ``explained`` the same of that rounding. All are None where U is 0.
    ``update`` is |U| / |B|. ``state`` is merged, lost, twice, scaled, or moved (by something that is not U).
    """

    name: str
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


@dataclass(frozen=True, slots=True)
class Sums:
    """Products summed over a tensor of ``n`` elements, in float64.

    Of d = M - B, u = U, r = M - B - U, e = round(B + U) - B - U and g = round(B) - B; ``hu`` is <round(B + U) - B, U>.
    """

    n: int = 0
    bb: float = 0.0
    dd: float = 0.0
    du: float = 0.0
    uu: float = 0.0
    rr: float = 0.0
    ee: float = 0.0
    hu: float = 0.0
    gg: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            n=self.n + other.n,
            bb=self.bb + other.bb,
            dd=self.dd + other.dd,
            du=self.du + other.du,
            uu=self.uu + other.uu,
            rr=self.rr + other.rr,
            ee=self.ee + other.ee,
            hu=self.hu + other.hu,
            gg=self.gg + other.gg,
        )

    @property
    def rounding(self) -> float:
        # Both, because a base in a finer type than the model was merged in was rounded once before.
        return math.sqrt(self.ee + self.gg)

    @property
    def changed(self) -> bool:
        """Whether M differs from B by more than rounding explains (of a tensor without an update)."""
        return math.sqrt(self.dd) > _ROUNDING * self.rounding + _EXACT * math.sqrt(self.bb)

    @property
    def slack(self) -> float:
        """How far c may lie from its value: four standard deviations of what independent rounding errors do to it.

        An error of norm E in n elements has a product of about E * |U| / sqrt(n) with U.
        """
        return 0.03 + 4 * self.rounding / math.sqrt(self.uu * self.n)


@dataclass(frozen=True, slots=True)
class Pair:
    """lora_A and lora_B of ``module``, in float64 and not multiplied yet."""

    module: str
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    scale: float

    def update(self, start: int, stop: int) -> NDArray[np.float64]:
        return self.scale * (self.b[start:stop] @ self.a)


class Compared:
    """Collects what the tensors say, then what follows from it."""

    def __init__(self, before: Weights, after: Weights, config: Mapping[str, Any]) -> None:
        self.before, self.after, self.config = before, after, config
        self.embedding = next((name for name in before.tensors if name.endswith(EMBEDDING)), "")
        self.tied_base = bool(self.embedding) and HEAD not in before.tensors
        self.layers: list[Layer] = []
        self.others: list[Other] = []
        self.sums: dict[str, Sums] = {}
        self.ranks: dict[str, int] = {}
        self.levels: dict[str, tuple[str, int]] = {}
        self.missing: list[str] = []
        self.shapes: list[str] = []
        self.broken: list[str] = []

    def source(self, name: str) -> Tensor:
        """The base's tensor ``name``; a tied lm_head is the embedding."""
        return self.before.tensors.get(name) or self.before.tensors[self.embedding]

    def compare(self, name: str, pair: Pair | None) -> None:
        here, there = self.source(name), self.after.get(name)
        if there is None and name not in self.before.tensors:
            there = self.after.get(self.embedding)
        if there is None:
            if not name.endswith("inv_freq"):  # computed when a model is loaded
                self.missing.append(name)
            return
        if here.shape != there.shape:
            self.shapes.append(f"{name} is {there.shape}, the base's {here.shape}")
            return
        kind, label = coarsest(there), pair.module if pair else name
        sums = sums_of(here, there, kind, pair)
        if not math.isfinite(sums.dd):
            self.broken.append(label)
            return
        if pair is None:
            size = math.sqrt(sums.bb)
            difference, explained = over(math.sqrt(sums.dd), size), over(sums.rounding, size)
            self.others.append(Other(name, kind, sums.changed, difference, explained))
        else:
            self.layers.append(_layer(label, kind, sums))
            self.sums[label], self.ranks[label] = sums, pair.a.shape[0]
        moved = sums.changed if pair is None else self.layers[-1].state == "moved"
        if moved and len(here.shape) == 2 and (levels := _levels(here, there, pair)):
            self.levels[label] = levels

    def survived(self, names: Iterable[str] | None = None) -> float | None:
        """c over all the layers, or over those of ``names``, as if they were one."""
        sums = [self.sums[name] for name in (self.sums if names is None else names) if name in self.sums]
        return over(math.fsum(item.du for item in sums), math.fsum(item.uu for item in sums))

    def state(self, state: str) -> list[Layer]:
        return [layer for layer in self.layers if layer.state == state]

    def changed(self) -> list[Other]:
        """The tensors without an adapter that differ from the base, but for those that were quantized."""
        return [other for other in self.others if other.changed and other.name not in self.levels]

    def other_base(self) -> bool:
        return not all(other.name.endswith((EMBEDDING, HEAD)) for other in self.changed())


@np.errstate(invalid="ignore", over="ignore")  # infinite weights make no number, which is told as such
def sums_of(here: Tensor, there: Tensor, kind: str, pair: Pair | None = None) -> Sums:
    sums = Sums()
    for start, stop in here.chunks():
        raw = here.rows(start, stop)
        b = raw.astype(np.float64)
        d = there.rows(start, stop) - b
        u = e = np.zeros_like(b)
        if pair is not None:
            u = pair.update(start, stop)
            e = rounded(b + u, kind) - b - u
        g = rounded(raw, kind) - b if pair is not None or d.any() else u
        r = d - u
        sums += Sums(
            n=b.size,
            bb=_dot(b, b),
            dd=_dot(d, d),
            du=_dot(d, u),
            uu=_dot(u, u),
            rr=_dot(r, r),
            ee=_dot(e, e),
            hu=_dot(e + u, u),
            gg=_dot(g, g),
        )
    return sums


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.dot(a.ravel(), b.ravel()))


def over(part: float, whole: float) -> float | None:
    """The share, or None where there is none: of nothing, or of what is no number."""
    return part / whole if whole > 0 and math.isfinite(part / whole) else None


def _layer(module: str, kind: str, s: Sums) -> Layer:
    update = math.sqrt(s.uu)
    return Layer(
        module,
        kind,
        _state(s),
        survived=over(s.du, s.uu),
        expected=over(s.hu, s.uu),
        residual=over(math.sqrt(s.rr), update),
        explained=over(math.sqrt(s.ee), update),
        update=over(update, math.sqrt(s.bb)),
    )


def _state(s: Sums) -> str:
    if s.uu == 0:
        return "moved" if s.changed else "merged"
    c, expected = s.du / s.uu, s.hu / s.uu
    # What is left when the share of U is taken out: c is its least-squares share, so Pythagoras holds.
    rest = math.sqrt(max(0.0, s.dd - c * s.du))
    if rest > _ROUNDING * s.rounding + (_ARITHMETIC * max(1.0, abs(c))) * math.sqrt(s.uu):
        return "moved"
    from_merged, from_lost = abs(c - expected), abs(c)
    if min(from_merged, from_lost) <= s.slack:
        return "merged" if from_merged <= from_lost else "lost"
    # In a coarse type, each of two merges loses as much to rounding.
    twice = 2 * expected if 0.5 < expected < 1.5 else 2.0
    return "twice" if abs(c - twice) <= 2 * s.slack else "scaled"


def _levels(here: Tensor, there: Tensor, pair: Pair | None) -> tuple[str, int] | None:
    """Where 4-bit levels are seen, and in which blocks: in M ("after"), or in M - U ("before" U was added)."""
    start, stop = next(here.chunks())
    b, m = here.rows(start, stop), there.rows(start, stop)
    if (block := block_of_levels(m, b)) is not None:
        return "after", block
    if pair is not None and (block := block_of_levels(m - pair.update(start, stop), b)) is not None:
        return "before", block
    return None
