"""Whatever is tried with useless models, anything ships in at most 2.5 % of all tries: through the real ledger."""

from __future__ import annotations

import pytest
from attacks_on_looks import ATTACKS, outcomes, without_ledger
from scipy.stats import binom

from evalkit.stats.intervals import ALPHA

TRIES = 300


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_ships_useless_models_more_often_than_the_level(attack: str) -> None:
    """At a true rate of 2.5 % so many are seen in one of a thousand repetitions."""
    assert sum(outcomes(ATTACKS[attack], TRIES)) <= binom.ppf(0.999, TRIES, ALPHA)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "-k" not in name])
def test_without_a_ledger_each_attack_would_succeed(attack: str) -> None:
    """So that a test that finds nothing is not one that looks for nothing."""
    assert sum(outcomes(without_ledger(ATTACKS[attack]), TRIES)) > binom.ppf(0.999, TRIES, ALPHA)


@pytest.mark.nightly
@pytest.mark.parametrize("attack", ATTACKS)
def test_many_tries_of_each_attack_stay_below_the_level(attack: str) -> None:
    """What docs/verdicts.md has in its table (`python benchmarks/looks.py --write`)."""
    tries = 4_000
    assert sum(outcomes(ATTACKS[attack], tries)) <= binom.ppf(0.999, tries, ALPHA)
