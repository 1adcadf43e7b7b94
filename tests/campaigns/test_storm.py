"""A campaign tries the share that is asked for, the same again from the same seed, and tells what broke."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import pytest
from campaigns.storm import MOST_BROKEN, Storm


def drawn(seed: int, whole: int = 400) -> list[float]:
    """The cases that a tenth of a campaign tries."""
    storm = Storm("dice", seed, Fraction(1, 10))
    storm.run(whole, lambda random: random.random(), str)
    return [float(case) for case in storm.tried]


def broken_by(check: Callable[[int], str], **bounds: float) -> Storm:
    """A campaign of a hundred cases that breaks."""
    storm = Storm("dice", 7, Fraction(1))
    with pytest.raises(AssertionError):
        storm.run(100, lambda random: random.randrange(10), check, **bounds)
    return storm


def refused_over_eight(case: int) -> str:
    if case > 8:
        raise ValueError(f"what, {case}?")
    return "even" if case % 2 == 0 else "odd"


def test_the_same_seed_tries_the_same_cases() -> None:
    assert len(drawn(1)) == 40
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_the_smallest_share_is_one_case() -> None:
    assert len(drawn(1, whole=3)) == 1


def test_what_broke_is_told_with_its_case_and_the_others_are_tried() -> None:
    storm = broken_by(refused_over_eight)
    assert storm.tried.total() > 50
    assert storm.tried["broken"] == len(storm.broken) > 1
    assert "ValueError: what, 9? in 9" in storm.broken[0]
    assert storm.broken[0] in storm.told()


def test_a_fault_that_breaks_everything_ends_the_campaign() -> None:
    assert broken_by(lambda _: [][0]).tried.total() == MOST_BROKEN


def test_a_slow_case_is_broken() -> None:
    storm = broken_by(lambda _: str(sum(range(2_000_000)) > 0), most_each=0.001)
    assert "it took" in storm.broken[0]


def test_a_campaign_ends_by_itself() -> None:
    storm = broken_by(lambda _: time.sleep(0.02) or "slow", most_seconds=0.1)  # type: ignore[func-returns-value]
    assert storm.tried.total() < 10
    assert storm.broken[0].startswith("ended after")


def test_the_end_of_a_run_tells_of_each_campaign(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_dice(storm): storm.run(80, lambda random: 1, lambda case: 'a one')")
    result = pytester.runpytest("-p", "campaigns.storm", "--storm-seed=5", "--storm-share=1/8")
    result.stdout.fnmatch_lines(["test_dice, seed 5: 10 cases, 0 broken", "  a one 10"])
