"""measure = "brier": how far probabilities are from what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.scorers.measurements.forecasts import forecasts
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.rows import Rows
from evalkit.scorers.options import reject_unknown
from evalkit.stats import probabilities
from evalkit.stats.intervals import Estimate
from evalkit.stats.samples import Array


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The mean of (probability - outcome)^2, 0 to 1, where 0 or 1 is expected. Rests on answers from 0 to 1.

    There are no options.

    >>> make_measurement({}).estimate(Rows.of([0.5, 1.0], [1, 1])).value
    0.125
    """
    reject_unknown(options, ())
    return Measurement(_estimate, badness=_square)


def _estimate(rows: Rows) -> Estimate:
    return probabilities.brier(*forecasts(rows))


def _square(rows: Rows) -> Array:
    return np.where((rows.got >= 0) & (rows.got <= 1), (rows.got - rows.expected) ** 2, np.nan)
