"""measure = "concordance": how near the answers are to being equal to what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import reject_unknown
from evalkit.stats import calibration
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """Lin's concordance correlation, in [-1, 1]: 1 where every answer is what is expected. No interval, no options."""
    reject_unknown(options, ())
    return Measurement(_estimate)


def _estimate(readings: Readings) -> Estimate:
    got, expected = readings.means
    return Estimate(calibration.concordance(got, expected), None, None, got.size)
