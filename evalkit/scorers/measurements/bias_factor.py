"""measure = "bias_factor": how many times too large the answers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import number_option, reject_unknown
from evalkit.scorers.values import QUIET
from evalkit.stats import calibration
from evalkit.stats.intervals import Estimate, mean_t
from evalkit.stats.samples import Array


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The geometric mean of got / expected: 1 for no bias, 2 for answers that are twice too large.

    Option ``quiet`` (at least 0, default 0.03). Rests on the readable answers whose expected value is above ``quiet``
    and whose value got is above 0, and ``n`` counts those: noise has no ratio worth having, and an answer of 0 or below
    has none at all. A model that answers 0 where it should not is so not seen here, but in its score.
    """
    reject_unknown(options, {"quiet"})
    quiet = number_option(options, "quiet", QUIET)

    def estimate(readings: Readings) -> Estimate:
        loud = readings.where(readings.expected > quiet)
        return calibration.bias_factor(loud.got, loud.expected, examples=loud.examples)

    def log_ratio(readings: Readings) -> Array:
        counted = (readings.expected > quiet) & (readings.got > 0)
        ratios = np.divide(readings.got, readings.expected, out=np.ones_like(readings.got), where=counted)
        return np.where(counted, np.log(ratios), np.nan)

    return Measurement(estimate, badness=log_ratio, worsening=_further_from_one)


def _further_from_one(before: Array, after: Array) -> Estimate:
    """By how much the factor went away from 1, on the scale of logarithms and on either side: from 1.02 to 0.25 is
    further, as from 0.95 to 0.25 is. Student's t interval of the paired changes."""
    return mean_t(np.sign(after.mean()) * after - np.sign(before.mean()) * before)
