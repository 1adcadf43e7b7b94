"""Holm's adjustment agrees with printed examples, statsmodels and the closure principle, whatever is selected."""

from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from evalkit.stats.holm import holm, holm_levels

p_value = st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.025, 0.05, 1.0])
family = st.dictionaries(st.sampled_from("abcdefg"), st.none() | p_value)
judged = st.dictionaries(st.sampled_from("abcdefg"), p_value, min_size=1)


def _adjusted(*p_values: float | None) -> list[float | None]:
    return list(holm({f"H{n}": p for n, p in enumerate(p_values, 1)}).values())


def test_the_encyclopaedias_four_hypotheses_come_out_as_printed() -> None:
    # Wikipedia, "Holm-Bonferroni method": p of 0.01, 0.04, 0.03 and 0.005; at 5 % the first and the last are
    # rejected, and no more. 0.04 takes the adjusted p of the smaller 0.03.
    assert _adjusted(0.01, 0.04, 0.03, 0.005) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_stdlibs_printed_example_comes_out() -> None:
    # https://stdlib.io/docs/api/latest/@stdlib/stats/padjust, method holm; it names the first, second and last two.
    assert _adjusted(0.319, 0.201, 0.4, 0.374, 0.113) == pytest.approx([0.957, 0.804, 0.957, 0.957, 0.565])


@settings(max_examples=25, deadline=None)
@given(judged)
def test_the_adjusted_p_are_those_of_statsmodels(p_values: dict[str, float | None]) -> None:
    theirs = multipletests(list(p_values.values()), method="holm")[1]
    assert list(holm(p_values).values()) == pytest.approx(theirs.tolist(), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(family)
def test_a_p_is_the_largest_bonferroni_p_of_the_subfamilies_it_is_in(p_values: dict[str, float | None]) -> None:
    # Holm's test is the closure of Bonferroni's: R. Marcus, E. Peritz and K. R. Gabriel (1976), Biometrika 63, 655-660.
    adjusted = holm(p_values)
    known = {name: 1.0 if p is None else p for name, p in p_values.items()}
    groups = [group for size in range(1, len(known) + 1) for group in combinations(known, size)]
    for name in (name for name, p in p_values.items() if p is not None):
        worst = max(min(1.0, len(g) * min(known[other] for other in g)) for g in groups if name in g)
        assert adjusted[name] == pytest.approx(worst, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(family)
def test_no_adjusted_p_is_below_its_raw_one_or_out_of_order(p_values: dict[str, float | None]) -> None:
    adjusted = holm(p_values)
    judged: list[Any] = sorted((p, adjusted[name]) for name, p in p_values.items() if p is not None)
    assert all(p <= a <= 1 for p, a in judged)
    assert [a for _, a in judged] == sorted(a for _, a in judged)


@settings(max_examples=60, deadline=None)
@given(judged, st.data())
def test_leaving_hypotheses_unjudged_lowers_no_other_p(p_values: dict[str, float | None], data: st.DataObject) -> None:
    left_out = data.draw(st.sets(st.sampled_from(sorted(p_values))))
    full, partly = holm(p_values), holm({name: None if name in left_out else p for name, p in p_values.items()})
    assert all(partly[name] >= full[name] for name in p_values if name not in left_out)


@settings(max_examples=60, deadline=None)
@given(family, st.randoms())
def test_the_order_of_declaration_makes_no_difference(p_values: dict[str, float | None], random: Random) -> None:
    assert holm(dict(random.sample(list(p_values.items()), len(p_values)))) == holm(p_values)


def test_the_family_keeps_its_names_and_their_order() -> None:
    assert list(holm({"b": 0.2, "a": None, "c": 0.1})) == ["b", "a", "c"]


def test_one_hypothesis_keeps_its_p() -> None:
    assert holm({"only": 0.024}) == {"only": 0.024}


def test_what_was_not_judged_stays_so_and_counts() -> None:
    assert holm({"a": 0.01, "b": None, "c": None}) == {"a": 0.03, "b": None, "c": None}


def test_a_family_that_nobody_judged_or_declared_is_no_error() -> None:
    assert holm({"a": None}) == {"a": None}
    assert holm({}) == {}


@pytest.mark.parametrize("p", [-0.01, 1.01, float("nan")])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"p of 'b' must be from 0 to 1, got (-0\.01|1\.01|nan)"):
        holm({"a": 0.5, "b": p})


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.none() | st.floats(0, 0.1), min_size=1))
def test_each_level_says_of_its_p_what_holms_adjusted_p_says(p_values: dict[str, float | None]) -> None:
    adjusted, levels = holm(p_values), holm_levels(p_values, 0.025)
    for name, p in p_values.items():
        worth = adjusted[name]
        if p is not None and worth is not None and abs(worth - 0.025) > 1e-12:
            assert (p <= levels[name]) == (worth <= 0.025)


def test_levels_of_three_go_from_a_third_to_the_whole_and_stop_at_the_first_that_fails() -> None:
    assert holm_levels({"a": 0.001, "b": 0.002, "c": 0.02}, 0.03) == {"a": 0.01, "b": 0.015, "c": 0.03}
    assert holm_levels({"a": 0.02, "b": 0.025, "c": None}, 0.03) == {"a": 0.01, "b": 0.01, "c": 0.01}
