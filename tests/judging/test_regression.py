"""What a model lost since a baseline: red for what is shown, open for what is not, and nothing left out."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalkit.errors import ConfigError
from evalkit.golden.model import Hypothesis
from evalkit.judging.baseline import Baseline, ScoredModel, take
from evalkit.judging.reason import Status
from evalkit.judging.regression import Regression, compare
from evalkit.judging.wording import reason, reasons
from evalkit.runs.compare import scored_model
from evalkit.session.session import EvalSession

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD, BAD = '{"mood": "good", "strength": 0.9}', '{"mood": "bad", "strength": 0.9}'


@pytest.fixture
def many(project: MiniProject) -> MiniProject:
    """The mini project with 100 test examples, all of a good mood: enough for a margin of 5 points."""
    lines = [{"id": f"t-{n:03}", "input": {"text": f"{n}"}, "expected": json.loads(GOOD)} for n in range(100)]
    project.split("test", lines)
    return project


def stored(project: MiniProject, identity: str, wrong: Collection[str] = (), **texts: str) -> ScoredModel:
    """What `tuned` scored in a run, which has another mood where it is ``wrong``; ``texts`` are said as they are."""
    changed = {name.replace("_", "-"): text for name, text in texts.items()}
    project.answers("tuned", project.right() | dict.fromkeys(wrong, BAD) | changed)
    return scored(project.asked(("tuned",), identity=identity))


def scored(session: EvalSession) -> ScoredModel:
    return scored_model(session.judged("mood"), "tuned", session.rows("mood"))


def some_of(count: int, start: int = 0) -> list[str]:
    return [f"t-{n:03}" for n in range(start, start + count)]


def base(model: ScoredModel) -> Baseline:
    return take("baseline main", model, "2026-11-21")


def against(then: ScoredModel, now: ScoredModel, *hypotheses: Hypothesis, strict: bool = False) -> Regression:
    return compare(base(then), now, hypotheses, 0.05, strict)


def statuses(found: Regression) -> dict[str, Status | None]:
    return {one.score: one.status for one in found.comparisons}


def test_the_same_answers_have_lost_nothing(many: MiniProject) -> None:
    found = against(stored(many, "run-1", ["t-001"]), stored(many, "run-2", ["t-001"]))
    assert (found.status, found.open, found.lost, found.gained) == (Status.SHIP, (), (), ())
    assert reasons(found.reasons) == "No loss beyond the margin on strict, extractable, mood, strength."


def test_a_loss_beyond_the_margin_that_is_shown_blocks_and_names_the_score(many: MiniProject) -> None:
    found = against(stored(many, "run-1"), stored(many, "run-2", some_of(20)))
    assert found.status is Status.BLOCK
    # 20 of 100 lost and none gained: Tango's interval is that of Wilson for 20 of 100, mirrored.
    said = reasons(found.reasons)
    assert said.startswith("tuned loses to baseline main on mood: -20.0 points (95 % -28.9 ")
    assert said.endswith("Lost to baseline main: t-000, t-001, t-002 and 17 more.")


def test_a_loss_that_is_neither_shown_nor_ruled_out_is_left_open(many: MiniProject) -> None:
    found = against(stored(many, "run-1"), stored(many, "run-2", some_of(3)))
    assert (found.status, found.open) == (Status.INCONCLUSIVE, ("no_loss",))
    assert statuses(found) == {"strict": "SHIP", "extractable": "SHIP", "mood": "INCONCLUSIVE", "strength": "SHIP"}
    assert reason(found.reasons[0]).startswith("tuned may lose to baseline main on mood")


def test_gains_make_up_for_losses_in_the_rate_and_both_are_listed(many: MiniProject) -> None:
    found = against(stored(many, "run-1", ["t-007"]), stored(many, "run-2", ["t-008"], t_009="prose"))
    assert found.gained == ("t-007 mood",)
    assert found.lost == (
        "t-008 mood", "t-009 strict", "t-009 extractable", "t-009 mood", "t-009 strength",
    )  # fmt: skip


def test_the_flips_of_the_other_splits_are_listed_too(many: MiniProject) -> None:
    found = against(stored(many, "run-1"), stored(many, "run-2", m_1=GOOD))
    assert (found.lost, found.status) == (("m-1 error",), Status.SHIP)


def test_strict_makes_a_single_loss_red_and_no_gain(many: MiniProject) -> None:
    then, now = stored(many, "run-1", ["t-007"]), stored(many, "run-2", ["t-008"])
    found = against(then, now, strict=True)
    assert (found.status, reasons(found.reasons)) == (Status.BLOCK, "--strict-baseline forgives no loss: t-008 mood.")
    assert against(now, stored(many, "run-3"), strict=True).status is Status.SHIP


def test_a_must_pass_example_that_was_right_and_is_wrong_blocks(many: MiniProject) -> None:
    found = against(stored(many, "run-1"), stored(many, "run-2", ["r-1"]))
    assert (found.status, found.broken) == (Status.BLOCK, ("r-1",))
    assert reasons(found.reasons) == "1 must-pass example was right and is wrong (r-1)."


def test_a_must_pass_example_that_was_wrong_before_is_no_regression(many: MiniProject) -> None:
    found = against(stored(many, "run-1", ["r-1"]), stored(many, "run-2", r_1="prose"))
    assert (found.status, found.broken) == (Status.SHIP, ())


def test_a_must_pass_example_that_is_known_to_fail_is_no_regression(many: MiniProject) -> None:
    then = stored(many, "run-1")
    line = {"id": "r-1", "input": {"text": "This is r-1."}, "expected": json.loads(GOOD), "known_fail": "irony"}
    many.split("reference", [line])
    found = against(then, stored(many, "run-2", ["r-1"]))
    assert (found.status, found.broken, found.lost) == (Status.SHIP, (), ("r-1 mood",))


def test_a_margin_that_so_few_examples_cannot_show_is_told_and_not_passed(project: MiniProject) -> None:
    found = against(stored(project, "run-1"), stored(project, "run-2"))
    assert found.status is Status.INCONCLUSIVE
    assert reasons(found.reasons) == (
        "Too few to tell a loss of 5.0 points on strict, extractable, mood, strength: n = 12 can't rule it out even "
        "where no answer differs, 73 independent examples can."
    )


def test_few_examples_show_a_loss_that_is_large_enough(project: MiniProject) -> None:
    wrong = [f"t-{n:02}" for n in range(1, 9)]
    found = against(stored(project, "run-1"), stored(project, "run-2", wrong))
    assert (found.status, statuses(found)["mood"]) == (Status.BLOCK, Status.BLOCK)
    assert "Too few to tell a loss of 5.0 points on strict, extractable, strength: n = 12" in reason(found.reasons[1])


def test_near_copies_are_no_independent_evidence(many: MiniProject) -> None:
    lines = [json.loads(line) for line in (many.folder / "test.jsonl").read_text().splitlines()]
    many.split("test", [{**line, "group": f"g-{number // 2}"} for number, line in enumerate(lines)])
    found = against(stored(many, "run-1"), stored(many, "run-2"))
    assert "n = 50 can't rule it out" in reason(found.reasons[0])


def test_a_no_loss_that_the_task_declares_has_its_own_margin(many: MiniProject) -> None:
    then, now = stored(many, "run-1"), stored(many, "run-2", some_of(20))
    wide = Hypothesis("no_loss", None, ("base",), "mood", margin=0.3)
    others = (replace(wide, candidate="merged", margin=0.1), replace(wide, score="strength", margin=0.1))
    assert statuses(against(then, now, wide, *others))["mood"] is Status.SHIP
    assert "The loss is more than 10.0 points." in reasons(against(then, now, wide, replace(wide, margin=0.1)).reasons)
    assert against(then, now, *others).status is Status.BLOCK


def test_who_keeps_the_rate_by_format_and_loses_the_decision_is_told_so(many: MiniProject) -> None:
    then = stored(many, "run-1", **dict.fromkeys((name.replace("-", "_") for name in some_of(40)), "prose"))
    found = against(then, stored(many, "run-2", some_of(40, 40)))
    assert statuses(found)["mood"] is Status.INCONCLUSIVE
    said = "A note: it scores less on the 60 examples that both answered readably, -66.7 points"
    assert said in reason(found.reasons[0])


def test_examples_added_and_removed_since_are_listed(many: MiniProject) -> None:
    then = stored(many, "run-1")
    lines = (many.folder / "test.jsonl").read_text().splitlines()
    many.write("golden/mood/test.jsonl", "\n".join(lines[2:]) + "\n")
    many.append("reference", {"id": "r-2", "input": {"text": "Oh."}, "expected": json.loads(GOOD)})
    found = against(then, stored(many, "run-2"))
    assert (found.added, found.removed, found.unselected, found.changed) == (("r-2",), ("t-000", "t-001"), 0, True)
    assert {one.paired.difference.n for one in found.comparisons} == {98}


def test_a_score_that_only_one_side_has_is_listed(many: MiniProject) -> None:
    then = stored(many, "run-1")
    many.contract("[scores.strength]", '[scores.force]\nfield = "strength"')
    found = against(then, stored(many, "run-2"))
    assert statuses(found).keys() == {"strict", "extractable", "mood"}
    assert found.unpaired[:2] == ("r-1 force", "r-1 strength")
    assert len(found.unpaired) == 2 * 101


def test_an_unchanged_task_is_told_as_that(many: MiniProject) -> None:
    found = against(stored(many, "run-1"), stored(many, "run-2"))
    assert (found.changed, found.added, found.removed, found.unpaired) == (False, (), (), ())


def test_what_was_not_selected_is_not_judged_but_counted(many: MiniProject) -> None:
    then = stored(many, "run-1")
    many.answers("tuned", dict.fromkeys(many.right(), BAD))
    session = many.session(["tuned"], identity="run-2")
    session.ask(many.selection(tuned=["t-003"]), lambda _: None)
    found = against(then, scored(session))
    assert (found.lost, found.broken, found.removed, found.unselected) == (("t-003 mood",), (), (), 101)
    assert "n = 1 can't rule it out" in reason(found.reasons[0])


def test_where_nothing_is_on_both_sides_nothing_is_passed(many: MiniProject) -> None:
    then = stored(many, "run-1")
    session = many.session(["tuned"], identity="run-2")
    session.ask(many.selection(tuned=["m-1"]), lambda _: None)
    found = against(then, scored(session))
    assert found.status is Status.INCONCLUSIVE
    assert reasons(found.reasons) == "No example of the judged split is on both sides: nothing to compare."


def test_what_stayed_unanswered_blocks_and_nothing_is_shown_by_the_rest(many: MiniProject) -> None:
    then = stored(many, "run-1")
    many.answers("tuned", {name: text for name, text in many.right().items() if name != "t-004"})
    now = scored(many.asked(("tuned",), identity="run-2"))
    found = against(then, now)
    assert (found.status, reason(found.reasons[0])) == (Status.BLOCK, "1 example stayed unanswered (t-004).")
    assert set(statuses(found).values()) == {Status.INCONCLUSIVE}
    assert "1 example was not answered by both." in reason(found.reasons[1])


def test_another_split_is_another_thing(many: MiniProject) -> None:
    then = replace(base(stored(many, "run-1")), split="dev")
    with pytest.raises(ConfigError, match="baseline main of mood is about the dev split, this run about test"):
        compare(then, stored(many, "run-2"), (), 0.05)


def test_a_score_that_only_some_examples_have_is_compared_on_these(project: MiniProject) -> None:
    project.name_people()
    then = stored(project, "run-1")
    found = against(then, stored(project, "run-2", t_02='{"mood": "good", "strength": 0.9, "names": ["Ann"]}'))
    [named] = [one for one in found.comparisons if one.score == "named"]
    assert (named.paired.difference.n, found.lost, found.unpaired) == (4, ("t-02 names", "t-02 named"), ())


def test_examples_that_a_score_is_no_longer_asked_of_are_listed(project: MiniProject) -> None:
    project.name_people()
    then = stored(project, "run-1")
    project.contract("[scores.names]", "[scores.names]\nnonempty = true")
    found = against(then, stored(project, "run-2"))
    assert len(found.unpaired) == 9  # eight of test and one of reference expect nobody
    assert {"t-05 names", "r-1 names"} < set(found.unpaired)


def test_a_loss_is_held_to_holms_level_over_the_scores(many: MiniProject) -> None:
    """6 of 100 lost and none gained: p of a loss is .0156 for one score, and .0625 for four; 7 lost are .0313."""
    then = stored(many, "run-1")
    for lost, status in ((6, Status.INCONCLUSIVE), (7, Status.BLOCK)):
        found = against(then, stored(many, f"run-{lost}", some_of(lost)))
        [mood] = [one for one in found.comparisons if one.score == "mood"]
        assert (found.status, mood.p_worse) == (status, pytest.approx(4 * 0.5**lost))
        assert [(family.of, family.about, family.made, family.found) for family in found.corrections] == [
            ("baseline", "baseline main", 4, int(lost == 7))
        ]


def test_a_loss_that_only_an_interval_of_its_own_would_put_beyond_the_margin_is_not_red(project: MiniProject) -> None:
    """6 of 12 lost: the interval is from -74.6 to -13.6 points, p of a loss .0156, and .0625 over four scores."""
    found = against(stored(project, "run-1"), stored(project, "run-2", [f"t-{n:02}" for n in range(1, 7)]))
    [mood] = [one for one in found.comparisons if one.score == "mood"]
    assert (found.status, mood.status) == (Status.INCONCLUSIVE, Status.INCONCLUSIVE)
    assert mood.paired.difference.high is not None
    assert mood.paired.difference.high < -0.05
