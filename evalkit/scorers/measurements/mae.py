"""measure = "mae": the mean absolute error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import reject_unknown
from evalkit.stats import calibration
from evalkit.stats.intervals import Estimate
from evalkit.stats.samples import Array


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The mean of |got - expected|, in the unit of the field, with Student's t interval. Rests on all readable answers.

    There are no options.

    >>> make_measurement({}).estimate(Readings.of([0.5, 0.25], [0.25, 0.25])).value
    0.125
    """
    reject_unknown(options, ())
    return Measurement(_estimate, badness=_error)


def _estimate(readings: Readings) -> Estimate:
    return calibration.mean_absolute_error(readings.got, readings.expected, examples=readings.examples)


def _error(readings: Readings) -> Array:
    return np.abs(readings.got - readings.expected)
