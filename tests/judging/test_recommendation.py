"""Which of two models is the right pick: the paragraph says what the figures say, for every case there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.judging.reason import Status
from evalkit.judging.recommendation import PairTerms, Recommendation, Side, recommend, standing
from evalkit.judging.wording import recommendation
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:
    from conftest import MiniProject

# 20 of 40 pairs differ, all one way.
UP, DOWN = "(+50.0 points, 95 % +35.2 to +64.8)", "(-50.0 points, 95 % -64.8 to -35.2)"
OURS, THEIRS = Side("ours"), Side("theirs")


@pytest.fixture
def judge(project: MiniProject) -> Any:
    """``judge(ours, theirs)``: two models whose answers to 40 examples are right where there is a 1."""

    def found(
        ours: Sequence[int], theirs: Sequence[int], one: Side = OURS, two: Side = THEIRS,
        margin: float = 0.05, verdict: Status | None = None,
    ) -> Recommendation:  # fmt: skip
        project.split(
            "test",
            [
                {"id": f"t-{n:02}", "input": {"text": f"{n}"}, "expected": {"mood": "good", "strength": 0.9}}
                for n in range(40)
            ],
        )
        for name, right in (("ours", ours), ("theirs", theirs)):
            project.answers(name, {f"t-{n:02}": answer(bool(each)) for n, each in enumerate(right)})
        names = "".join(f'{name} = "replay:answers/{name}.jsonl"\n' for name in ("ours", "theirs"))
        project.write("pyproject.toml", f"[tool.evalkit.backends]\n{names}")
        session = project.session(["ours"], ["theirs"])
        session.ask({"mood": {"ours": [f"t-{n:02}" for n in range(40)]}}, lambda _: None)
        answers = {
            name: {f"t-{n:02}": session.answer("mood", name, f"t-{n:02}") for n in range(40)}
            for name in ("ours", "theirs")
        }
        return recommend(one, two, PairTerms(answers, "test", "mood", margin), verdict)

    def answer(right: bool) -> str:
        return f'{{"mood": "{"good" if right else "bad"}", "strength": 0.9}}'

    return found


HALF, ALL, NONE = [1, 0] * 20, [1] * 40, [0] * 40
CHEAP, DEAR = Side("ours", cost=0.5), Side("theirs", cost=2.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "margin", "costs", "told"),
    [
        (ALL, HALF, 0.05, (0.5, 2.0), f"ours is the right pick over theirs: mood decides {UP}"),
        (ALL, HALF, 0.05, (2.0, 0.5), ", if that is worth 1.50 USD more for 1,000 calls."),
        (HALF, ALL, 0.05, (2.0, 0.5), f"theirs is the right pick over ours: mood decides {DOWN}"),
        (HALF, ALL, 0.05, (0.5, 2.0), ", unless 1.50 USD less for 1,000 calls make up for it."),
        (HALF, HALF, 0.2, (0.5, 2.0), "ours is the right pick over theirs: on mood ours is no worse than theirs"),
        (HALF, HALF, 0.2, (2.0, 0.5), "theirs is the right pick over ours: on mood ours is no worse"),
        (HALF, HALF, 0.2, (None, 0.5), "and nothing shows which is the right pick."),
        (HALF, HALF, 0.05, (0.5, 2.0), "Neither ours nor theirs is shown to be the right pick: 40 examples can't tell"),
    ],
)  # fmt: skip
def test_the_primary_score_comes_first_and_then_the_cost_of_a_call(
    judge: Any, ours: str, theirs: str, margin: float, costs: Any, told: str
) -> None:
    found = judge(ours, theirs, Side("ours", cost=costs[0]), Side("theirs", cost=costs[1]), margin)
    assert told in recommendation(found)
    assert set(found.fields) == {"strict", "extractable", "mood", "strength"}


def test_what_is_worse_beside_the_primary_score_is_named(judge: Any, project: MiniProject) -> None:
    project.contract('scorer = "number"\ntolerance = 0.2', 'scorer = "exact"\nfield = "mood"')
    assert recommendation(judge(HALF, ALL)).count("ours is worse on strength (-50.0).") == 1
    assert "is worse on" not in recommendation(judge(ALL, HALF))


def test_costs_are_told_and_so_is_from_how_many_calls_a_machine_of_ones_own_is_cheaper(judge: Any) -> None:
    mine = Side("ours", cost=0.1, p50=0.5, mean=0.5, hourly=0.72)
    told = recommendation(judge(ALL, HALF, mine, Side("theirs", cost=2.0, p50=1.25)))
    assert "1,000 calls of ours cost 0.10 USD, of theirs 2.00 USD." in told
    # 730 h at 0.72 dollars are 525.60; an API of 0.002 a call takes that much for 262,800 calls.
    assert "Paid for the whole month (730 h, 525.60 USD), ours breaks even at 262,800 calls a month;" in told
    assert "one at a time it answers at most 5,256,000." in told
    assert "Half of the answers of ours come within 0.50 s, of theirs within 1.25 s." in told


def test_a_machine_that_is_too_slow_never_breaks_even(judge: Any) -> None:
    slow = Side("ours", cost=0.1, mean=20.0, hourly=0.72)
    told = recommendation(judge(ALL, HALF, slow, DEAR))
    assert "at most 131,400, so that it never does unless it answers several at once." in told


@pytest.mark.parametrize("theirs", [Side("theirs", cost=2.0, hourly=0.3), Side("theirs", cost=0.0)])
def test_between_two_machines_and_beside_a_free_api_there_is_no_break_even(judge: Any, theirs: Side) -> None:
    mine = Side("ours", cost=0.1, mean=0.5, hourly=0.72)
    assert "breaks even" not in recommendation(judge(ALL, HALF, mine, theirs))


def test_what_does_not_ship_is_not_let_through_by_a_good_price(judge: Any) -> None:
    told = recommendation(judge(ALL, HALF, CHEAP, DEAR, verdict=Status.BLOCK))
    assert told.endswith("None of this lets ours through: its verdict is BLOCK.")
    assert "verdict" not in recommendation(judge(ALL, HALF, CHEAP, DEAR, verdict=Status.SHIP))


def test_what_is_not_known_is_said_to_be_so(judge: Any) -> None:
    assert "What 1,000 calls of theirs cost is not known" in recommendation(judge(ALL, HALF, CHEAP, Side("theirs")))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.3, "better"),
        (-0.3, -0.01, "worse"),
        (-0.04, 0.2, "no worse"),
        (0.0, 0.1, "no worse"),
        (-0.06, 0.2, "open"),
        (-0.05, 0.05, "open"),
        (None, None, "open"),
    ],
)
def test_a_difference_says_what_its_interval_says(low: float | None, high: float | None, said: str) -> None:
    assert standing(Estimate(0.0, low, high, 50), 0.05) == said
