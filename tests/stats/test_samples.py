"""Only finite numbers get in, and gathering by group does not depend on the order of examples."""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.stats.samples import finite, gather, pairs

number = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused_with_its_position(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"^scores must be finite, got -?(nan|inf) at position 1$"):
        finite([0.0, bad], "scores")


@pytest.mark.parametrize("bad", [None, "0.5"])
def test_a_missing_value_or_text_never_becomes_a_number(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"values must be numbers, got .* \(a missing value must be left out\)"):
        finite([0.5, bad])


def test_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"values must be one-dimensional, got shape \(1, 2\)"):
        finite([[0.5, 0.5]])


def test_pairs_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="got and expected must be of one length, got 2 and 1"):
        pairs([1.0, 2.0], [1.0], ("got", "expected"))


def test_an_empty_label_is_refused_because_it_would_join_strangers() -> None:
    with pytest.raises(ValueError, match="a group must be a label that is not empty, got ''; give the example's id"):
        gather([1.0, 1.0], ["a", ""])


def test_as_many_labels_as_values_are_needed() -> None:
    with pytest.raises(ValueError, match="values and groups must be of one length, got 2 and 1"):
        gather([1.0, 1.0], ["a"])


def test_the_groups_come_in_the_order_of_their_labels() -> None:
    clusters = gather([1.0, 2.0, 4.0], ["b", "a", "b"])
    assert clusters.sums.tolist() == [2.0, 5.0]
    assert clusters.sizes.tolist() == [1.0, 2.0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(number, st.sampled_from("abc")), min_size=1), st.randoms())
def test_shuffled_examples_gather_to_the_same_bits(rows: list[tuple[float, str]], random: Random) -> None:
    shuffled = random.sample(rows, len(rows))
    one, other = (gather([v for v, _ in r], [g for _, g in r]) for r in (rows, shuffled))
    assert np.array_equal(one.sums, other.sums)
    assert one.mean == other.mean
