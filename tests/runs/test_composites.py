"""A score of several fields is judged like any other: primary, with a threshold, in a hypothesis, over samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evalkit.judging.reason import Status

if TYPE_CHECKING:
    from conftest import MiniProject

BOTH = """[scores.both]
scorer = "mean"
of = ["mood", "strength"]

[scores.all]
scorer = "whole"

[measurements.long]
measure = "length"
of = "answer"

[scores.error]"""


@pytest.fixture
def whole(project: MiniProject) -> MiniProject:
    """`both` is primary and must win over `base`, which has every mood right and no strength."""
    project.contract("[scores.error]", BOTH)
    project.contract('[primary]\nscore = "mood"', '[primary]\nscore = "both"')
    project.contract("strict = 0.8", "strict = 0.8\nall = 0.9")
    project.contract('against = ["base", "majority"]\nscore = "mood"', 'against = "base"\nscore = "both"')
    weak = {name: json.dumps(json.loads(text) | {"strength": 0}) for name, text in project.right("test").items()}
    project.answers("base", project.right() | weak)
    return project


def test_a_win_of_a_mean_ships_with_a_threshold_of_the_whole(whole: MiniProject) -> None:
    run = whole.asked(("tuned",), ("base",)).judged("mood")
    rates = {one.participant.name: one.rates["test"] for one in run.model_runs}
    assert {name: (rates[name]["both"].value, rates[name]["all"].value) for name in ("tuned", "base")} == {
        "tuned": (1, 1), "base": (0.5, 0),
    }  # fmt: skip
    [comparison] = [one for one in run.comparisons if one.declared]
    assert (comparison.score, comparison.paired.difference.value, comparison.paired.right_or_wrong) == (
        "both", 0.5, False,
    )  # fmt: skip
    verdict = run.verdict("tuned")
    assert verdict is not None
    assert verdict.status is Status.SHIP


def test_the_floors_have_composites_too(whole: MiniProject) -> None:
    run = whole.asked().judged("mood")
    rates = {one.participant.name: one.rates["test"]["both"].value for one in run.model_runs}
    assert (rates["oracle"], rates["error"]) == (1, 0)
    assert rates["empty"] == pytest.approx((8 / 12 + 0) / 2)


def test_a_must_pass_example_must_be_right_in_the_composite_that_is_primary(whole: MiniProject) -> None:
    whole.answers("tuned", whole.right() | {"r-1": '{"mood": "good", "strength": 0.1}'})
    session = whole.session(("tuned",))
    session.check()
    names = [*whole.right("test"), *whole.right("reference")]
    session.ask({"mood": {"tuned": names}}, lambda _: None)
    [tuned, *_] = session.judged("mood").model_runs
    assert tuned.failed == ("r-1",)


def test_the_length_of_an_answer_rests_on_all_of_them(whole: MiniProject) -> None:
    whole.answers("tuned", whole.right() | {"t-01": "Good."})
    [tuned, *_] = whole.asked().judged("mood").model_runs
    lengths = [len(text) for text in whole.right("test").values()]
    assert tuned.measurements["long"].n == 12
    assert tuned.measurements["long"].value == pytest.approx((sum(lengths[1:]) + 5) / 12)
