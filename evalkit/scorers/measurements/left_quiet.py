"""measure = "left_quiet": the share of noise that was left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.options import number_option, reject_unknown
from evalkit.scorers.values import QUIET
from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import Estimate
from evalkit.stats.paired import difference
from evalkit.stats.rates import rate
from evalkit.stats.samples import Array


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The share of noise that was left alone, with the interval of ``rate``.

    Option ``quiet`` (at least 0, default 0.03). Rests on the readable answers whose expected value is at most
    ``quiet``; the share is of those with |got| at most ``quiet``. Groups are not known here: near-copies count one by
    one.
    """
    reject_unknown(options, {"quiet"})
    quiet = number_option(options, "quiet", QUIET)

    def estimate(readings: Readings) -> Estimate:
        noise = readings.where(readings.expected <= quiet)
        left = within_examples(np.abs(noise.got) <= quiet, noise.examples)
        return rate(left.tolist(), sorted(set(noise.examples)))

    def loud(readings: Readings) -> Array:
        return np.where(readings.expected <= quiet, np.abs(readings.got) > quiet, np.nan)

    return Measurement(estimate, badness=loud, worsening=_louder)


def _louder(before: Array, after: Array) -> Estimate:
    """How much less was left alone: the difference of two paired rates, whose interval reaches 0 where the exact p of
    so many flips shows none. Four made loud and none quiet of forty are four coins, and no change."""
    return difference(after.tolist(), before.tolist(), [str(number) for number in range(before.size)])
