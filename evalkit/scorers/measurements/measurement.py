"""What a measurement is.

A measurement is one file of this folder, or an entry point in the group ``evalkit.measurements``; its name is what
task.toml says: ``measurements/mae.py`` is ``measure = "mae"``. The file has one function

    def make_measurement(options) -> Measurement

which checks the options of ``[measurements.<name>]`` once (ConfigError). An unreadable answer has no value here. So a
measurement says on how many examples it rests, and never gates. Repeated samples are averaged inside their example
first, in the measurement's own unit, and ``n`` counts examples.

The keys ``measure`` and ``field`` of ``[measurements.<name>]`` are the task's, and no option of any measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evalkit.scorers.measurements.readings import Readings
from evalkit.scorers.values import as_number
from evalkit.stats.intervals import Estimate, mean_t
from evalkit.stats.samples import Array


def mean_increase(before: Array, after: Array) -> Estimate | None:
    """The mean of the paired differences after - before, with Student's t interval.

    Both are of shape (examples,), with the same examples in the same order.

    >>> import numpy as np
    >>> mean_increase(np.array([0.0, 1.0]), np.array([1.0, 2.0])).value
    1.0
    """
    return mean_t(after - before)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure over many answers, with its options settled.

    ``estimate`` makes the figure. It raises ConfigError for expected values that it can't be made of.
    ``badness`` is for a figure that is a mean over examples: what it averages, of shape (answers,), larger for worse,
    and NaN where an answer does not count. With it, two models are compared example by example.
    ``worsening`` says by how much it became worse, from the badness before and after of the examples that both have,
    each of shape (examples,) and in the unit of ``badness``; None where that can't be said.
    ``reads`` makes a number of a JSON value of the field, got or expected, and None of one that does not count; null is
    never a number. With ``of_text`` it is handed the whole text of an answer, readable or not, and not a field.
    """

    estimate: Callable[[Readings], Estimate]
    badness: Callable[[Readings], Array] | None = None
    worsening: Callable[[Array, Array], Estimate | None] = mean_increase
    reads: Callable[[Any], float | None] = as_number
    of_text: bool = False

    @property
    def is_error(self) -> bool:
        """Whether the figure itself is a mean of badness, so that the smaller of two is the better one."""
        return self.badness is not None and self.worsening is mean_increase
