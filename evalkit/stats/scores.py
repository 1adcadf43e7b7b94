"""From scores to figures: rates and paired comparisons, each with its interval and its n.

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
from evalkit.stats.effects import cohen_d_pooled, cohen_d_z, discordant_odds_ratio, rank_biserial
from evalkit.stats.intervals import ALPHA, Estimate, wilson
from evalkit.stats.mcnemar import mcnemar
from evalkit.stats.paired_t import paired_t
from evalkit.stats.permutation import sign_flip
from evalkit.stats.planning import examples_needed, minimum_detectable
from evalkit.stats.samples import Array, gather, pairs
from evalkit.stats.tango import tango
from evalkit.stats.wilcoxon import wilcoxon

_BEYOND = 20
"""So many random draws are to lie beyond a bound, or below a p, of the level that decides."""

_MOST_DRAWS = 1_000_000

_DIGITS = 12
"""Scores that differ less than this many decimals tell are equal: repeated samples are averaged in floats."""


def rate(values: Sequence[float], groups: Sequence[str], seed: int = 0) -> Estimate:
    """The mean score of the examples, with its 95 % interval.

    ``values`` are in [0, 1], one per example, unreadable answers as 0; ``groups`` are the labels, an example's id
    where it has no group. Where all scores are 0 or 1 and no group has two examples the interval is Wilson's,
    else the cluster bootstrap's (BCa). Rests on all examples; without any nothing is estimable.
    Raises ValueError where a score is outside [0, 1], or a label is empty.

    >>> e = rate([1, 1, 0, 1], ["a", "b", "c", "d"])
    >>> e.value, round(e.low, 3), round(e.high, 3)
    (0.75, 0.301, 0.954)
    """
    clusters = gather(values, groups)
    if clusters.sizes.max(initial=1) == 1 and np.isin(clusters.sums, (0.0, 1.0)).all():
        return wilson(int(clusters.sums.sum()), clusters.examples)
    return cluster_bootstrap(values, groups, seed=seed, bounds=(0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Effects:
    """The size of a paired difference on other scales, and the two-sided p of other tests: for reference.

    None of them knows groups. Right-or-wrong scores alone have an odds ratio and McNemar's p.
    """

    cohen_d_z: Estimate
    cohen_d_pooled: Estimate
    rank_biserial: Estimate
    odds_ratio: Estimate | None
    mcnemar_p: float | None
    wilcoxon_p: float | None
    t_p: float | None


def effects(candidate: Sequence[float], against: Sequence[float]) -> Effects:
    """``Effects`` of two models' scores, in [0, 1], on the same examples. Raises ValueError as ``paired`` does.

    >>> found = effects([1, 1, 1, 0, 1], [0, 1, 0, 0, 1])
    >>> found.rank_biserial.value, found.mcnemar_p
    (1.0, 0.5)
    """
    ours, theirs = _scores(candidate, against)
    differences = np.round(ours - theirs, _DIGITS)
    right_or_wrong = _right_or_wrong(ours, theirs)
    counts = mcnemar(ours, theirs) if right_or_wrong else None
    return Effects(
        cohen_d_z=cohen_d_z(differences),
        cohen_d_pooled=cohen_d_pooled(ours, theirs),
        rank_biserial=rank_biserial(differences),
        odds_ratio=discordant_odds_ratio(counts.gained, counts.lost) if counts else None,
        mcnemar_p=counts.p if counts else None,
        wilcoxon_p=wilcoxon(differences).p_two_sided,
        t_p=paired_t(differences).p_two_sided,
    )


def _right_or_wrong(ours: Array, theirs: Array) -> bool:
    return bool(np.isin(ours, (0.0, 1.0)).all() and np.isin(theirs, (0.0, 1.0)).all())


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
    ours, theirs = _scores(candidate, against)
    differences = np.round(ours - theirs, _DIGITS)
    units = set(zip(groups, ours.tolist(), theirs.tolist(), strict=True))
    sizes = Counter(groups)
    if 2 <= len(units) == len(sizes) and len(set(sizes.values())) == 1 and _right_or_wrong(ours, theirs):
        pairs_of_units = Counter((own, other) for _, own, other in units)
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
    found = cluster_bootstrap(differences, groups, 1 - 2 * alpha, min(draws, _MOST_DRAWS), seed, bounds=(-1.0, 1.0))
    return found if draws <= _MOST_DRAWS or found.low is None else replace(found, low=-1.0, high=1.0)


def paired_in_turn(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], alpha: float = ALPHA
) -> Paired:
    """``paired``, for scores in the order in which they were asked: its difference and its p hold whenever one stops.
    What holds only for a number of examples that was fixed before is left out.

    >>> found = paired_in_turn([1] * 9, [0] * 9, [str(number) for number in range(9)])
    >>> found.wins, found.p < 0.025
    (9, True)
    """
    ours, theirs = _scores(candidate, against)
    differences = np.round(ours - theirs, _DIGITS)
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
    ours, theirs = _scores(candidate, against)
    found = confidence_sequence(in_groups(np.round(ours - theirs, _DIGITS).tolist(), groups), 1 - 2 * alpha)
    return replace(found, n=int(ours.size))


def _scores(candidate: Sequence[float], against: Sequence[float]) -> tuple[Array, Array]:
    ours, theirs = pairs(candidate, against, ("candidate", "against"))
    for name, scores in (("candidate", ours), ("against", theirs)):
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise ValueError(f"{name} must be scores from 0 to 1, got {scores.min():g} to {scores.max():g}")
    return ours, theirs


def paired(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], seed: int = 0, alpha: float = ALPHA
) -> Paired:
    """Compares two models' scores, in [0, 1], on the same examples in the same order; ``groups`` as in ``rate``.

    ``alpha`` is the one-sided level that decides. The interval is that of ``difference``, p the sign-flip test's with
    one sign per group, ``needed``, ``detectable`` and ``for_half`` are those of ``planning``, by the spread of the
    differences seen. Rests on all examples. Without any, nothing is estimable and p is None; ``needed`` is None too
    where the candidate is not better, and where the spread of the differences is not estimable.
    Raises ValueError where a score is outside [0, 1], a label is empty, or the lengths differ.

    >>> result = paired([1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 0, 1], ["a", "b", "c", "d", "e", "f"])
    >>> result.difference.value, result.p, result.wins, result.losses, result.ties
    (0.5, 0.125, 3, 0, 3)
    """
    ours, theirs = _scores(candidate, against)
    differences = np.round(ours - theirs, _DIGITS)
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
