"""measure = "length": how long the answers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.scorers.measurements.lengths import length_option
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import Estimate, mean_t


def make_measurement(options: Mapping[str, Any]) -> Measurement:
    """The mean length of a field, or of the whole answer, with Student's t interval: no length is worse than another.

    Options ``unit`` and ``of`` as for ``length_option``. Of a field it rests on the readable answers that have a text
    there, or a list; of the whole answer on all.

    >>> measurement = make_measurement({"unit": "words"})
    >>> measurement.reads("The bank raises rates")
    4.0
    """
    length = length_option(options)
    return Measurement(_estimate, reads=length.reads, of_text=length.of_text)


def _estimate(readings: Readings) -> Estimate:
    return mean_t(within_examples(readings.got, readings.examples))
