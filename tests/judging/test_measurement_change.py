"""How a measurement changed between two models, held against SciPy's paired t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

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


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [(1.02, 0.25, True), (0.98, 0.25, True), (1.02, 4.0, True), (0.98, 4.0, True), (0.8, 2.0, True),
     (0.25, 1.02, False), (4.0, 0.98, False), (0.5, 1.9, False), (1.02, 0.98, False)],
)  # fmt: skip
def test_a_bias_is_worse_the_further_it_is_from_1_on_either_side(before: float, after: float, worse: bool) -> None:
    noise = np.exp(np.random.default_rng(1).normal(0, 0.1, (2, 40)))
    found = change(measurement("bias_factor"), rows(EXPECTED * before * noise[0]), rows(EXPECTED * after * noise[1]))
    assert found.worse is not None
    assert found.before.value is not None
    assert found.after.value is not None
    assert found.worse.value == pytest.approx(
        abs(np.log(found.after.value)) - abs(np.log(found.before.value)), abs=1e-9
    )
    assert found.worse.low is not None
    assert (found.worse.low > 0) == worse


@pytest.mark.parametrize(("louder", "quieter", "worse"), [(4, 0, False), (5, 0, False), (6, 0, True), (11, 3, False)])
def test_noise_is_left_alone_less_often_where_the_exact_test_says_so(louder: int, quieter: int, worse: bool) -> None:
    # By Student's t 4 of 40 were "worse" (0.003 to 0.197), where the one-sided p of four coins is 0.0625.
    names, expected = [f"e{n:02}" for n in range(40)], np.zeros(40)
    before = np.where(np.arange(40) < quieter, 0.5, 0.0)
    after = np.where((np.arange(40) >= quieter) & (np.arange(40) < quieter + louder), 0.5, 0.0)
    found = change(
        measurement("left_quiet"), Readings.of(before, expected, names), Readings.of(after, expected, names)
    ).worse
    assert found is not None
    assert found.value == pytest.approx((louder - quieter) / 40)
    assert found.low is not None
    assert (found.low > 0) == worse == (binom.sf(louder - 1, louder + quieter, 0.5) <= 0.025)


def test_a_measure_that_is_no_mean_over_examples_has_no_such_figure() -> None:
    found = change(measurement("concordance"), rows(BEFORE), rows(AFTER))
    assert found.worse is None
    assert found.before.value != found.after.value


def test_without_a_common_example_nothing_is_estimable() -> None:
    found = change(measurement("mae"), rows(BEFORE, slice(0, 10)), rows(AFTER, slice(10, 20)))
    assert (found.before.value, found.after.value, found.worse) == (None, None, None)
