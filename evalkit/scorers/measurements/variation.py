"""measure = "variation": how much the lengths of the answers differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.lengths import length_option
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import Estimate


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The coefficient of variation of the lengths: their standard deviation (by n - 1) over their mean.

    0 for answers that are all of one length. Options and what it rests on as for ``length``. It has no interval, and
    no value for fewer than two examples and where the mean is 0.

    >>> round(make_measurement({}).estimate(Readings.of([8, 12], [10, 10])).value, 4)
    0.2828
    """
    length = length_option(options)
    return Measurement(_estimate, reads=length.reads, of_text=length.of_text)


def _estimate(readings: Readings) -> Estimate:
    lengths = within_examples(readings.got, readings.examples)
    if lengths.size < 2 or not lengths.any():
        return Estimate(None, None, None, lengths.size)
    return Estimate(float(lengths.std(ddof=1) / lengths.mean()), None, None, lengths.size)
