"""measure = "intercept": what is expected where 0 is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import reject_unknown
from evalkit.stats import regression
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """Of the line of ``slope``: what is expected, in the mean, where 0 is answered. In the unit of the field.

    There are no options.
    """
    reject_unknown(options, ())
    return Measurement(_estimate)


def _estimate(readings: Readings) -> Estimate:
    return regression.calibration_line(*readings.means).intercept
