"""How a measurement changed from one model to another, on the examples that both answered readably."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings
from evalkit.stats.clustered import within_examples
from evalkit.stats.intervals import Estimate
from evalkit.stats.samples import Array


@dataclass(frozen=True, slots=True)
class MeasurementChange:
    """A measurement ``before`` and ``after``.

    ``worse`` is by how much it became worse, in the unit of the measurement's ``badness``, with the interval of its
    ``worsening``: Student's t of the paired changes, or for a share the exact one of right or wrong. None for a
    measurement that is no mean over examples, and where that can't be said.
    """

    before: Estimate
    after: Estimate
    worse: Estimate | None


def change(measurement: Measurement, before: Readings, after: Readings) -> MeasurementChange:
    """The ``measurement`` of both, and how it changed, on the examples that both have.

    >>> from evalkit.scorers.measurements.mae import make_measurement
    >>> before, after = Readings.of([1, 2, 3, 4], [1, 2, 3, 4]), Readings.of([2, 3, 4, 6], [1, 2, 3, 4])
    >>> result = change(make_measurement({}), before, after)
    >>> result.before.value, result.after.value, result.worse.value
    (0.0, 1.25, 1.25)
    """
    common = {*before.examples} & {*after.examples}
    before, after = (
        readings.where(np.array([name in common for name in readings.examples], bool)) for readings in (before, after)
    )
    return MeasurementChange(
        measurement.estimate(before), measurement.estimate(after), _worse(measurement, before, after)
    )


def _worse(measurement: Measurement, before: Readings, after: Readings) -> Estimate | None:
    if measurement.badness is None:
        return None
    first, second = (_by_example(measurement.badness(readings), readings) for readings in (before, after))
    both = sorted(first.keys() & second.keys())
    if not both:
        return None
    return measurement.worsening(np.array([first[name] for name in both]), np.array([second[name] for name in both]))


def _by_example(values: Array, readings: Readings) -> dict[str, float]:
    """The mean of each example's values, where it has any that count."""
    counted = np.isfinite(values)
    names = [name for name, counts in zip(readings.examples, counted, strict=True) if counts]
    return dict(zip(sorted(set(names)), within_examples(values[counted], names).tolist(), strict=True))
