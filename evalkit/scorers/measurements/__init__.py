"""Measurements of a number field: calibration and error, over the readable answers.

An unreadable answer has no value here. So a measurement says on how many examples it rests, and never gates.
Repeated samples are averaged inside their example first, in the measure's own unit, and ``n`` counts examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalkit.errors import ConfigError
from evalkit.scorers.options import number_option, reject_unknown
from evalkit.scorers.values import QUIET
from evalkit.stats import calibration, probabilities, regression
from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import Estimate
from evalkit.stats.samples import Array, pairs
from evalkit.stats.scores import rate


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What was got and what was expected, answer by answer, both of shape (answers,); and of which example each is."""

    got: Array
    expected: Array
    examples: tuple[str, ...]

    @classmethod
    def of(cls, got: ArrayLike, expected: ArrayLike, examples: Sequence[str] | None = None) -> Rows:
        """Without ``examples`` every answer is an example. Raises ValueError for what is not finite or of one length.

        >>> Rows.of([0.5, 1], [1, 1]).examples
        ('0', '1')
        """
        x, y = pairs(got, expected, ("got", "expected"))
        return cls(x, y, tuple(examples) if examples is not None else tuple(str(number) for number in range(x.size)))

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        names = (name for name, kept in zip(self.examples, chosen, strict=True) if kept)
        return Rows(self.got[chosen], self.expected[chosen], tuple(names))

    @property
    def means(self) -> tuple[Array, Array]:
        """Got and expected, each example once: the mean of its samples. In the order of ``sorted(set(examples))``."""
        return within_examples(self.got, self.examples), within_examples(self.expected, self.examples)


Measure = Callable[[Rows, Mapping[str, Any]], Estimate]
"""Rows and the options of task.toml in, a figure out. ConfigError on an option that it does not know or can't use, and
on expected values that it is no measure of."""


def _bias_factor(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """How many times too large the answers are (geometric mean of got / expected), 1 for no bias.

    Option ``quiet`` (default 0.03). Rests on the readable answers whose expected value is above ``quiet`` and whose
    value got is above 0, and ``n`` counts those: noise has no ratio worth having, and an answer of 0 or below
    has none at all. A model that answers 0 where it should not is so not seen here, but in its score.
    """
    loud = rows.where(rows.expected > quiet_of(options))
    return calibration.bias_factor(loud.got, loud.expected, examples=loud.examples)


def _mae(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """The mean absolute error, in the unit of the field, with Student's t interval. Rests on all readable answers."""
    reject_unknown(options, ())
    return calibration.mean_absolute_error(rows.got, rows.expected, examples=rows.examples)


def _left_quiet(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """The share of noise that was left alone, with the interval of ``rate``.

    Option ``quiet`` (default 0.03). Rests on the readable answers whose expected value is at most ``quiet``; the
    share is of those with |got| at most ``quiet``. Groups are not known here: near-copies count one by one.
    """
    quiet = quiet_of(options)
    noise = rows.where(rows.expected <= quiet)
    left = within_examples(np.abs(noise.got) <= quiet, noise.examples)
    return rate(left.tolist(), sorted(set(noise.examples)))


def _slope(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """Of the least-squares line expected = intercept + slope * got: below 1 where answers are too extreme."""
    reject_unknown(options, ())
    return regression.calibration_line(*rows.means).slope


def _intercept(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """Of the same line: what is expected, in the mean, where 0 is answered; in the unit of the field."""
    reject_unknown(options, ())
    return regression.calibration_line(*rows.means).intercept


def _r2(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """1 - SSE / SST of the answers themselves, no line fitted: 0 for always the mean, below for worse. No interval."""
    reject_unknown(options, ())
    return regression.r2(*rows.means)


def _adjusted_r2(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """``r2`` with a penalty for what was fitted: option ``predictors``, a whole number, default 1. No interval."""
    reject_unknown(options, {"predictors"})
    predictors = number_option(options, "predictors", 1.0)
    if predictors != int(predictors):
        raise ConfigError(f"option 'predictors' is {predictors:g}, expected a whole number")
    return regression.adjusted_r2(*rows.means, predictors=int(predictors))


def _concordance(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """Lin's concordance correlation, in [-1, 1]: 1 where every answer is what is expected. No interval."""
    reject_unknown(options, ())
    got, expected = rows.means
    return Estimate(calibration.concordance(got, expected), None, None, got.size)


def _brier(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """The mean of (probability - outcome)^2, 0 to 1, where 0 or 1 is expected. Rests on answers from 0 to 1."""
    reject_unknown(options, ())
    return probabilities.brier(*_forecasts(rows))


def _reliability(rows: Rows, options: Mapping[str, Any]) -> Estimate:
    """The part of the Brier score that is miscalibration, over option ``bins`` (default 10) bins of equal width.

    Mean of (said - happened)^2 over the bins, weighted by their examples: 0 where things happen as often as was said.
    Overestimated where bins hold few examples. No interval. Rests on answers from 0 to 1.
    """
    reject_unknown(options, {"bins"})
    bins = number_option(options, "bins", float(probabilities.BINS))
    if bins != int(bins) or bins < 1:
        raise ConfigError(f"option 'bins' is {bins:g}, expected a whole number of at least 1")
    forecasts, outcomes = _forecasts(rows)
    found = probabilities.decompose(forecasts, outcomes, int(bins))
    return Estimate(found.reliability if found else None, None, None, forecasts.size)


def quiet_of(options: Mapping[str, Any]) -> float:
    """Up to which size a value is noise, by the options of a measure that knows ``quiet`` alone. Raises ConfigError."""
    reject_unknown(options, {"quiet"})
    return number_option(options, "quiet", QUIET)


def _forecasts(rows: Rows) -> tuple[Array, Array]:
    wrong = ~np.isin(rows.expected, (0.0, 1.0))
    if wrong.any():
        raise ConfigError(f"{rows.expected[wrong][0]:g} is expected, and a probability is judged by 0 or 1")
    return rows.where((rows.got >= 0) & (rows.got <= 1)).means


MEASURES: Mapping[str, Measure] = {
    "bias_factor": _bias_factor,
    "mae": _mae,
    "left_quiet": _left_quiet,
    "slope": _slope,
    "intercept": _intercept,
    "r2": _r2,
    "adjusted_r2": _adjusted_r2,
    "concordance": _concordance,
    "brier": _brier,
    "reliability": _reliability,
}
"""What ``[measurements.<name>] measure = "..."`` may say."""
