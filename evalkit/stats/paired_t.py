"""The paired t test, for reference: what readers know from elsewhere, and no gate rests on."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from numpy.typing import ArrayLike

from evalkit.stats.effects import cohen_d_z


@dataclass(frozen=True, slots=True)
class PairedT:
    """Student's t of ``n`` paired differences, and p: one-sided (small where the candidate is better) and two-sided.

    None is "not estimable".
    """

    t: float | None
    n: int
    p_better: float | None
    p_two_sided: float | None


def paired_t(differences: ArrayLike) -> PairedT:
    """Student's paired t test of the mean of independent ``differences``, candidate minus other, against 0.

    Exact for normal differences only, which scores of 0 and 1 never have: the tests to decide by are
    ``permutation.sign_flip`` and, on ranks, ``wilcoxon.wilcoxon``.
    Source: Student (1908), Biometrika 6, 1-25.

    Not estimable with fewer than two pairs, and where all differences are equal.
    Raises ValueError where a difference is not finite.

    >>> result = paired_t([1, 2, 3])
    >>> round(result.t, 4), result.n, round(result.p_better, 4), round(result.p_two_sided, 4)
    (3.4641, 3, 0.0371, 0.0742)
    """
    from scipy.special import stdtr

    effect = cohen_d_z(differences)
    if effect.value is None:
        return PairedT(None, effect.n, None, None)
    t = effect.value * sqrt(effect.n)
    return PairedT(t, effect.n, float(stdtr(effect.n - 1, -t)), 2 * float(stdtr(effect.n - 1, -abs(t))))
