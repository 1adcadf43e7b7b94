"""measure = "reliability": the part of the Brier score that is miscalibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.forecasts import forecasts
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import count_option, reject_unknown
from evalkit.stats import probabilities
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """Mean of (said - happened)^2 over bins of equal width, weighted by their examples.

    Option ``bins``, a whole number of at least 1, default 10. 0 where things happen as often as was said. Overestimated
    where bins hold few examples. It has no interval, and rests on answers from 0 to 1.
    """
    reject_unknown(options, {"bins"})
    bins = count_option(options, "bins", probabilities.BINS, least=1)

    def estimate(readings: Readings) -> Estimate:
        said, happened = forecasts(readings)
        parts = probabilities.decompose(said, happened, bins)
        return Estimate(parts.reliability if parts else None, None, None, said.size)

    return Measurement(estimate)
