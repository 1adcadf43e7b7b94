"""Two models' scores on the same examples: their difference, its interval, its p, and what it would take to show more.

Scores are in [0, 1], one per example, and an unreadable answer has 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np

from evalkit.stats.betting import anytime_p, confidence_sequence, in_groups
from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.effects import Effects, effects
from evalkit.stats.intervals import ALPHA, Estimate
from evalkit.stats.permutation import sign_flip
from evalkit.stats.planning import examples_needed, minimum_detectable
from evalkit.stats.samples import DIGITS, Array, paired_scores, right_or_wrong
from evalkit.stats.tango import tango

_BEYOND = 20
"""So many random draws are to lie beyond a bound, or below a p, of the level that decides."""

_MOST_DRAWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Paired:
    """What two models' scores on the same examples say of their difference, candidate minus the other.

    ``difference`` has the mean with a two-sided 95 % interval, ``decisive`` with bounds of the one-sided level that
    verdicts use: the same where that is 0.025. ``p`` is one-sided, small where the candidate is better. ``wins``,
    ``losses`` and ``ties`` count examples. ``needed`` is how many examples would show a true difference as large as the
    one seen with power 0.8, ``detectable`` the smallest true difference that the present ones show with it, and
    ``for_half`` how many would show half of that. ``effects`` are reference figures that decide nothing.
    """

    difference: Estimate
    decisive: Estimate
    p: float | None
    wins: int
    losses: int
    ties: int
    needed: int | None
    detectable: float | None
    for_half: int | None
    effects: Effects


def difference(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], seed: int = 0, alpha: float = ALPHA
) -> Estimate:
    """The mean paired difference, candidate minus the other, with its two-sided interval, in which each bound is of the
    one-sided level ``alpha``: 95 % as a rule; scores in [0, 1].

    Where all scores are 0 or 1 and the examples of a group are alike the interval is Tango's, over groups (which
    are single examples as a rule), else the cluster bootstrap's (BCa) over groups. With fewer than two groups there
    is a value alone, without examples nothing. Raises ValueError as ``paired`` does.

    >>> difference([1, 1, 1, 0], [0, 1, 0, 0], ["a", "b", "c", "d"]).value
    0.5
    """
    ours, theirs = paired_scores(candidate, against)
    differences = np.round(ours - theirs, DIGITS)
    units = set(zip(groups, ours.tolist(), theirs.tolist(), strict=True))
    sizes = Counter(groups)
    if 2 <= len(units) == len(sizes) and len(set(sizes.values())) == 1 and right_or_wrong(ours, theirs):
        pairs_of_units = Counter((ours_of, theirs_of) for _, ours_of, theirs_of in units)
        both, gained, lost, neither = (pairs_of_units[cell] for cell in ((1, 1), (1, 0), (0, 1), (0, 0)))
        return replace(tango(both, gained, lost, neither, 1 - 2 * alpha), n=ours.size)
    return _bootstrap(differences, groups, seed, alpha)


def _draws(alpha: float) -> int:
    return max(10_000, ceil(_BEYOND / alpha))


def _bootstrap(differences: Array, groups: Sequence[str], seed: int, alpha: float) -> Estimate:
    """The cluster bootstrap, with as many draws as leave some beyond its bounds, which it moves out for few groups.

    Where that would be more than anybody waits for, the bounds are the ends of the range: so few groups show nothing at
    so small a level.
    """
    if alpha == ALPHA:
        return cluster_bootstrap(differences, groups, seed=seed, bounds=(-1.0, 1.0))
    from scipy.special import ndtr, stdtrit

    count = len(set(groups))
    reach = float(stdtrit(count - 1, alpha)) * sqrt(count / (count - 1)) if count > 1 else 0.0
    draws = _draws(max(float(ndtr(reach)), _BEYOND / (10 * _MOST_DRAWS)))
    interval = cluster_bootstrap(differences, groups, 1 - 2 * alpha, min(draws, _MOST_DRAWS), seed, bounds=(-1.0, 1.0))
    return interval if draws <= _MOST_DRAWS or interval.low is None else replace(interval, low=-1.0, high=1.0)


def paired_in_turn(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], alpha: float = ALPHA
) -> Paired:
    """``paired``, for scores in the order in which they were asked: its difference and its p hold whenever one stops.
    What holds only for a number of examples that was fixed before is left out.

    >>> result = paired_in_turn([1] * 9, [0] * 9, [str(number) for number in range(9)])
    >>> result.wins, result.p < 0.025
    (9, True)
    """
    ours, theirs = paired_scores(candidate, against)
    differences = np.round(ours - theirs, DIGITS)
    mean = difference_in_turn(candidate, against, groups)
    return Paired(
        difference=mean,
        decisive=mean if alpha == ALPHA else difference_in_turn(candidate, against, groups, alpha),
        p=anytime_p(in_groups(differences.tolist(), groups)),
        **_counts(differences),
        needed=None,
        detectable=None,
        for_half=None,
        effects=replace(effects(candidate, against), odds_ratio=None, mcnemar_p=None, wilcoxon_p=None, t_p=None),
    )


def difference_in_turn(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], alpha: float = ALPHA
) -> Estimate:
    """``difference``, for scores in the order in which they were asked, with an interval that holds whenever one stops:
    the confidence sequence of the groups' means, which counts every group alike."""
    ours, theirs = paired_scores(candidate, against)
    interval = confidence_sequence(in_groups(np.round(ours - theirs, DIGITS).tolist(), groups), 1 - 2 * alpha)
    return replace(interval, n=int(ours.size))


def paired(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], seed: int = 0, alpha: float = ALPHA
) -> Paired:
    """Compares two models' scores, in [0, 1], on the same examples in the same order; ``groups`` their labels.

    ``alpha`` is the one-sided level that decides. The interval is that of ``difference``, p the sign-flip test's with
    one sign per group, ``needed``, ``detectable`` and ``for_half`` are those of ``planning``, by the spread of the
    differences seen. Rests on all examples. Without any, nothing is estimable and p is None; ``needed`` is None too
    where the candidate is not better, and where the spread of the differences is not estimable.
    Raises ValueError where a score is outside [0, 1], a label is empty, or the lengths differ.

    >>> result = paired([1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 0, 1], ["a", "b", "c", "d", "e", "f"])
    >>> result.difference.value, result.p, result.wins, result.losses, result.ties
    (0.5, 0.125, 3, 0, 3)
    """
    ours, theirs = paired_scores(candidate, against)
    differences = np.round(ours - theirs, DIGITS)
    mean = difference(candidate, against, groups, seed)
    better = mean.value is not None and mean.value > 0
    least = minimum_detectable(differences, differences.size, alpha, groups=groups)
    return Paired(
        difference=mean,
        decisive=mean if alpha == ALPHA else difference(candidate, against, groups, seed, alpha),
        p=sign_flip(differences, groups, min(_draws(alpha), _MOST_DRAWS), seed),
        **_counts(differences),
        needed=examples_needed(differences, mean.value, alpha, groups=groups) if better and mean.value else None,
        detectable=least,
        for_half=examples_needed(differences, least / 2, alpha, groups=groups) if least else None,
        effects=effects(candidate, against),
    )


def _counts(differences: Array) -> dict[str, int]:
    """How many of ``differences`` are wins, losses and ties."""
    return {
        "wins": int(np.count_nonzero(differences > 0)),
        "losses": int(np.count_nonzero(differences < 0)),
        "ties": int(np.count_nonzero(differences == 0)),
    }
