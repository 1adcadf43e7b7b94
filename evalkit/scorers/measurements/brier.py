"""measure = "brier": how far probabilities are from what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.scorers.measurements.forecasts import forecasts
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import reject_unknown
from evalkit.stats import probabilities
from evalkit.stats.intervals import Estimate
from evalkit.stats.samples import Array


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The mean of (probability - outcome)^2, 0 to 1, where 0 or 1 is expected. Rests on answers from 0 to 1.

    There are no options.

    >>> make_measurement({}).estimate(Readings.of([0.5, 1.0], [1, 1])).value
    0.125
    """
    reject_unknown(options, ())
    return Measurement(_estimate, badness=_square)


def _estimate(readings: Readings) -> Estimate:
    return probabilities.brier(*forecasts(readings))


def _square(readings: Readings) -> Array:
    return np.where((readings.got >= 0) & (readings.got <= 1), (readings.got - readings.expected) ** 2, np.nan)
