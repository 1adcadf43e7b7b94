"""From scores to figures: rates, measurements and paired comparisons, each with its interval and its n.

Scores are in [0, 1], one per example, and an unreadable answer has 0. Measurements have no value for an
unreadable answer: they rest on the readable ones, say on how many, and never gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.scorers.magnitude import QUIET
from evalkit.scorers.number import number_option, only_options
from evalkit.stats import calibration
from evalkit.stats.bootstrap import cluster_bootstrap
from evalkit.stats.intervals import Estimate, wilson
from evalkit.stats.permutation import sign_flip
from evalkit.stats.planning import examples_needed
from evalkit.stats.samples import gather, pairs

Measure = Callable[[Sequence[float], Sequence[float], Mapping[str, Any]], Estimate]
"""``(got, expected, options) -> Estimate`` over the readable answers; ConfigError on options it does not know."""

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
class Paired:
    """What two models' scores on the same examples say of their difference, candidate minus the other.

    ``difference`` has the mean with a two-sided 95 % interval: its bounds are the one-sided 97.5 % ones that
    verdicts use. ``p`` is one-sided, small where the candidate is better. ``wins``, ``losses`` and ``ties`` count
    examples. ``needed`` is how many examples would show a true difference as large as the one seen with power 0.8.
    """

    difference: Estimate
    p: float | None
    wins: int
    losses: int
    ties: int
    needed: int | None


def paired(candidate: Sequence[float], against: Sequence[float], groups: Sequence[str], seed: int = 0) -> Paired:
    """Compares two models' scores, in [0, 1], on the same examples in the same order; ``groups`` as in ``rate``.

    The interval is the cluster bootstrap's (BCa), p the sign-flip test's with one sign per group, and ``needed``
    that of ``planning.examples_needed``. Where every group differs by the same amount, as with two models that
    score alike everywhere, the interval is the one that ``cluster_bootstrap`` has for that case.
    Rests on all examples. Without any, nothing is estimable and p is None; ``needed`` is None too where the
    candidate is not better, and where the spread of the differences is not estimable.
    Raises ValueError where a score is outside [0, 1], a label is empty, or the lengths differ.

    >>> result = paired([1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 0, 1], ["a", "b", "c", "d", "e", "f"])
    >>> result.difference.value, result.p, result.wins, result.losses, result.ties
    (0.5, 0.125, 3, 0, 3)
    """
    ours, theirs = pairs(candidate, against, ("candidate", "against"))
    for name, scores in (("candidate", ours), ("against", theirs)):
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise ValueError(f"{name} must be scores from 0 to 1, got {scores.min():g} to {scores.max():g}")
    differences = np.round(ours - theirs, _DIGITS)
    mean = cluster_bootstrap(differences, groups, seed=seed, bounds=(-1.0, 1.0))
    better = mean.value is not None and mean.value > 0
    return Paired(
        difference=mean,
        p=sign_flip(differences, groups, seed=seed),
        wins=int(np.count_nonzero(differences > 0)),
        losses=int(np.count_nonzero(differences < 0)),
        ties=int(np.count_nonzero(differences == 0)),
        needed=examples_needed(differences, mean.value, groups=groups) if better and mean.value else None,
    )


def _bias_factor(got: Sequence[float], expected: Sequence[float], options: Mapping[str, Any]) -> Estimate:
    """How many times too large the answers are (geometric mean of got / expected), 1 for no bias.

    Option ``quiet`` (default 0.03). Rests on the readable answers whose expected value is above ``quiet`` and whose
    value got is above 0, and ``n`` counts those: noise has no ratio worth having, and an answer of 0 or below
    has none at all. A model that answers 0 where it should not is so not seen here, but in its score.
    """
    only_options(options, {"quiet"})
    quiet = number_option(options, "quiet", QUIET)
    x, y = pairs(got, expected, ("got", "expected"))
    return calibration.bias_factor(x[y > quiet], y[y > quiet])


def _mae(got: Sequence[float], expected: Sequence[float], options: Mapping[str, Any]) -> Estimate:
    """The mean absolute error, in the unit of the field, with Student's t interval. Rests on all readable answers."""
    only_options(options, ())
    return calibration.mean_absolute_error(got, expected)


def _left_quiet(got: Sequence[float], expected: Sequence[float], options: Mapping[str, Any]) -> Estimate:
    """The share of noise that was left alone, with Wilson's interval.

    Option ``quiet`` (default 0.03). Rests on the readable answers whose expected value is at most ``quiet``; the
    share is of those with |got| at most ``quiet``. Groups are not known here: near-copies count one by one.
    """
    only_options(options, {"quiet"})
    quiet = number_option(options, "quiet", QUIET)
    x, y = pairs(got, expected, ("got", "expected"))
    noise = x[y <= quiet]
    return wilson(int(np.count_nonzero(np.abs(noise) <= quiet)), noise.size)


MEASURES: Mapping[str, Measure] = {"bias_factor": _bias_factor, "mae": _mae, "left_quiet": _left_quiet}
"""What ``[measurements.<name>] measure = "..."`` may say."""
