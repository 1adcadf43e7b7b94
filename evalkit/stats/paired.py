"""Two models' scores on the same examples: their difference, its interval, its p, and what it would take to show more.

Scores are in [0, 1], one per example, and an unreadable answer has 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.stats.betting import anytime_p, confidence_sequence, in_groups
from evalkit.stats.betting_power import detectable_by_betting, needed_by_betting
from evalkit.stats.counting import counted_p
from evalkit.stats.effects import Effects, effects
from evalkit.stats.fixed_betting import Bets, intervals, one_sided_p
from evalkit.stats.grouped_tango import tango_in_groups
from evalkit.stats.intervals import ALPHA, Estimate
from evalkit.stats.planning import examples_needed, minimum_detectable
from evalkit.stats.samples import DIGITS, Array, gather, paired_scores, right_or_wrong

FEWEST_FLIPS = 9
"""With fewer groups in which the two models differ their spread is not known well enough to plan from: one gained and
none lost of 130 would promise a power of 0.8 where it is 0.04."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What two models' scores on the same examples say of their difference, candidate minus the other.

    ``difference`` has the mean with a two-sided 95 % interval, ``decisive`` with bounds of the one-sided level that
    verdicts use: the same where that is 0.025. ``p`` is one-sided, small where the candidate is better; ``p_worse`` is
    the other side, small where it is worse. p decides: where it shows no difference at the level of an interval, that
    interval reaches 0, and ``extended`` tells that the bound of ``difference`` was moved there.
    ``right_or_wrong`` is whether all scores are 0 or 1. ``wins``, ``losses`` and ``ties`` count examples.
    ``needed`` is how many examples would show a true difference as large as the one seen with power 0.8,
    ``detectable`` the smallest true difference that the present ones show with it, and ``for_half`` how many would show
    half of that; all three are None where fewer than nine groups differ. ``effects`` are reference figures that decide
    nothing.
    """

    difference: Estimate
    decisive: Estimate
    p: float | None
    p_worse: float | None
    right_or_wrong: bool
    extended: bool
    wins: int
    losses: int
    ties: int
    needed: int | None
    detectable: float | None
    for_half: int | None
    effects: Effects


def difference(
    candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], alpha: float = ALPHA
) -> Estimate:
    """The mean paired difference, candidate minus the other, with its two-sided interval, in which each bound is of the
    one-sided level ``alpha``: 95 % as a rule; scores in [0, 1].

    Where all scores are 0 or 1 the interval is Tango's, with groups of several examples that of ``grouped_tango``. For
    other scores it is that of betting (``fixed_betting``). It reaches 0 where p, of the same level, shows no
    difference. With fewer than two groups there is a value alone, without examples nothing. Raises ValueError as
    ``paired`` does.

    >>> difference([1, 1, 1, 0], [0, 1, 0, 0], ["a", "b", "c", "d"]).value
    0.5
    """
    found = _Judged.of(*paired_scores(candidate, against), groups, (alpha,))
    return found.reaching_zero(alpha)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The one-sided p of both directions, and the interval for each level by itself, whatever p says."""

    p: float | None
    p_worse: float | None
    alone: Mapping[float, Estimate]

    @classmethod
    def of(cls, ours: Array, theirs: Array, groups: Sequence[str], alphas: Sequence[float]) -> _Judged:
        differences = np.round(ours - theirs, DIGITS)
        clusters = gather(differences, groups)
        n = clusters.examples
        if not n:
            return cls(None, None, dict.fromkeys(alphas, Estimate(None, None, None, 0)))
        if right_or_wrong(ours, theirs):
            sums, sizes = [int(total) for total in clusters.sums], [int(size) for size in clusters.sizes]
            gained, lost = int((differences > 0).sum()), int((differences < 0).sum())
            alone = {alpha: tango_in_groups(clusters, gained, lost, alpha) for alpha in alphas}
            return cls(counted_p(sums, sizes), counted_p([-total for total in sums], sizes), alone)
        bets = Bets.on(clusters)
        p, p_worse = (one_sided_p(bets, swapped, min(alphas)) for swapped in (0, 1))
        if clusters.sums.size < 2:
            return cls(p, p_worse, dict.fromkeys(alphas, Estimate(clusters.mean, None, None, n)))
        bounds = zip(alphas, intervals(bets, alphas), strict=True)
        return cls(p, p_worse, {alpha: Estimate(clusters.mean, low, high, n) for alpha, (low, high) in bounds})

    def reaching_zero(self, alpha: float) -> Estimate:
        """The interval, with a bound at 0 where it would tell of a difference that p, of its level, does not show."""
        interval = self.alone[alpha]
        low, high = interval.low, interval.high
        if low is not None and low > 0 and not (self.p is not None and self.p <= alpha):
            low = 0.0
        if high is not None and high < 0 and not (self.p_worse is not None and self.p_worse <= alpha):
            high = 0.0
        return replace(interval, low=low, high=high)


def paired_in_turn(
    candidate: Sequence[float],
    against: Sequence[float],
    groups: Sequence[str],
    alpha: float = ALPHA,
    largest: int | None = None,
) -> Paired:
    """``paired``, for scores in the order in which they were asked: its difference and its p hold whenever one stops.
    What holds only for a number of examples that was fixed before is left out. ``largest`` is the size of the largest
    group of the whole split, asked or not; without it that of those asked.

    >>> result = paired_in_turn([1] * 9, [0] * 9, [str(number) for number in range(9)])
    >>> result.wins, result.p < 0.025
    (9, True)
    """
    ours, theirs = paired_scores(candidate, against)
    differences = np.round(ours - theirs, DIGITS)
    turns, swapped = (in_groups(values, groups, largest) for values in (differences, -differences))
    mean = confidence_sequence(turns)
    return Paired(
        difference=mean,
        decisive=mean if alpha == ALPHA else confidence_sequence(turns, 1 - 2 * alpha),
        p=anytime_p(turns),
        p_worse=anytime_p(swapped),
        right_or_wrong=right_or_wrong(ours, theirs),
        extended=False,
        **_counts(differences),
        needed=None,
        detectable=None,
        for_half=None,
        effects=replace(effects(candidate, against), odds_ratio=None, mcnemar_p=None, wilcoxon_p=None, t_p=None),
    )


def difference_in_turn(
    candidate: Sequence[float],
    against: Sequence[float],
    groups: Sequence[str],
    alpha: float = ALPHA,
    largest: int | None = None,
) -> Estimate:
    """``difference``, for scores in the order in which they were asked, with an interval that holds whenever one stops:
    a confidence sequence of the mean over examples. ``largest`` is as in ``paired_in_turn``."""
    ours, theirs = paired_scores(candidate, against)
    return confidence_sequence(in_groups(np.round(ours - theirs, DIGITS), groups, largest), 1 - 2 * alpha)


def paired(candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], alpha: float = ALPHA) -> Paired:
    """Compares two models' scores, in [0, 1], on the same examples in the same order; ``groups`` their labels.

    ``alpha`` is the one-sided level that decides. The interval is that of ``difference``. Where all scores are 0 or 1
    p is exact, by counting, and knows what whole groups may do (``counting``); else it is that of betting, which holds
    for every distribution (``fixed_betting``). ``needed``, ``detectable`` and ``for_half`` are those of ``planning``,
    for graded scores of ``betting_power``, by the spread of the differences seen. Rests on all examples. Without any,
    nothing is estimable and p is None; ``needed`` is None too where the candidate is not better.
    Raises ValueError where a score is outside [0, 1], a label is empty, or the lengths differ.

    >>> result = paired([1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 0, 1], ["a", "b", "c", "d", "e", "f"])
    >>> result.difference.value, round(result.p, 6), result.p_worse, result.wins, result.losses, result.ties
    (0.5, 0.125, 1.0, 3, 0, 3)
    """
    ours, theirs = paired_scores(candidate, against)
    differences = np.round(ours - theirs, DIGITS)
    found = _Judged.of(ours, theirs, groups, tuple(dict.fromkeys((ALPHA, alpha))))
    mean = found.reaching_zero(ALPHA)
    right = right_or_wrong(ours, theirs)
    planned = np.count_nonzero(gather(differences, groups).sums) >= FEWEST_FLIPS
    least = None
    if planned and right:
        least = minimum_detectable(differences, differences.size, alpha, groups=groups)
    elif planned:
        least = detectable_by_betting(differences, alpha, groups=groups)
    needed_for = examples_needed if right else needed_by_betting
    better = planned and mean.value is not None and mean.value > 0
    return Paired(
        difference=mean,
        decisive=found.reaching_zero(alpha),
        p=found.p,
        p_worse=found.p_worse,
        right_or_wrong=right,
        extended=mean != found.alone[ALPHA],
        **_counts(differences),
        needed=needed_for(differences, mean.value, alpha, groups=groups) if better and mean.value else None,
        detectable=least,
        for_half=needed_for(differences, least / 2, alpha, groups=groups) if least else None,
        effects=effects(candidate, against),
    )


def _counts(differences: Array) -> dict[str, int]:
    """How many of ``differences`` are wins, losses and ties."""
    return {
        "wins": int(np.count_nonzero(differences > 0)),
        "losses": int(np.count_nonzero(differences < 0)),
        "ties": int(np.count_nonzero(differences == 0)),
    }
