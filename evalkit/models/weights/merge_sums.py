"""Products of a base tensor, its update and the merged tensor, summed over its elements, and the state they tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.models.weights.tensors import Tensor, rounded

_ROUNDING = 2.0
"""How many times the computed rounding a residual may be: a merge may round the base, the update and the sum."""

_ARITHMETIC = 2**-8
"""What the arithmetic of B @ A may add, as a share of the update: it is done in bfloat16 at worst."""

_EXACT = 2**-20
"""A difference of a millionth of a tensor is nobody's other base."""


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


@np.errstate(invalid="ignore", over="ignore")  # infinite weights make no number, which is told as such
def sums_of(here: Tensor, there: Tensor, kind: str, whole: Tensor | None = None) -> Sums:
    """The sums of B = ``here`` and M = ``there``, where B + U is ``whole`` (None for U = 0)."""
    sums = Sums()
    for start, stop in here.chunks():
        raw = here.rows(start, stop)
        b = np.asarray(raw, np.float64)
        d = there.rows(start, stop) - b
        u = e = np.zeros_like(b)
        if whole is not None:
            w = whole.rows(start, stop)
            u, e = w - b, rounded(w, kind) - w
        g = rounded(raw, kind) - b if whole is not None or d.any() else u
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


def state_of(s: Sums) -> str:
    """What became of an update: merged, lost, twice, scaled, or moved (by something that is not U)."""
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
