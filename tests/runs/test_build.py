"""A run is put together from stored completions: the figures are those that one computes by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING

import pytest

from evalkit.judging.book import AnswerBook
from evalkit.judging.reason import Code, Status
from evalkit.judging.wording import reason
from evalkit.models.cache import StoredCompletion
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.build import judge_task, make_run
from evalkit.runs.model_run import THINKING
from evalkit.runs.record import ModelRun, Participation, TaskResult, Unbeaten, dump_run, load_run
from evalkit.runs.requests import load_requests
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD, BAD = '{"mood": "good", "strength": 0.9}', '{"mood": "bad", "strength": 0.5}'


def model_run(judged: TaskResult, name: str) -> ModelRun:
    return next(one for one in judged.model_runs if one.participant.name == name)


def rate(judged: TaskResult, name: str, score: str, split: str = "test") -> float | None:
    return model_run(judged, name).rates[split][score].value


def judged(project: MiniProject, *against: str, backends: tuple[str, ...] = ("tuned",)) -> TaskResult:
    return project.asked(backends, against).judged("mood")


def no_hypotheses(project: MiniProject) -> None:
    text = (project.folder / "task.toml").read_text()
    project.write("golden/mood/task.toml", text[: text.index("[[hypotheses]]")])


def test_floors_stand_beside_every_model(project: MiniProject) -> None:
    run = judged(project, "base")
    assert [(one.participant.name, one.participant.role) for one in run.model_runs] == [
        ("tuned", "backend"), ("base", "against"),
        ("empty", "floor"), ("majority", "floor"), ("words", "floor"), ("error", "floor"), ("oracle", "floor"),
    ]  # fmt: skip


def test_the_rates_are_those_that_one_counts_by_hand(project: MiniProject) -> None:
    # Of 12: the first is prose, the second an error object, the third has the wrong mood, the fourth is too strong.
    answers = project.right() | {
        "t-01": "good", "t-02": '{"error": "no_text"}', "t-03": BAD, "t-09": '{"mood": "bad", "strength": 1.0}',
    }  # fmt: skip
    project.answers("tuned", answers)
    run = judged(project)
    found = {name: estimate.value for name, estimate in model_run(run, "tuned").rates["test"].items()}
    assert found == {"strict": 11 / 12, "extractable": 11 / 12, "mood": 9 / 12, "strength": 8 / 12}
    assert all(estimate.n == 12 for estimate in model_run(run, "tuned").rates["test"].values())


def test_the_interval_of_a_rate_is_wilsons(project: MiniProject) -> None:
    project.answers("tuned", project.right() | dict.fromkeys(("t-01", "t-02", "t-03"), BAD))
    found = model_run(judged(project), "tuned").rates["test"]["mood"]
    p, n, z = 9 / 12, 12, 1.959963984540054
    centre, half = (p + z * z / 2 / n), z * sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert found.low == pytest.approx((centre - half) / (1 + z * z / n))
    assert found.high == pytest.approx((centre + half) / (1 + z * z / n))


def test_the_floors_score_what_one_counts_by_hand(project: MiniProject) -> None:
    run = judged(project)
    moods = {name: rate(run, name, "mood") for name in ("empty", "majority", "error", "oracle")}
    assert moods == {"empty": 8 / 12, "majority": 4 / 12, "error": 0.0, "oracle": 1.0}
    assert {name: rate(run, name, "error", "malformed") for name in ("majority", "error", "oracle")} == {
        "majority": 0.0, "error": 1.0, "oracle": 1.0,
    }  # fmt: skip


def test_each_split_has_rates_of_its_own(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"r-1": BAD, "m-1": GOOD})
    run = judged(project)
    assert [rate(run, "tuned", "mood"), rate(run, "tuned", "mood", "reference")] == [1.0, 0.0]
    assert rate(run, "tuned", "error", "malformed") == 0.0


def test_measurements_rest_on_the_readable_answers(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": "?", "t-02": '{"mood": "good", "strength": 0.35}'})
    found = model_run(judged(project), "tuned").measurements["strength_mae"]
    assert (found.value, found.n) == (pytest.approx(0.55 / 11), 11)


def test_an_answer_without_a_number_has_no_measurement(project: MiniProject) -> None:
    # null, where the schema allows it, is not 0 and must not end the run either.
    schema = json.loads((project.folder / "schema.json").read_text())
    schema["oneOf"][0]["properties"]["strength"] = {"type": ["number", "null"]}
    project.write("golden/mood/schema.json", json.dumps(schema))
    project.answers("tuned", project.right() | {"t-01": '{"mood": "good", "strength": null}'})
    found = model_run(judged(project), "tuned").measurements["strength_mae"]
    assert (found.value, found.n) == (0.0, 11)


def test_defects_are_counted_on_the_judged_split(project: MiniProject) -> None:
    project.answers("tuned", project.right() | dict.fromkeys(("t-01", "t-02", "r-1"), f"Well: {GOOD}"))
    assert model_run(judged(project), "tuned").defects == {"prose_before": 2}


def test_a_model_no_better_than_a_floor_is_told_field_by_field(project: MiniProject) -> None:
    project.answers("tuned", dict.fromkeys(project.right(), GOOD))
    assert judged(project).unbeaten == (Unbeaten("tuned", "mood", 8 / 12, "empty", 8 / 12),)


def test_the_oracle_is_no_floor_to_beat(project: MiniProject) -> None:
    assert judged(project).unbeaten == ()


def test_a_task_without_data_for_any_floor_is_judged_all_the_same(project: MiniProject) -> None:
    no_hypotheses(project)
    session = project.asked()
    run = make_run("run-1", [session.judged("mood")], "", {})
    [request] = load_requests(dump_run(run), lambda *_: session.rows("mood"))
    gone = [
        Participation(replace(part.participant, problem="no data")) if part.role == "floor" else part
        for part in request.participations
    ]
    result = judge_task(AskedTask(project.task(), "test", gone, session.book(project.task()), 0.05))
    assert (result.unbeaten, result.verdicts[0].status) == ((), Status.SHIP)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["Tuned:latest"], {}),
        (["other"], {"other": 14}),
        (["tuned", "tuned", "tuned-2025-01-31"], {"tuned": 10, "tuned-2025-01-31": 4}),
        ([None], {}),
    ],
)
def test_another_model_than_was_asked_for_is_told_by_the_names_in_its_replies(
    project: MiniProject, names: list[str | None], told: dict[str, int]
) -> None:
    no_hypotheses(project)
    session = project.asked()
    run = make_run("run-1", [session.judged("mood")], "", {})
    [request] = load_requests(dump_run(run), lambda *_: session.rows("mood"))
    [tuned] = [part for part in request.participations if part.name == "tuned"]
    served = Participation(replace(tuned.participant, spec="openai:tuned"), tuned.keys)
    called = {keys: names[place % len(names)] for place, keys in enumerate(tuned.keys.values())}

    def read(keys: Iterable[str]) -> Mapping[str, StoredCompletion]:
        stored = session.book(project.task()).stored(keys)
        return {
            key: replace(stored[key], completion=replace(stored[key].completion, model=called[key,])) for key in keys
        }

    task = project.task()
    examples = {example.id: example for split in task.splits.values() for example in split}
    result = judge_task(AskedTask(task, "test", [served], AnswerBook(task, examples, read), 0.05))
    assert [(item.asked, item.names) for item in result.served_as] == ([("tuned", told)] if told else [])


def test_a_floor_that_the_task_has_no_data_for_says_why(project: MiniProject) -> None:
    no_hypotheses(project)
    (project.folder / "train.jsonl").unlink()
    majority = model_run(judged(project), "majority")
    assert majority.participant.problem == "majority: mood has no train.jsonl to take a majority from"
    assert majority.rates == {}


def test_agreement_counts_texts_and_objects_apart(project: MiniProject) -> None:
    other = project.right() | {
        "t-01": '{"strength": 0.90, "mood": "good"}',  # the same object in another spelling
        "t-02": BAD,
        "t-03": "prose",
    }
    project.answers("base", other)
    [pair] = judged(project, "base").agreements
    assert (pair.first, pair.second, pair.same_text, pair.same_object, pair.n) == ("tuned", "base", 9, 10, 12)


def test_two_unreadable_answers_are_no_same_object(project: MiniProject) -> None:
    project.answers("tuned", dict.fromkeys(project.right(), "prose"))
    project.answers("base", dict.fromkeys(project.right(), "prose"))
    [pair] = judged(project, "base").agreements
    assert (pair.same_text, pair.same_object) == (12, 0)


def test_declared_pairs_are_judged_and_the_verdict_rests_on_them(project: MiniProject) -> None:
    run = judged(project, "base")
    assert [(one.candidate, one.against, one.score, one.status) for one in run.comparisons] == [
        ("tuned", "base", "mood", Status.SHIP), ("tuned", "majority", "mood", Status.SHIP),
    ]  # fmt: skip
    verdict = run.verdict("tuned")
    assert verdict is not None
    assert verdict.status is Status.SHIP


def test_a_comparison_is_what_one_counts_by_hand(project: MiniProject) -> None:
    project.answers("base", project.right() | dict.fromkeys(("t-01", "t-02"), BAD) | {"t-03": "prose"})
    found = judged(project, "base").comparisons[0]
    assert (found.paired.wins, found.paired.losses, found.paired.ties) == (3, 0, 9)
    assert (found.paired.difference.value, found.paired.p) == (3 / 12, 1 / 8)
    # Where both answered readably t-03 is out.
    assert (found.readable.value, found.readable.n) == (2 / 11, 11)


def test_a_slice_is_judged_on_the_examples_that_have_its_tag(project: MiniProject) -> None:
    project.tag("hard", *(f"t-{number:02}" for number in range(1, 8)))
    project.contract("[[hypotheses]]", '[thresholds.where.hard]\nmood = 0.5\n\n[[hypotheses]]\nwhere = "hard"')
    wrong = (f"t-{number:02}" for number in range(1, 7))
    project.answers("tuned", project.right() | dict.fromkeys(("t-01", "t-02", "t-03", "t-04"), "prose"))
    project.answers("base", project.right() | dict.fromkeys(wrong, "prose"))
    run = judged(project, "base")
    found = run.comparisons[0]
    assert (found.slice, found.paired.wins, found.paired.losses, found.paired.ties) == ("hard", 2, 0, 5)
    verdict = run.verdict("tuned")
    assert verdict is not None
    below = next(item for item in verdict.reasons if item.code is Code.ON_THE_LINE and item.slice)
    assert (below.slice, below.got and below.got.value, below.got and below.got.n) == ("hard", 3 / 7, 7)
    assert "mood on hard is 42.9 %" in reason(below)
    assert "base on mood on hard" in reason(found.reason)


def test_who_gains_json_and_loses_the_decision_is_told_so_and_not_blocked(project: MiniProject) -> None:
    project.split(
        "test", [{"id": f"t-{n:02}", "input": {"text": f"x{n}"}, "expected": json.loads(GOOD)} for n in range(40)]
    )
    names = sorted(project.right("test"))
    others = project.right("reference", "malformed")
    project.answers("base", others | dict.fromkeys(names[:10], GOOD) | dict.fromkeys(names[10:], "prose"))
    project.answers("tuned", others | dict.fromkeys(names[:10], BAD) | dict.fromkeys(names[10:], GOOD))
    run = judged(project, "base")
    assert run.comparisons[0].paired.difference.value == 0.5
    verdict = run.verdict("tuned")
    assert verdict is not None
    assert run.comparisons[0].status is Status.SHIP
    said = "A note: it scores less on the 10 examples that both answered readably, -100.0 points"
    assert said in reason(run.comparisons[0].reason)


NO_LOSS = """
[[hypotheses]]
kind = "no_loss"
against = "parent"
score = ["strength", "mood"]
margin = 0.35
"""


def test_every_score_of_a_no_loss_is_judged_against_the_parent(project: MiniProject) -> None:
    no_hypotheses(project)
    project.write("golden/mood/task.toml", (project.folder / "task.toml").read_text() + NO_LOSS)
    project.answers("base", project.right())
    weak = {name: json.dumps(json.loads(text) | {"strength": 0}) for name, text in project.right("test").items()}
    project.answers("tuned", project.right() | weak)
    run = judged(project, "base")
    assert [(one.kind, one.against, one.score, one.status) for one in run.comparisons] == [
        ("no_loss", "base", "strength", Status.BLOCK), ("no_loss", "base", "mood", Status.SHIP),
    ]  # fmt: skip


ALTERNATIVES = """
[[hypotheses]]
kind = "win"
candidate = "tuned"
against = "base"
score = "mood"
family = "either"

[[hypotheses]]
kind = "win"
candidate = "tuned"
against = "base"
score = "strength"
family = "either"
"""


@pytest.mark.parametrize(("wrong", "status", "p"), [(6, Status.INCONCLUSIVE, 2 / 64), (8, Status.SHIP, 2 / 256)])
def test_one_of_several_alternative_wins_is_enough_at_holms_level(
    project: MiniProject, wrong: int, status: Status, p: float
) -> None:
    no_hypotheses(project)
    project.write("golden/mood/task.toml", (project.folder / "task.toml").read_text() + ALTERNATIVES)
    wrong_mood = dict.fromkeys(list(project.right("test"))[:wrong], '{"mood": "bad", "strength": 0.9}')
    project.answers("base", project.right() | wrong_mood)
    run = judged(project, "base")
    mood, strength = run.comparisons
    assert (mood.p, strength.p, strength.excused) == (p, 1.0, status is Status.SHIP)
    verdict = run.verdict("tuned")
    assert verdict is not None
    assert verdict.status is status


def test_a_family_does_not_shrink_where_a_rival_can_not_be_asked(project: MiniProject) -> None:
    no_hypotheses(project)
    (project.root / "answers" / "base.jsonl").unlink()
    alternatives = ALTERNATIVES.replace('"base"\nscore = "strength"', '"majority"\nscore = "strength"')
    project.write("golden/mood/task.toml", (project.folder / "task.toml").read_text() + alternatives)
    [one] = judged(project).comparisons
    assert one.p == 2 * one.paired.p


def test_a_pair_that_was_only_asked_for_is_shown_by_the_primary_score(project: MiniProject) -> None:
    run = project.asked(["base"], ["tuned"]).judged("mood")
    assert [(one.candidate, one.against, one.score, one.kind) for one in run.comparisons] == [
        ("base", "tuned", "mood", "asked")
    ]


def test_a_pair_with_the_parent_that_nobody_declared_is_shown_by_every_score_and_never_red(
    project: MiniProject,
) -> None:
    no_hypotheses(project)
    project.answers("tuned", dict.fromkeys(project.right(), BAD))
    project.answers("base", project.right())
    run = judged(project, "base")
    assert [(one.score, one.kind, one.holds) for one in run.comparisons] == [
        ("mood", "asked", True), ("strength", "asked", True),
    ]  # fmt: skip
    assert repr(run.comparisons[0]).startswith("tuned loses to base on mood: ")
    assert repr(run.comparisons[0]).endswith(" Nothing was declared of this pair.")


def test_reasoning_is_set_apart_from_the_answer_and_its_length_is_measured(project: MiniProject) -> None:
    answers = project.right()
    thought = {
        name: f"<think>{'so ' * number}</think>{answers[name]}" for number, name in enumerate(("t-01", "t-02"), 1)
    }
    project.answers("tuned", answers | thought)
    tuned, base = (model_run(judged(project, "base"), name) for name in ("tuned", "base"))
    assert tuned.rates["test"]["strict"].value == 1.0
    found = tuned.measurements[THINKING]
    assert (found.value, found.n) == ((3 + 6) / 2, 2)
    assert THINKING not in base.measurements


def test_the_length_of_reasoning_against_the_answers_is_measured_and_stored(project: MiniProject) -> None:
    answers = {name: json.loads(text) for name, text in project.right("test").items()}
    thought = {
        name: f"<think>{'so ' * number}</think>{json.dumps(value | {'strength': number / 20})}"
        for number, (name, value) in enumerate(answers.items())
    }
    project.answers("tuned", project.right() | thought)
    run = make_run("r", [judged(project, "base")], "pytest", {})
    tuned = model_run(load_run(json.loads(json.dumps(dump_run(run)))).tasks[0], "tuned")
    found = tuned.measurements["thinking length to strength too high (rho)"]
    assert found.value is not None
    assert (found.n, found.value > 0.7) == (12, True)
    assert tuned.own_reasoning is not None
    assert (tuned.own_reasoning.reasoned, tuned.own_reasoning.ties[0].got) == (11, 1.0)


def test_a_model_that_beats_nothing_is_blocked(project: MiniProject) -> None:
    project.answers("tuned", dict.fromkeys(project.right(), BAD))
    project.answers("base", project.right())
    verdict = judged(project, "base").verdict("tuned")
    assert verdict is not None
    assert verdict.status is Status.BLOCK
    assert any(reason(item).startswith("tuned does not beat base on mood: -66.7 points") for item in verdict.reasons)


def test_a_partly_selected_model_has_figures_and_no_verdict(project: MiniProject) -> None:
    session = project.session(["tuned"], ["base"])
    session.ask(project.selection(tuned=["t-01", "t-02", "t-09"]), lambda _: None)
    run = session.judged("mood")
    found = model_run(run, "tuned")
    assert (found.complete, found.selected, found.rates["test"]["mood"].n) == (False, 3, 3)
    assert (run.verdicts, run.comparisons) == ((), ())


def test_a_whole_selection_brings_the_other_splits_and_of_those_compared_with_what_is_compared(
    project: MiniProject,
) -> None:
    run = judged(project, "base")
    assert model_run(run, "tuned").complete
    assert model_run(run, "base").complete
    assert set(model_run(run, "tuned").rates) == {"test", "reference", "malformed"}
    assert set(model_run(run, "base").rates) == {"test"}


def test_unanswered_examples_are_never_scored_as_wrong_and_block(project: MiniProject) -> None:
    answers = project.right()
    del answers["t-12"], answers["m-1"]
    project.answers("tuned", answers)
    run = judged(project)
    found = model_run(run, "tuned")
    assert (found.rates["test"]["mood"].value, found.rates["test"]["mood"].n) == (1.0, 11)
    assert list(found.unanswered) == ["t-12", "m-1"]
    assert "answers/tuned.jsonl has no answer for t-12, sample 0" in found.unanswered["t-12"]
    assert run.verdicts[0].status is Status.BLOCK


def test_a_rival_that_died_is_not_beaten(project: MiniProject) -> None:
    project.answers("base", {f"t-{n:02}": "prose" for n in range(1, 9)})
    run = judged(project, "base")
    assert run.comparisons[0].status is Status.INCONCLUSIVE
    assert repr(run.comparisons[0]).endswith("4 examples were not answered by both.")
    assert run.verdicts[0].status is Status.INCONCLUSIVE


def test_a_must_pass_example_that_is_wrong_blocks(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"r-1": BAD})
    run = judged(project)
    assert model_run(run, "tuned").failed == ("r-1",)
    assert reason(run.verdicts[0].reasons[0]) == "1 must-pass example is wrong (r-1)."


@pytest.mark.parametrize(
    ("answer", "told"), [(BAD, "irony is beyond it"), (GOOD, "is right now: take its known_fail away")]
)
def test_a_known_fail_is_shown_and_blocks_nothing(project: MiniProject, answer: str, told: str) -> None:
    project.append(
        "reference",
        {
            "id": "r-2",
            "input": {"text": "Oh, great."},
            "expected": json.loads(GOOD),
            "known_fail": "irony is beyond it",
        },
    )
    project.answers("tuned", project.right() | {"r-2": answer})
    run = judged(project, "base")
    assert model_run(run, "tuned").known_fails == {"r-2": told}
    assert (model_run(run, "tuned").failed, run.verdicts[0].status) == ((), Status.SHIP)


def test_the_same_completions_have_the_same_figures(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": BAD, "t-05": "prose"})
    first, second = (
        make_run("id", [project.asked(("tuned",), ("base",), identity=name).judged("mood")], "pytest", {}).tasks
        for name in ("run-1", "run-2")
    )
    assert first == second


def test_the_order_of_the_examples_makes_no_difference(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": BAD, "t-05": "prose"})
    first = judged(project, "base").comparisons
    lines = (project.folder / "test.jsonl").read_text().splitlines()
    project.write("golden/mood/test.jsonl", "\n".join(lines[::-1]) + "\n")
    assert project.asked(("tuned",), ("base",), identity="run-2").judged("mood").comparisons == first


def test_examples_of_one_group_count_as_near_copies(project: MiniProject) -> None:
    lines = [json.loads(line) for line in (project.folder / "test.jsonl").read_text().splitlines()]
    project.split("test", [{**line, "group": f"g-{number % 3}"} for number, line in enumerate(lines)])
    found = judged(project, "base").comparisons[0]
    assert (found.paired.p, found.status) == (1 / 8, Status.INCONCLUSIVE)  # three signs, not twelve


def test_a_stored_run_is_plain_json(project: MiniProject) -> None:
    run = dump_run(make_run("run-1", [judged(project, "base")], "pytest suites", {"passed": 3}))
    assert json.loads(json.dumps(run))["tasks"][0]["verdicts"][0]["status"] == "SHIP"
    assert (run["outcomes"], run["command"]) == ({"passed": 3}, "pytest suites")


def test_the_dev_split_may_be_judged(project: MiniProject) -> None:
    project.split("dev", [{"id": "d-1", "input": {"text": "x"}, "expected": json.loads(GOOD)}])
    project.answers("tuned", {**project.right(), "d-1": BAD})
    session = project.session(["tuned"], split="dev")
    session.check()
    session.ask(project.selection(tuned=["d-1"]), lambda _: None)
    run = session.judged("mood")
    assert (run.split, run.examples, rate(run, "tuned", "mood", "dev")) == ("dev", 1, 0.0)
    strict = model_run(run, "tuned").rates["dev"]["strict"]
    assert strict.low == pytest.approx(0.2065, abs=1e-4)
    assert strict == Estimate(1.0, strict.low, 1.0, 1)


def test_a_score_that_only_some_examples_have_rests_on_these(project: MiniProject) -> None:
    project.name_people()
    # f1 of the four: 2/3 (Bo is too much), 1, 0, and 0 for prose. Of the eight that name nobody one is named.
    answers = project.right() | {
        "t-01": '{"mood": "good", "strength": 0.9, "names": ["Bo", "ann"]}',
        "t-03": '{"mood": "good", "strength": 0.9, "names": []}', "t-04": "prose",
        "t-12": '{"mood": "bad", "strength": 0.5, "names": ["Bo"]}',
    }  # fmt: skip
    project.answers("tuned", answers)
    rates = model_run(judged(project), "tuned").rates["test"]
    assert (rates["named"].value, rates["named"].n) == (pytest.approx((2 / 3 + 1) / 4), 4)
    assert (rates["names"].value, rates["names"].n) == (pytest.approx((2 / 3 + 1 + 7) / 12), 12)


def test_a_score_in_fractions_has_an_interval_inside_0_to_1(project: MiniProject) -> None:
    project.name_people()
    project.answers("tuned", project.right() | {"t-01": '{"mood": "good", "strength": 0.9, "names": ["Ann", "Bo"]}'})
    found = model_run(judged(project), "tuned").rates["test"]["names"]
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < found.value < found.high <= 1


def test_a_pair_is_compared_on_the_examples_that_have_the_score(project: MiniProject) -> None:
    project.name_people()
    project.contract('"majority"]\nscore = "mood"', '"majority"]\nscore = "named"')
    project.answers("base", project.right() | {"t-02": '{"mood": "good", "strength": 0.9, "names": ["Ann"]}'})
    [against_base, _] = judged(project, "base").comparisons
    paired = against_base.paired  # 1 against 2/3 in one of the four
    assert (paired.difference.value, paired.difference.n) == (pytest.approx(1 / 12), 4)
    assert (paired.wins, paired.losses, paired.ties) == (1, 0, 3)


def test_an_example_without_the_primary_score_must_pass_in_the_others(project: MiniProject) -> None:
    project.name_people()
    project.contract('[primary]\nscore = "mood"', '[primary]\nscore = "named"')
    assert model_run(judged(project), "tuned").failed == ()
    project.answers("tuned", project.right() | {"r-1": '{"mood": "bad", "strength": 0.9, "names": []}'})
    assert model_run(judged(project), "tuned").failed == ("r-1",)
