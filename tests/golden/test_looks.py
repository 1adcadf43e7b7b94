"""Each candidate of a plan is judged at its share of the level, and has one look for each set of terms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binom

from evalkit.golden.ledger_lines import read_lines
from evalkit.golden.looks import Answerer, FirstVerdict, Ledger, Look, Terms
from evalkit.golden.model import Hypothesis
from evalkit.judging.comparison import NO_LOOK, Pair, judge_pair
from evalkit.judging.reason import Status
from evalkit.stats.paired import paired

if TYPE_CHECKING:
    pass


def scores(wins: int, losses: int, n: int = 100) -> tuple[list[float], list[float]]:
    ours = [1.0] * wins + [0.0] * losses + [1.0] * (n - wins - losses)
    theirs = [0.0] * wins + [1.0] * losses + [1.0] * (n - wins - losses)
    return ours, theirs


def compared(hypothesis: Hypothesis, wins: int, losses: int, look: Look) -> tuple[Status | None, str]:
    ours, theirs = scores(wins, losses)
    names = [str(number) for number in range(len(ours))]
    at = paired(ours, theirs, names, alpha=look.alpha)
    found = judge_pair(Pair(hypothesis, "tuned", "base", "mood", at, at.difference, look=look))
    return found.status, repr(found)


WIN = Hypothesis("win", "tuned", ("base",), "mood")
NO_LOSS = Hypothesis("no_loss", "tuned", ("base",), "mood", margin=0.09)


def test_a_level_is_that_of_the_exact_test() -> None:
    """10 against 2: p = 0.0193 by the binomial distribution, enough for nothing but a model that spends no look."""
    assert binom.sf(9, 12, 0.5) == pytest.approx(0.0193, abs=1e-4)
    assert compared(WIN, 10, 2, NO_LOOK)[0] is Status.SHIP
    assert compared(WIN, 10, 2, Look(1, planned=2))[0] is Status.INCONCLUSIVE
    assert binom.sf(9, 10, 0.5) < Look(1, planned=20).alpha < binom.sf(9, 11, 0.5)
    assert compared(WIN, 10, 0, Look(1, planned=20))[0] is Status.SHIP
    assert compared(WIN, 10, 1, Look(1, planned=20))[0] is Status.INCONCLUSIVE


def test_the_first_and_the_last_of_a_plan_are_judged_alike() -> None:
    assert {Look(number, planned=5).alpha for number in range(1, 6)} == {0.005}
    assert [number for number in range(8) if Look(number, planned=5).is_beyond_plan] == [6, 7]


def test_what_nothing_but_the_plan_keeps_from_shipping_says_so() -> None:
    for hypothesis, wins, losses in ((WIN, 10, 2), (NO_LOSS, 1, 2)):
        assert compared(hypothesis, wins, losses, NO_LOOK)[0] is Status.SHIP
        status, told = compared(hypothesis, wins, losses, Look(2, planned=90))
        assert status is Status.INCONCLUSIVE
        assert "Look 2 at this split asks for p <= 0.000278" in told
    assert "Look 2" not in compared(WIN, 3, 2, Look(2, planned=90))[1]  # nobody would have seen anything


def test_what_refutes_needs_no_smaller_level() -> None:
    assert compared(WIN, 1, 12, Look(1, planned=90))[0] is Status.BLOCK


TERMS = Terms("declared", "split", {"base": Answerer("b", "base's")})


def take(ledger: Ledger, who: str, answers: str = "", terms: Terms = TERMS, judged: bool = True) -> int:
    return ledger.take("tuned", Answerer(who, answers), terms, "run-1", 5, judged=judged).number


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.read(tmp_path)


def test_each_candidate_has_one_look(ledger: Ledger) -> None:
    assert [take(ledger, who) for who in "abacb"] == [1, 2, 1, 3, 2]


def test_who_answers_everything_alike_is_the_same_candidate(ledger: Ledger) -> None:
    assert [take(ledger, "a", "all right"), take(ledger, "b", "all right"), take(ledger, "c", "all wrong")] == [1, 1, 2]


def test_a_model_whose_answers_waver_is_the_same_candidate(ledger: Ledger) -> None:
    assert [take(ledger, "a", f"{number} right") for number in range(5)] == [1] * 5


def test_answers_that_are_not_all_there_are_like_none(ledger: Ledger) -> None:
    assert [take(ledger, "a"), take(ledger, "b")] == [1, 2]


@pytest.mark.parametrize(
    "changed",
    [
        replace(TERMS, declared="moved"),
        replace(TERMS, split="grown"),
        replace(TERMS, rivals={"base": Answerer("another", "worse")}),
    ],
)
def test_who_changes_what_a_verdict_rests_on_spends_a_new_look(ledger: Ledger, changed: Terms) -> None:
    assert [take(ledger, "a"), take(ledger, "a", terms=changed), take(ledger, "a")] == [1, 2, 1]


@pytest.mark.parametrize("rival", [Answerer("b", "wavered"), Answerer("rebuilt", "base's")])
def test_a_rival_that_wavers_or_is_built_anew_is_the_same(ledger: Ledger, rival: Answerer) -> None:
    assert [take(ledger, "a"), take(ledger, "a", terms=replace(TERMS, rivals={"base": rival}))] == [1, 1]


def test_whoever_was_shown_spent_the_look_that_a_verdict_needs(ledger: Ledger) -> None:
    assert [take(ledger, "a", judged=False), take(ledger, "b", judged=False), take(ledger, "a")] == [1, 2, 1]


def test_who_was_shown_and_then_has_other_terms_spends_a_new_look(ledger: Ledger) -> None:
    take(ledger, "a", judged=False)
    assert take(ledger, "a", terms=replace(TERMS, declared="moved")) == 2


def test_who_was_judged_is_shown_for_nothing_whatever_has_changed_since(ledger: Ledger) -> None:
    take(ledger, "a")
    assert take(ledger, "a", terms=replace(TERMS, declared="moved"), judged=False) == 1


def test_the_first_verdict_counts(ledger: Ledger) -> None:
    who = Answerer("a", "some")
    taken = ledger.take("tuned", who, TERMS, "run-1", 5, judged=True)
    first = FirstVerdict("BLOCK", "run-1", comparisons={"win base mood": "INCONCLUSIVE"})
    assert ledger.decide(taken, who, TERMS, first) == first
    assert ledger.decide(taken, who, TERMS, FirstVerdict("SHIP", "run-2")) == first
    again = Ledger.read(ledger.folder)
    found = again.judged(who, TERMS)
    assert found is not None
    assert found.verdict == first


def test_a_ledger_that_is_read_again_says_the_same(ledger: Ledger) -> None:
    for who, terms in (("a", TERMS), ("b", TERMS), ("a", replace(TERMS, declared="moved"))):
        take(ledger, who, f"{who}'s", terms)
    again = Ledger.read(ledger.folder)
    assert [(one.number, one.model, one.planned) for one in again.taken] == [(n, "tuned", 5) for n in (1, 2, 3)]
    assert [one.terms for one in again.taken] == [one.terms for one in ledger.taken]


def test_a_renewed_split_begins_again(ledger: Ledger) -> None:
    take(ledger, "a")
    ledger.renew()
    assert take(ledger, "b") == 1
    assert [line.table["kind"] for line in read_lines(ledger.folder)] == ["look", "renewed", "look"]


OLD = {
    "created": "2025-11-21",
    "split": "d05",
    "model": "tuned",
    "fingerprint": "f",
    "candidate": "a",
    "against": ["base"],
}


def test_a_look_that_an_older_evalkit_noted_is_spent_and_its_candidate_needs_no_other(tmp_path: Path) -> None:
    """Its line says nothing of terms: the first verdict that is noted binds them."""
    (tmp_path / "looks.jsonl").write_text(json.dumps({**OLD, "against": ["base"]}))
    ledger, who = Ledger.read(tmp_path), Answerer("a", "all")
    assert (take(ledger, "b"), take(ledger, "a")) == (2, 1)
    ledger.decide(ledger.taken[0], who, TERMS, FirstVerdict("SHIP", "run-1"))
    again = Ledger.read(tmp_path)
    assert (take(again, "a"), take(again, "a", terms=replace(TERMS, declared="moved"))) == (1, 3)


def test_the_looks_at_our_own_tasks_can_be_read() -> None:
    for folder in sorted((Path(__file__).parents[2] / "golden").iterdir()):
        assert all(taken.model for taken in Ledger.read(folder).taken)


def test_a_bound_that_no_draw_could_tell_is_none() -> None:
    """Of three groups that differ, a level of a millionth says nothing, and takes no hour to say so."""
    groups = ["a", "a", "b", "b", "c", "c"]
    found = paired([1, 0.5, 1, 1, 1, 0.25], [0, 0, 0, 0, 0.5, 0], groups, alpha=1e-6)
    assert (found.decisive.low, found.decisive.high) == (-1.0, 1.0)
    assert found.difference.low is not None
    assert found.difference.low > -1
