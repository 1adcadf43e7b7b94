"""The power of a no loss is that of the interval that decides it, and the advice keeps what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multinomial

from evalkit.stats.margin_power import examples_for_margin_with_flips, examples_to_rule_out, no_loss_power
from evalkit.stats.tango import examples_for_margin, tango


@pytest.mark.parametrize(
    ("margin", "n", "gained", "lost"), [(0.1, 60, 0.02, 0.05), (0.15, 40, 0.1, 0.1), (0.05, 75, 0.0, 0.01)]
)
def test_the_power_is_that_of_every_table_that_can_come(margin: float, n: int, gained: float, lost: float) -> None:
    tables = [(won, gone) for won in range(n + 1) for gone in range(n + 1 - won) if won + gone < 30]
    chances = multinomial.pmf(
        [(won, gone, n - won - gone) for won, gone in tables], n, [gained, lost, 1 - gained - lost]
    )
    shown = [(tango(0, won, gone, n - won - gone).low or -1) > -margin for won, gone in tables]
    assert no_loss_power(margin, n, gained, lost) == pytest.approx(float(chances[shown].sum()), abs=1e-4)


def test_without_a_flip_the_margin_alone_says_how_many_are_needed() -> None:
    assert examples_to_rule_out(0.05, 0, 0, 40) == examples_for_margin(0.05)
    assert examples_for_margin_with_flips(0.05, flips=0.0) == examples_for_margin(0.05)


def test_no_number_of_examples_rules_out_a_loss_as_large_as_the_one_seen() -> None:
    assert examples_to_rule_out(0.05, 1, 6, 100) is None


@pytest.mark.parametrize(("gained", "lost", "n"), [(1, 1, 130), (0, 1, 130), (2, 2, 100), (8, 8, 130)])
@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 3])
def test_so_many_examples_have_the_power_that_is_promised(gained: int, lost: int, n: int, level: float) -> None:
    # The number at which the interval of the same shares comes above the margin has a power of about a half.
    needed = examples_to_rule_out(0.05, gained, lost, n, level)
    assert needed is not None
    assert 0.8 <= no_loss_power(0.05, needed, gained / n, lost / n, level) < 0.92
    assert no_loss_power(0.05, needed - 15, gained / n, lost / n, level) < 0.82


@pytest.mark.parametrize(("flips", "needed"), [(0.02, 124), (0.05, 205), (0.1, 339), (0.2, 639)])
def test_a_margin_of_five_points_takes_so_many_examples(flips: float, needed: int) -> None:
    assert examples_for_margin_with_flips(0.05, flips) == needed
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(needed, [flips / 2, flips / 2, 1 - flips], size=300)
    shown = [(tango(0, int(won), int(gone), int(rest)).low or -1) > -0.05 for won, gone, rest in drawn]
    assert 0.72 < np.mean(shown) < 0.88


def test_what_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="counts must be 0 to n, got 3 and 3 of 5"):
        examples_to_rule_out(0.05, 3, 3, 5)
    with pytest.raises(ValueError, match=r"flips and power must be shares, got 1\.5 and 0\.8"):
        examples_for_margin_with_flips(0.05, 1.5)
