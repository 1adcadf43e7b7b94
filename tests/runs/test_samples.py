"""Where each example is asked several times it still counts once: the figures are those that one computes by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from evalkit.errors import ConfigError, NotAnswered
from evalkit.judging.reason import Status
from evalkit.runs.record import ModelRun, Row, TaskResult, no_rows
from evalkit.runs.requests import load_requests
from evalkit.session.session import EvalSession

if TYPE_CHECKING:
    from conftest import MiniProject

WRONG = '{"mood": "bad", "strength": 0.5}'  # to an example that expects good and 0.9


@pytest.fixture
def drawn(project: MiniProject) -> MiniProject:
    """The project with drawn answers: `tuned` is right in both samples but for these four of its 24, `base` is right
    but for the first three examples, in both."""
    project.contract("max_tokens = 40", "max_tokens = 40\ntemperature = 0.7")
    right = project.right()
    project.answers(
        "tuned",
        right | {"t-02": "Well, good.", "t-03": "Well, good."},
        right | {"t-01": WRONG, "t-03": "Well, good.", "t-09": '{"mood": "bad", "strength": 1.0}'},
    )
    base = right | dict.fromkeys(("t-01", "t-02", "t-03"), WRONG)
    project.answers("base", base, base)
    return project


def asked(project: MiniProject, samples: int = 2) -> EvalSession:
    return project.asked(("tuned",), ("base",), samples=samples)


def judged(project: MiniProject) -> TaskResult:
    return asked(project).judged("mood")


def row(session: EvalSession, model: str, example: str) -> Row:
    """What the run says of that model's answer to that example."""
    return next(one for one in session.rows("mood") if (one.model, one.example) == (model, example))


def model_run(run: TaskResult, name: str = "tuned") -> ModelRun:
    return next(one for one in run.model_runs if one.participant.name == name)


def test_a_rate_is_the_mean_of_the_examples_means(drawn: MiniProject) -> None:
    rates = model_run(judged(drawn)).rates["test"]
    # Half of t-02 and none of t-03 can be read; half of t-01, and half of the strength of t-09, is wrong.
    assert {name: (rate.value, rate.n) for name, rate in rates.items()} == {
        "strict": (10.5 / 12, 12),
        "extractable": (10.5 / 12, 12),
        "mood": (10 / 12, 12),
        "strength": (9.5 / 12, 12),
    }


def test_defects_are_counted_by_answer(drawn: MiniProject) -> None:
    session = drawn.asked(("tuned",), samples=2)
    assert model_run(session.judged("mood")).defects == {"prose_before": 3}
    assert row(session, "tuned", "t-03").defects == ("prose_before",)


def test_a_pair_is_compared_by_its_means(drawn: MiniProject) -> None:
    found = judged(drawn).comparisons[0]
    # t-01 and t-02 are half right where the base is wrong; that is far from a win, by whatever law.
    assert (found.paired.wins, found.paired.losses, found.paired.ties) == (2, 0, 10)
    assert (found.paired.difference.value, found.paired.difference.n) == (1 / 12, 12)
    assert found.paired.p > 1 / 4
    assert found.status is Status.INCONCLUSIVE


def test_among_readable_answers_an_example_has_the_mean_of_its_readable_samples(drawn: MiniProject) -> None:
    readable = judged(drawn).comparisons[0].readable
    # All of t-02 that can be read is right; nothing of t-03 can be read.
    assert (readable.value, readable.n) == (pytest.approx(1.5 / 11), 11)


def test_a_measurement_is_averaged_inside_the_example_in_its_own_unit(drawn: MiniProject) -> None:
    found = model_run(judged(drawn)).measurements["strength_mae"]
    # Off by 0.4 in half of t-01 and by 0.5 in half of t-09; the mean of what was said is never what is measured.
    assert (found.value, found.n) == (pytest.approx((0.2 + 0.25) / 11), 11)
    assert found.high is not None


def test_agreement_is_counted_sample_by_sample(drawn: MiniProject) -> None:
    [pair] = judged(drawn).agreements
    # Of 24, t-01 agrees once, t-02 and t-03 never, t-09 once.
    assert (pair.same_text, pair.n) == (18, 24)


@pytest.mark.parametrize("bad", [0, 1])
def test_a_must_pass_example_needs_every_sample_right(drawn: MiniProject, bad: int) -> None:
    right = drawn.right()
    drawn.answers("tuned", *(right | ({"r-1": WRONG} if number == bad else {}) for number in (0, 1)))
    run = judged(drawn)
    assert model_run(run).failed == ("r-1",)
    assert run.verdicts[0].status is Status.BLOCK


def test_an_example_with_one_sample_too_few_is_unanswered(drawn: MiniProject) -> None:
    right = drawn.right()
    drawn.answers("tuned", right, {name: text for name, text in right.items() if name != "t-12"})
    session = asked(drawn)
    found = model_run(session.judged("mood"))
    assert found.rates["test"]["mood"].n == 11
    assert found.unanswered["t-12"].endswith("has no answer for t-12, sample 1")
    with pytest.raises(NotAnswered, match=r"tuned did not answer t-12: .*sample 1"):
        session.answer("mood", "tuned", "t-12")


def test_an_answer_is_the_weakest_sample_with_the_means_of_all(drawn: MiniProject) -> None:
    session = asked(drawn)
    answer = session.answer("mood", "tuned", "t-01")
    assert (answer.strict, answer.text) == (True, WRONG)
    assert repr(answer.scores["mood"]) == (
        "mood: right in 1 of 2 samples; another value (got 'bad', expected 'good', score 0.5)"
    )
    assert [bool(sample.scores["mood"]) for sample in answer.samples] == [True, False]
    unread = session.answer("mood", "tuned", "t-02")
    assert (unread.strict, unread.extractable, unread.scores["strict"].value) == (False, False, 0.5)


def test_the_order_of_the_samples_makes_no_difference(drawn: MiniProject) -> None:
    drawn.contract("planned = 2", "planned = 3")  # another order makes another recording, and one candidate more
    first = asked(drawn).judged("mood")
    right = drawn.right()
    drawn.answers(
        "tuned",
        right | {"t-01": WRONG, "t-03": "Well, good.", "t-09": '{"mood": "bad", "strength": 1.0}'},
        right | {"t-02": "Well, good.", "t-03": "Well, good."},
    )
    second = drawn.asked(("tuned",), ("base",), samples=2, identity="run-2").judged("mood")
    assert [item.paired for item in second.comparisons] == [item.paired for item in first.comparisons]
    assert [item.status for item in second.comparisons] == [item.status for item in first.comparisons]
    assert model_run(second).rates == model_run(first).rates
    assert model_run(second).measurements == model_run(first).measurements


def test_a_second_look_at_the_same_answers_is_no_second_example(drawn: MiniProject) -> None:
    right = drawn.right() | {"t-01": WRONG}
    drawn.answers("tuned", right, right)
    once, twice = (
        drawn.asked(("tuned",), identity=f"run-{samples}", samples=samples).judged("mood") for samples in (1, 2)
    )
    assert model_run(once).rates == model_run(twice).rates
    assert model_run(once).measurements == model_run(twice).measurements


def test_floors_and_greedy_tasks_are_asked_once(drawn: MiniProject) -> None:
    first = drawn.asked(("tuned",), ("base",), samples=2)
    keys = {one.model: len(one.keys) for one in first.rows("mood") if one.example == "t-01"}
    assert keys == {"tuned": 2, "base": 2, "empty": 1, "majority": 1, "words": 1, "error": 1, "oracle": 1}
    drawn.contract("temperature = 0.7", "temperature = 0.0")
    session = drawn.session(["tuned"], samples=2, identity="run-2")
    session.ask(drawn.selection(tuned=["t-01"]), lambda _: None)
    assert len(row(session, "tuned", "t-01").keys) == 1
    assert model_run(session.judged("mood")).participant.asked == "one sample, because the task is greedy"


def test_the_report_says_how_many_samples_there_were(drawn: MiniProject) -> None:
    run = judged(drawn)
    told = {one.participant.name: one.participant.asked for one in run.model_runs}
    assert told["base"] == "2 samples of each example, averaged inside it"
    assert told["majority"] == ""


def test_samples_of_greedy_tasks_alone_are_refused(project: MiniProject) -> None:
    with pytest.raises(ConfigError, match=r"--samples=3: every task is greedy, .*set temperature in \[decoding\]"):
        project.session(["tuned"], samples=3).check()


@pytest.mark.parametrize("samples", [0, -1])
def test_less_than_one_sample_is_refused(drawn: MiniProject, samples: int) -> None:
    with pytest.raises(ConfigError, match=rf"--samples={samples}: expected 1 or more"):
        drawn.session(["tuned"], samples=samples).check()


def test_a_run_that_was_stored_before_there_were_samples_can_be_read() -> None:
    table = {"name": "base", "role": "against", "spec": "replay:a", "fingerprint": "f", "reasons": {}}

    def keys(stored: object) -> Mapping[str, tuple[str, ...]]:
        columns = [{"entrant": {**table, "keys": {"t-01": stored}}}]
        [request] = load_requests(
            {"id": "run-1", "tasks": [{"task": "mood", "split": "test", "columns": columns}]}, no_rows
        )
        return request.participations[0].keys

    assert keys("key") == {"t-01": ("key",)}
    assert keys(["one", "two"]) == {"t-01": ("one", "two")}
