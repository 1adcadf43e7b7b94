"""Probabilities that were answered, and what happened: what measurements of probabilities are made from."""

from __future__ import annotations

import numpy as np

from evalkit.errors import ConfigError
from evalkit.scorers.measurements.readings import Readings
from evalkit.stats.samples import Array


def forecasts(readings: Readings) -> tuple[Array, Array]:
    """The probabilities and the outcomes (0 or 1) of ``readings``, both of shape (examples,).

    Answers outside [0, 1] are left out. Raises ConfigError where another value than 0 or 1 is expected.
    """
    wrong = ~np.isin(readings.expected, (0.0, 1.0))
    if wrong.any():
        raise ConfigError(f"{readings.expected[wrong][0]:g} is expected, and a probability is judged by 0 or 1")
    return readings.where((readings.got >= 0) & (readings.got <= 1)).means
