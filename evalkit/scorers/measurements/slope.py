"""measure = "slope": how much of a difference between answers is real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import reject_unknown
from evalkit.stats import regression
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """Of the least-squares line expected = intercept + slope * got: below 1 where answers are too extreme.

    There are no options.
    """
    reject_unknown(options, ())
    return Measurement(_estimate)


def _estimate(readings: Readings) -> Estimate:
    return regression.calibration_line(*readings.means).slope
