"""How a measurement changed between two models, held against SciPy's paired t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evalkit._internal.registry import find
from evalkit.judging.measurement_change import change
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings

RNG = np.random.default_rng(0)
EXPECTED = np.where(np.arange(40) % 4 == 0, 0.0, RNG.uniform(0.05, 0.6, 40))
BEFORE = np.clip(EXPECTED * 1.2 + RNG.normal(0, 0.02, 40), 0.001, 1)
AFTER = np.clip(EXPECTED * 1.5 + RNG.normal(0, 0.05, 40), 0.001, 1)
LOUD = EXPECTED > 0.03
RATIOS = [np.log(got[LOUD] / EXPECTED[LOUD]) for got in (BEFORE, AFTER)]


def measurement(name: str) -> Measurement:
    made: Measurement = find("measurements", name).make_measurement({})
    return made


def rows(got: np.ndarray, kept: slice = slice(None)) -> Readings:
    names = [f"e{n:02}" for n in range(40)]
    return Readings.of(got[kept], EXPECTED[kept], names[kept])


@pytest.mark.parametrize(
    ("measure", "before", "after"),
    [
        ("mae", abs(BEFORE - EXPECTED), abs(AFTER - EXPECTED)),
        ("bias_factor", *RATIOS),
        ("left_quiet", (BEFORE > 0.03)[~LOUD] * 1.0, (AFTER > 0.03)[~LOUD] * 1.0),
    ],
)  # fmt: skip
def test_how_much_worse_it_became_is_the_paired_t_of_what_is_averaged(
    measure: str, before: list[float], after: list[float]
) -> None:
    found = change(measurement(measure), rows(BEFORE), rows(AFTER)).worse
    theirs = stats.ttest_1samp(after - before, 0).confidence_interval(0.95)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx(((after - before).mean(), *theirs))


def test_only_examples_that_both_have_are_compared() -> None:
    found = change(measurement("mae"), rows(BEFORE, slice(0, 30)), rows(AFTER, slice(10, 40)))
    assert (found.before.n, found.after.n, found.worse.n) == (20, 20, 20)


def test_sizes_that_were_too_small_and_are_smaller_became_worse() -> None:
    smaller = rows(EXPECTED * np.where(np.arange(40) % 3, 0.4, 0.5))
    found = change(measurement("bias_factor"), rows(EXPECTED * 0.8), smaller).worse
    assert found is not None
    assert found.low is not None
    assert found.low > 0


def test_sizes_that_went_from_too_small_to_too_large_have_no_such_figure() -> None:
    assert change(measurement("bias_factor"), rows(EXPECTED * 0.8), rows(EXPECTED * 1.3)).worse is None


def test_a_measure_that_is_no_mean_over_examples_has_no_such_figure() -> None:
    found = change(measurement("concordance"), rows(BEFORE), rows(AFTER))
    assert found.worse is None
    assert found.before.value != found.after.value


def test_without_a_common_example_nothing_is_estimable() -> None:
    found = change(measurement("mae"), rows(BEFORE, slice(0, 10)), rows(AFTER, slice(10, 20)))
    assert (found.before.value, found.after.value, found.worse) == (None, None, None)
