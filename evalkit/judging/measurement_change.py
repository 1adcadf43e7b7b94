"""How a measurement changed from one model to another, on the examples that both answered readably."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.scorers.measurements import MEASURES, Rows, quiet_of
from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import Estimate, mean_t
from evalkit.stats.samples import Array


@dataclass(frozen=True, slots=True)
class MeasurementChange:
    """A measurement ``before`` and ``after``.

    ``worse`` is by how much it became worse, in the unit of what is averaged (for ``bias_factor`` the logarithm, away
    from 0): the mean of the paired changes with Student's t interval. None for a measure that is no mean over examples.
    """

    before: Estimate
    after: Estimate
    worse: Estimate | None


def change(measure: str, options: Mapping[str, Any], before: Rows, after: Rows) -> MeasurementChange:
    """The ``measure`` of both, and how it changed, on the examples that both have.

    >>> before, after = Rows.of([1, 2, 3, 4], [1, 2, 3, 4]), Rows.of([2, 3, 4, 6], [1, 2, 3, 4])
    >>> found = change("mae", {}, before, after)
    >>> found.before.value, found.after.value, found.worse.value
    (0.0, 1.25, 1.25)
    """
    common = {*before.examples} & {*after.examples}
    before, after = (rows.where(np.array([name in common for name in rows.examples], bool)) for rows in (before, after))
    return MeasurementChange(
        MEASURES[measure](before, options), MEASURES[measure](after, options), _worse(measure, options, before, after)
    )


def _worse(measure: str, options: Mapping[str, Any], before: Rows, after: Rows) -> Estimate | None:
    if measure not in _OF_EACH:
        return None
    then, now = (_inside(_OF_EACH[measure](rows, options), rows) for rows in (before, after))
    both = sorted(then.keys() & now.keys())
    if not both:
        return None
    first, second = np.array([then[name] for name in both]), np.array([now[name] for name in both])
    if measure != "bias_factor":
        return mean_t(second - first)
    # Worse is further from 0, on the side where it was.
    side = np.sign(second.mean())
    return mean_t(side * (second - first)) if side * first.mean() >= 0 else None


def _inside(values: Array, rows: Rows) -> dict[str, float]:
    """The mean of each example's values, where it has any."""
    kept = np.isfinite(values)
    names = [name for name, whether in zip(rows.examples, kept, strict=True) if whether]
    return dict(zip(sorted(set(names)), within_examples(values[kept], names).tolist(), strict=True))


def _error(rows: Rows, _: Mapping[str, Any]) -> Array:
    return np.abs(rows.got - rows.expected)


def _square(rows: Rows, _: Mapping[str, Any]) -> Array:
    return np.where((rows.got >= 0) & (rows.got <= 1), (rows.got - rows.expected) ** 2, np.nan)


def _loud(rows: Rows, options: Mapping[str, Any]) -> Array:
    quiet = quiet_of(options)
    return np.where(rows.expected <= quiet, np.abs(rows.got) > quiet, np.nan)


def _log_ratio(rows: Rows, options: Mapping[str, Any]) -> Array:
    counted = (rows.expected > quiet_of(options)) & (rows.got > 0)
    ratios = np.divide(rows.got, rows.expected, out=np.ones_like(rows.got), where=counted)
    return np.where(counted, np.log(ratios), np.nan)


_OF_EACH: Mapping[str, Callable[[Rows, Mapping[str, Any]], Array]] = {
    "mae": _error,
    "brier": _square,
    "left_quiet": _loud,
    "bias_factor": _log_ratio,
}
"""What a measure averages, answer by answer, larger for worse; not a number where an answer does not count."""
