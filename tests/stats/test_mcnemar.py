"""McNemar's exact test agrees with statsmodels and with a published example."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from evalkit.stats.mcnemar import McNemar, mcnemar

outcomes = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=200)


def test_the_published_example_has_its_p() -> None:
    # M. W. Fagerland, S. Lydersen and P. Laake (2013), BMC Med. Res. Methodol. 13:91, Table 1: airway
    # hyper-responsiveness of 21 children before and after a transplantation; discordant pairs 1 and 7.
    before = [1] * 1 + [1] * 1 + [0] * 7 + [0] * 12
    after = [1] * 1 + [0] * 1 + [1] * 7 + [0] * 12
    result = mcnemar(after, before)
    assert (result.gained, result.lost, result.n) == (7, 1, 21)
    assert result.p == 18 / 256


@settings(max_examples=60, deadline=None)
@given(outcomes)
def test_p_agrees_with_statsmodels(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    table = np.array([[sum(p == (a, b) for p in pairs) for b in (0, 1)] for a in (0, 1)])
    assert mcnemar(ours, theirs).p == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(outcomes)
def test_swapping_the_models_swaps_the_counts_and_keeps_p(pairs: list[tuple[int, int]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    there, back = mcnemar(ours, theirs), mcnemar(theirs, ours)
    assert (back.gained, back.lost, back.p) == (there.lost, there.gained, there.p)


def test_thousands_of_discordant_pairs_are_no_problem() -> None:
    assert mcnemar([1] * 2000 + [0] * 2000, [0] * 2000 + [1] * 2000).p == 1.0


def test_no_pairs_have_no_p() -> None:
    assert mcnemar([], []) == McNemar(0, 0, 0, None)


def test_models_that_never_differ_have_p_1() -> None:
    assert mcnemar([1, 0], [1, 0]) == McNemar(0, 0, 2, 1.0)


def test_half_right_is_refused() -> None:
    with pytest.raises(ValueError, match=r"against must be 0 or 1, got 0\.5"):
        mcnemar([1, 1], [1, 0.5])


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="candidate and against must be of one length, got 1 and 2"):
        mcnemar([1], [1, 0])
