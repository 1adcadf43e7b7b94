"""measure = "adjusted_r2": r2, less what fitting alone would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import count_option, reject_unknown
from evalkit.stats import regression
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """``r2`` with a penalty for what was fitted: option ``predictors``, a whole number, default 1. No interval."""
    reject_unknown(options, {"predictors"})
    predictors = count_option(options, "predictors", 1)

    def estimate(readings: Readings) -> Estimate:
        return regression.adjusted_r2(*readings.means, predictors=predictors)

    return Measurement(estimate)
