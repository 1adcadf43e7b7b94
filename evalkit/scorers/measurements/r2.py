"""measure = "r2": how much of the spread the answers explain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import reject_unknown
from evalkit.stats import regression
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """1 - SSE / SST of the answers themselves, no line fitted: 0 for always the mean, below for worse.

    It has no interval. There are no options.
    """
    reject_unknown(options, ())
    return Measurement(_estimate)


def _estimate(readings: Readings) -> Estimate:
    return regression.r2(*readings.means)
