"""Which of two models is the right pick: the paragraph says what the figures say, for every case there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binom

from evalkit.golden.model import Decoding, Example
from evalkit.judging.answer import Answer
from evalkit.judging.output import Output
from evalkit.judging.reason import Status
from evalkit.judging.recommendation import PairTerms, Recommendation, Side, recommend, standing
from evalkit.judging.wording import recommendation
from evalkit.models.backend import Completion
from evalkit.models.request import Request
from evalkit.scorers.score import Score
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:
    from conftest import MiniProject

# 20 of 40 pairs differ, all one way.
UP, DOWN = "(+50.0 points, 95 % +35.2 to +64.8, p < ", "(-50.0 points, 95 % -64.8 to -35.2, p < "
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
    ("p", "p_worse", "low", "said"),
    [
        (0.025, 0.98, 0.01, "better"),
        (0.98, 0.025, -0.3, "worse"),
        (0.026, 0.98, 0.0, "no worse"),
        (0.5, 0.6, -0.04, "no worse"),
        (0.98, 0.026, -0.06, "open"),
        (0.5, 0.5, -0.05, "open"),
        (None, None, None, "open"),
    ],
)
def test_p_says_what_is_better_or_worse_and_the_lower_bound_what_is_no_worse(
    p: float | None, p_worse: float | None, low: float | None, said: str
) -> None:
    assert standing(Estimate(0.0, low, 0.2, 50), p, p_worse, 0.05) == said


def answered(model: str, right: Sequence[Sequence[int]]) -> dict[str, Answer]:
    """Answers with a score for each row of ``right``, in which an example has a 1 where it is right."""
    found = {}
    for number in range(len(right[0])):
        name = f"e{number:03}"
        scores = {f"s{row}": Score(f"s{row}", float(values[number]), "", "") for row, values in enumerate(right)}
        completion, output = Completion("", "stop"), Output({}, True, (), None, "", "")
        request = Request("t", name, (), "", Decoding())
        found[name] = Answer(model, Example(name, "test", {}, {}, group=name), request, completion, output, scores)
    return found


def flips(gained: int, lost: int, n: int = 130) -> tuple[list[int], list[int]]:
    """Ours and theirs, that differ on so many of ``n`` examples."""
    return [1] * gained + [0] * (n - gained), [0] * gained + [1] * lost + [0] * (n - gained - lost)


def put_beside(*fields: tuple[int, int]) -> Recommendation:
    """Two models whose scores are so often ``(gained, lost)``, by score."""
    pairs = [flips(*field) for field in fields]
    both = {name: answered(name, [pair[side] for pair in pairs]) for side, name in enumerate(("ours", "theirs"))}
    return recommend(OURS, THEIRS, PairTerms(both, "test", "s0", 0.05), None)


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (7, 1), (0, 5), (1, 7)])
def test_where_only_an_uncorrected_interval_would_exclude_0_nothing_is_better_or_worse(gained: int, lost: int) -> None:
    """n = 130: p is .031 and .035, while Tango's interval lies beyond 0."""
    field = put_beside((gained, lost)).fields["s0"]
    assert field.standing not in ("better", "worse")
    low, high = field.difference.low, field.difference.high
    assert low is not None
    assert high is not None
    assert low <= 0 <= high


@pytest.mark.parametrize(
    ("others", "said"),
    [(0, "worse"), (1, "open"), (7, "open")],
)
def test_p_is_held_to_holms_level_over_all_fields_of_the_pair(others: int, said: str) -> None:
    """16 worse, 5 better: one-sided p is .0133, which eight fields make .106."""
    found = put_beside((5, 16), *[(3, 3)] * others)
    field = found.fields["s0"]
    assert field.standing == said
    assert field.p_worse == pytest.approx((others + 1) * binom.cdf(5, 21, 0.5))
    assert (found.correction.made, found.correction.found) == (others + 1, int(said == "worse"))
