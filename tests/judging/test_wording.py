"""The sentences that a person sees: each code once, in the singular and the plural where it counts something."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from evalkit.judging import wording
from evalkit.judging.cause import Explanation, OtherPrompts, Setting
from evalkit.judging.comparison import Agreement
from evalkit.judging.corrected import Correction, Family
from evalkit.judging.figures import dollars
from evalkit.judging.gates import kind_of
from evalkit.judging.lineage import Lineage, Step
from evalkit.judging.lineage_steps import MissingRung
from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.not_judged import NotJudged
from evalkit.judging.notes import LookSpent, ServedAs, UnchangedAdapter
from evalkit.judging.reason import ANSWERS, Code, Outcome, Reason, Remark, Status
from evalkit.judging.relation_check import Break, BreakCode, RelationResult
from evalkit.judging.step_losses import LostScore
from evalkit.judging.verdict import Verdict
from evalkit.stats.intervals import Estimate

RATE = Estimate(0.454, 0.37, 0.55, 130)
DIFFERENCE = Estimate(-0.2, -0.3, -0.1, 20)
FIGURES = "-20.0 points (95 % -30.0 to -10.0, p = 0.9900, n = 20; 1 better, 5 worse)"

SENTENCES = [
    (Reason(Code.UNANSWERED, examples=("a",)), "1 example stayed unanswered (a)."),
    (Reason(Code.UNANSWERED, examples=("a", "b", "c", "d", "e")), "5 examples stayed unanswered (a, b, c and 2 more)."),
    (Reason(Code.MUST_PASS_WRONG, examples=("a",)), "1 must-pass example is wrong (a)."),
    (Reason(Code.MUST_PASS_WRONG, examples=("a", "b")), "2 must-pass examples are wrong (a, b)."),
    (Reason(Code.MUST_PASS_BROKEN, examples=("a",)), "1 must-pass example was right and is wrong (a)."),
    (Reason(Code.MUST_PASS_BROKEN, examples=("a", "b")), "2 must-pass examples were right and are wrong (a, b)."),
    (
        Reason(Code.NOTHING_SCORED, score="strict", split="test", asked=0.5),
        "strict has a threshold of 50.0 %, and nothing was scored.",
    ),
    (
        Reason(Code.BELOW_THRESHOLD, score="mood", split="test", got=RATE, asked=0.55),
        "mood is 45.4 %, the task asks for 55.0 %.",
    ),
    (
        Reason(Code.BELOW_THRESHOLD, score="error", split="malformed", got=RATE, asked=0.55),
        "error (malformed) is 45.4 %, the task asks for 55.0 %.",
    ),
    (Reason(Code.MEETS_THRESHOLD, score="mood", split="test", got=RATE, asked=0.4), "mood 45.4 % >= 40.0 %."),
    (
        Reason(Code.ON_THE_LINE, score="mood", split="test", got=Estimate(0.8, 0.7, 0.9, 50), asked=0.8, p=0.25),
        "mood 80.0 % >= 80.0 %, on the line (95 % 70.0 % to 90.0 %): a model five points below it would pass 25.0 % of "
        "the time.",
    ),
    (
        Reason(Code.ON_THE_LINE, score="mood", split="test", got=Estimate(0.7, 0.6, 0.8, 50), asked=0.75, p=0.25),
        "mood is 70.0 %, the task asks for 75.0 %, on the line (95 % 60.0 % to 80.0 %): a model five points below it "
        "would pass 25.0 % of the time.",
    ),
    (Reason(Code.NOTHING_DECLARED), "Nothing is declared that it could fail: no threshold, and no hypothesis of it."),
    (Reason(Code.ALL_HOLDS), "All that was declared holds."),
    (Reason(Code.STRICT_LOSSES, examples=("a mood",)), "--strict-baseline forgives no loss: a mood."),
    (
        Reason(Code.TOO_FEW, scores=("mood", "strength"), asked=0.05, count=12, needed=73),
        "Too few to tell a loss of 5.0 points on mood, strength: n = 12 can't rule it out even where no answer "
        "differs, 73 independent examples can.",
    ),
    (Reason(Code.NOTHING_SHARED), "No example of the judged split is on both sides: nothing to compare."),
    (Reason(Code.NO_LOSS, scores=("mood", "strength")), "No loss beyond the margin on mood, strength."),
    (
        Reason(Code.NOT_RUN, "q4", "f16", "mood", absent="f16"),
        "q4 against f16 on mood is declared and was not judged: f16 was not run.",
    ),
    (
        Reason(Code.BELOW_FLOOR, "tuned", "majority", "mood", got=Estimate(0.0, None, None, 12), asked=0.5),
        "All that was declared holds, and mood is 0.0 % where majority, which reads nothing, has 50.0 %.",
    ),
    (
        Reason(Code.RIVAL_COSTS, "tuned", "haiku", scores=("mood", "strength")),
        "What is declared of tuned against haiku on mood, strength was not judged: each answer of haiku costs money. "
        "Add --against=haiku to ask it.",
    ),
    (
        Reason(Code.RIVAL_NOT_OPENED, "tuned", "base", scores=("mood",), absent="no weights"),
        "What is declared of tuned against base on mood was not judged: base can't be opened here (no weights). Mend "
        "that, and add --against=base.",
    ),
    (
        Reason(Code.PARENT_NOT_KNOWN, "tuned", "its parent", scores=("mood",)),
        "What is declared of tuned against its parent on mood was not judged: nobody says what it was made from. Set "
        "`parent` of tuned in [tool.evalkit.backends].",
    ),
    (
        Reason(Code.RIVAL_NOT_HELD, "tuned", "base", scores=("mood",), absent="2 of 9 answers; t-1: no JSON"),
        "What is declared of tuned against base on mood was not judged: base was asked with constrained = true, and "
        "its server did not hold it to the schema (2 of 9 answers; t-1: no JSON). Ask it at a server that does, or "
        "take `constrained` away.",
    ),
    (
        Reason(Code.RIVAL_NOT_ASKED, "tuned", "base", scores=("mood",)),
        "What is declared of tuned against base on mood was not judged: add --against=base.",
    ),
    (
        Reason(Code.FIRST_VERDICT, "tuned", first=Status.BLOCK, now=Status.SHIP, run="run-1"),
        "It was judged before, in run run-1: BLOCK. That verdict counts; this time it would be SHIP:",
    ),
    (
        Reason(Code.WORN_OUT, "tuned", count=4),
        "This test split is worn out: it was planned for 4 looks, and they are taken. Nothing ships on it any more. "
        "Retire it with `evalkit freeze --renew`, and write a new one.",
    ),
    (Reason(Code.NO_STEP_LOST), "No step lost more than the task allows."),
    (
        Reason(Code.BY_DEFAULT, scores=("team", "strict"), asked=0.05, count=1),
        "The task declares nothing of 1 step: held to no loss of 5.0 points on team and strict.",
    ),
    (
        Reason(Code.NOT_RUN, "q4", "f16", absent="q4", declared=False),
        "q4 against f16 was not judged: q4 was not run.",
    ),
    (Reason(Code.NO_STEP), "There was no step to judge."),
    (Reason(Code.NO_STEP_DECLARED), "The task declares nothing that a step could lose."),
]


def compared(outcome: Outcome | None, declared: bool = True, examples: tuple[str, ...] = ()) -> Reason:
    return Reason(
        Code.COMPARISON, "tuned", "base", "mood", got=DIFFERENCE, p=0.99, wins=1, losses=5, outcome=outcome,
        declared=declared, examples=examples,
    )  # fmt: skip


@pytest.mark.parametrize(("reason", "sentence"), SENTENCES)
def test_a_reason_is_one_plain_sentence(reason: Reason, sentence: str) -> None:
    assert wording.reason(reason) == sentence


def test_every_code_has_its_sentence() -> None:
    assert {reason.code for reason, _ in SENTENCES} | {Code.COMPARISON} == {*Code}


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("win", Status.SHIP, "beats base on mood"),
        ("win", Status.BLOCK, "does not beat base on mood"),
        ("win", Status.INCONCLUSIVE, "is not shown to beat base on mood"),
        ("no_loss", Status.SHIP, "does not lose to base on mood by more than 5.0 points"),
        ("no_loss", Status.BLOCK, "loses to base on mood"),
        ("no_loss", Status.INCONCLUSIVE, "may lose to base on mood by more than 5.0 points (not shown, not refuted)"),
        ("equivalent", Status.SHIP, "is equivalent to base on mood within 5.0 points"),
        ("equivalent", Status.BLOCK, "differs from base on mood by more than 5.0 points"),
        ("equivalent", Status.INCONCLUSIVE, "may differ from base on mood by more than 5.0 points"),
    ],
)
def test_a_comparison_says_who_compares_how_with_whom_on_what(kind: str, status: Status, said: str) -> None:
    assert wording.reason(compared(Outcome(kind, status, 0.05))) == f"tuned {said}: {FIGURES}."


def test_a_comparison_by_holms_p_has_the_interval_that_goes_with_it() -> None:
    wider = replace(compared(Outcome("win", Status.INCONCLUSIVE, 0.0)), level=0.975, extended=True, slice="hard")
    said = "tuned is not shown to beat base on mood on hard: -20.0 points (97.5 % -30.0 to -10.0 (extended), p = "
    assert wording.reason(wider).startswith(said)


def test_no_loss_has_the_p_of_a_loss() -> None:
    lost = replace(compared(Outcome("no_loss", Status.BLOCK, 0.05)), p_worse=0.00001)
    assert "p of a loss < 0.0001, n = 20" in wording.reason(lost)


def test_the_examples_that_were_lost_are_named_with_whom_they_were_lost_to() -> None:
    lost, won = (Outcome("win", status, 0.0) for status in (Status.BLOCK, Status.SHIP))
    assert wording.reason(compared(lost, examples=("a", "b"))).endswith(" Lost to base: a, b.")
    assert "Lost" not in wording.reason(compared(won, examples=("a", "b")))


def test_a_pair_that_nobody_declared_says_so() -> None:
    assert wording.reason(compared(None, declared=False)) == (
        f"tuned against base on mood: {FIGURES}; nothing was declared of this pair."
    )
    judged = compared(Outcome("no_loss", Status.BLOCK, 0.05), declared=False)
    assert wording.reason(judged).endswith(f"loses to base on mood: {FIGURES}. Nothing was declared of this pair.")


REMARKS = [
    ("win", Remark("would_show", count=333), "About 333 examples would show a difference as large as this one."),
    ("win", Remark("few_flips", count=1), "1 example with another score: too few to say how many would show it."),
    ("no_loss", Remark("beyond_margin"), "The loss is more than 5.0 points."),
    ("no_loss", Remark("loss_shown", p=0.0123), "A loss at all is shown (p = 0.0123)."),
    ("no_loss", Remark("loss_shown", p=1e-9), "A loss at all is shown (p < 0.0001)."),
    ("no_loss", Remark("estimate_beyond"), "The estimate lies beyond the margin of 5.0 points."),
    ("no_loss", Remark("would_tell", count=1230), "About 1,230 examples would tell."),
    ("no_loss", Remark("few_flips", count=8), "8 examples with another score: too few to say how many would tell."),
    ("equivalent", Remark("would_tell", count=73), "About 73 examples would tell."),
    ("equivalent", Remark("few_flips", count=0), "0 examples with another score: too few to say how many would tell."),
]

REMARKS_OF_ALL = [
    (Remark("not_answered_by_both", count=1), "1 example was not answered by both."),
    (Remark("not_answered_by_both", count=5), "5 examples were not answered by both."),
    (
        Remark("look", got=Estimate(0.13, -0.032, 0.287, 130), asked=0.025 / 12, count=3),
        "Look 3 at this split asks for p <= 0.00208, and for the 99.58 % interval (-3.2 to +28.7).",
    ),
    (
        Remark("less_among_readable", got=DIFFERENCE),
        "A note: it scores less on the 20 examples that both answered readably, -20.0 points (95 % -30.0 to -10.0).",
    ),
]


@pytest.mark.parametrize(
    ("kind", "remark", "sentence"), [*REMARKS, *(("win", remark, sentence) for remark, sentence in REMARKS_OF_ALL)]
)
def test_a_remark_stands_behind_the_figures(kind: str, remark: Remark, sentence: str) -> None:
    reason = compared(Outcome(kind, Status.INCONCLUSIVE, 0.05, (remark,)))
    assert wording.reason(reason).endswith(f"{FIGURES}. {sentence}")


@pytest.mark.parametrize("kind", ["win", "no_loss", "equivalent"])
def test_each_phrase_of_a_kind_is_tried(kind: str) -> None:
    tried = {remark.code for name, remark, _ in REMARKS if name == kind}
    assert kind_of(kind).PHRASES.keys() == {*ANSWERS} | tried


def test_what_is_not_estimable_is_said_to_be_so() -> None:
    nothing = replace(compared(None), got=Estimate(None, None, None, 0), p=None, wins=0, losses=0)
    said = "not estimable points (95 % not estimable to not estimable, p = not estimable, n = 0; 0 better, 0 worse)"
    assert said in wording.reason(nothing)


def test_a_verdict_has_its_reasons_behind_it() -> None:
    reasons = (Reason(Code.UNANSWERED, examples=("a",)), Reason(Code.MUST_PASS_WRONG, examples=("b",)))
    verdict = Verdict("tuned", Status.BLOCK, reasons, (), "iterate", reasons[0])
    said = "tuned: BLOCK. 1 example stayed unanswered (a). 1 must-pass example is wrong (b)."
    assert (wording.verdict(verdict), repr(verdict)) == (said, said)


# -- notes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answers", "same"), [(1, "its one answer is"), (12, "all 12 answers are")])
def test_an_adapter_that_changes_nothing_is_asked_about(answers: int, same: str) -> None:
    assert wording.unchanged_adapter(UnchangedAdapter("tuned", "base", answers)) == (
        f"tuned: its adapter changes nothing: {same} the very text of base. Was it trained, and is it the right folder?"
    )


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"mini": 12}, "big was asked, and another model answered, by the server's own words: mini (12)"),
        ({"big": 8, "mini": 4}, "big was asked, and several models answered: big (8), mini (4). Its figures are a mix"),
    ],
)
def test_who_answered_in_a_models_place_is_named(names: dict[str, int], told: str) -> None:
    assert wording.served_as(ServedAs("rival", "big", names)).startswith(f"rival: {told}")


def test_a_look_says_what_it_is_held_to() -> None:
    assert wording.look_spent(LookSpent("tuned", 3, planned=4, left=1)) == (
        "tuned: look 3 of 4 at this test split, 1 left: a win needs p <= 0.00625 (0.025 / 4), no loss a 98.75 % "
        "interval"
    )
    assert "worn out" in wording.look_spent(LookSpent("tuned", 5, planned=4))


def test_a_pair_whose_other_side_is_not_there_is_named() -> None:
    items = [NotJudged("tuned", "base", "mood"), NotJudged("tuned", "base", "strength", kind="no_loss")]
    assert list(wording.not_judged(items)) == [
        "declared of tuned against base on mood, strength, and not judged: base was not asked"
    ]


# -- lineages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (MissingRung("no such file"), "q4 could not be run: no such file"),
        (
            MissingRung("", 9, 12, "e3", "no paper"),
            "q4 could not be run: 9 of 12 examples stayed unanswered (e3: no paper)",
        ),
        (
            MissingRung("", 1, 1, "e3", "no paper"),
            "q4 could not be run: 1 of 1 example stayed unanswered (e3: no paper)",
        ),
    ],
)
def test_why_a_rung_was_not_run_whole(item: MissingRung, said: str) -> None:
    assert wording.missing_rung("q4", item) == said


def agreement(same: int, n: int = 40) -> Agreement:
    return Agreement("f16", "q4", same, same, n)


PROMPT = OtherPrompts("prompt_text", ("e1",), 40, "Team?", "Team? ")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Explanation("none", agreement(40)), "all 40 answers are the same text"),
        (
            Explanation("template", agreement(20), prompts=PROMPT),
            "the rendered prompt is another on 1 of 40 examples: 'Team?' became 'Team? '",
        ),
        (
            Explanation("template", agreement(20), prompts=replace(PROMPT, without_system=1)),
            "the rendered prompt is another on 1 of 40 examples: 'Team?' became 'Team? '; the system message is left "
            "out of 1 of them",
        ),
        (
            Explanation("template", agreement(0, 1), prompts=OtherPrompts("token_ids", ("e1",), 1)),
            "the same prompt is other token ids on 1 of 1 example",
        ),
        (
            Explanation("template", agreement(20), prompts=OtherPrompts("token_counts", ("e1",), 40, "12", "13")),
            "the same prompt is other tokens on 1 of 40 examples: 12 became 13",
        ),
        (
            Explanation(
                "decoding", agreement(20),
                settings=(
                    Setting("prefill", "", " "), Setting("as_served", None, True, was_set=False),
                    Setting("top_k", 40, None, is_set=False),
                ),
            ),
            "prefill '' became ' ', as_served = True, which was not set, top_k = 40 is not set any more",
        ),
        (
            Explanation("weights", agreement(20)),
            "same prompts, token by token, same decoding, 20 of 40 answers changed: weights or their arithmetic",
        ),
        (
            Explanation("weights", agreement(20), not_hashed=40),
            "same prompts (the token ids of 40 are not known), same decoding, 20 of 40 answers changed: weights or "
            "their arithmetic",
        ),
        (
            Explanation("weights", agreement(20), not_rendered=40),
            "the rendered prompt of 40 is not known, same decoding, 20 of 40 answers changed: weights or their "
            "arithmetic",
        ),
        (
            Explanation("weights", agreement(20), not_rendered=40, recorded=("f16", "q4")),
            "the rendered prompt of 40 is not known, decoding not known (the answers of f16 and q4 are recorded), "
            "20 of 40 answers changed: weights, their arithmetic or decoding",
        ),
        (
            Explanation("noise", agreement(30), again=(Agreement("q4", "again", 10, 10, 20),)),
            "same prompts, token by token, same decoding, 10 of 40 answers changed; 10 of 20 change when q4 is asked "
            "again: no more than their own arithmetic",
        ),
    ],
)  # fmt: skip
def test_what_changed_the_answers_of_a_step(why: Explanation, said: str) -> None:
    assert wording.explanation(why) == said


@pytest.mark.parametrize(
    ("explained", "end"),
    [
        ("none", ""),
        ("all", ". Not quantization or merging: the rendered prompt is another on 1 of 40 examples"),
        ("some", "; 19 of the 20 lost examples had the same prompt"),
    ],
)
def test_what_a_step_lost_and_whether_its_cause_accounts_for_it(explained: str, end: str) -> None:
    lost = LostScore("team", "f16", DIFFERENCE, 0, 20, 20, 19, explained)  # type: ignore[arg-type]
    why = Explanation("template", agreement(20), prompts=PROMPT, touched=("e1",))
    worse = MeasurementChange(Estimate(0.5, None, None, 9), Estimate(0.75, None, None, 9), Estimate(0.25, 0.1, 0.4, 9))
    step = Step("q4", "f16", (), {"error": worse}, agreement(20), "template", why, (lost,), ("error",))
    first, second = wording.step_losses(step)
    assert first.startswith(
        "team: lost between f16 and q4 (-20.0 points, 95 % -30.0 to -10.0; 20 worse, 0 better)"
    )  # fmt: skip
    assert end in first
    assert second.startswith(
        "error: worse between f16 and q4 (0.50 to 0.75; on the 9 examples that both answered readably, 95 % of the "
        "change above 0). the rendered prompt"
    )


def test_a_loss_that_is_not_shown_among_so_many_may_have_been_one() -> None:
    lost = LostScore("team", "f16", DIFFERENCE, 1, 9, 9, 0, "none", "may_be_lost", 0.0107, 0.58, 54)
    step = Step("q4", "f16", (), {}, agreement(20), "weights", Explanation("weights", agreement(20)), (lost,), ())
    assert [*wording.step_losses(step)] == [
        "team: may have been lost between f16 and q4 (-20.0 points, 95 % -30.0 to -10.0; 9 worse, 1 better; "
        "p = 0.0107, among 54 = 0.5800)"
    ]


def test_a_lineage_has_its_reasons_behind_it() -> None:
    lineage = Lineage("nightly", (), (), {}, {}, Status.SHIP, (Reason(Code.NO_STEP_LOST),))
    assert wording.lineage(lineage) == "lineage nightly: SHIP. No step lost more than the task allows."


# -- relations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Break(BreakCode.UNREADABLE_BEFORE, "e1"), "the answer to e1 can't be read"),
        (Break(BreakCode.UNREADABLE_AFTER, "e1~loud"), "the answer to e1~loud can't be read"),
        (Break(BreakCode.ERROR_BEFORE, "e1", before="no text"), "the answer to e1 is an error: 'no text'"),
        (Break(BreakCode.NOT_STRICT, "e1~loud", why="prose"), "the answer to e1~loud is not strict: prose"),
        (Break(BreakCode.FIELD_APPEARED, "e1~loud", "mood"), "mood was not there before"),
        (Break(BreakCode.FIELD_GONE, "e1~loud", "mood"), "mood was there before"),
        (Break(BreakCode.FIELD_CHANGED, "e1~loud", "mood", 1, 2, -1), "mood was 1 and is 2, expected -1"),
    ],
)
def test_in_what_way_a_relation_does_not_hold(item: Break, said: str) -> None:
    assert wording.relation_break(item) == said
    result = RelationResult("tuned", "loud", "e1~loud", (item,), {"text": "HI"})
    assert repr(result) == f"loud does not hold for tuned on e1~loud: {said}. Asked: text 'HI'"


def test_a_relation_that_holds_says_so() -> None:
    assert repr(RelationResult("tuned", "loud", "e1~loud", (), {})) == "loud holds for tuned on e1~loud"


def test_small_sums_keep_their_digits() -> None:
    assert [dollars(value) for value in (0.0, 0.00002, 0.012345, 0.5, 12345.678)] == [
        "0.00 USD", "2e-05 USD", "0.012 USD", "0.50 USD", "12,345.68 USD",
    ]  # fmt: skip


# -- how many comparisons -----------------------------------------------------------------------------


def test_how_many_comparisons_were_made_and_over_how_many_each_correction_ran() -> None:
    groups = [
        Correction("lineage_gates", "nightly", 18, 1, 0.05),
        Correction("lineage_scores", "nightly", 54, 2, 0.025),
    ]
    assert wording.comparisons_made(groups) == (
        "72 comparisons, 3 of which show something (a loss in 1 of 18 gates of lineage nightly; a loss in 2 of 54 "
        "other scores of it), each group by Holm"
    )
    assert wording.comparisons_made([]) == ""


@pytest.mark.parametrize("of", get_args(Family))
def test_every_group_of_comparisons_has_its_words(of: Family) -> None:
    assert "tuned" in wording.comparisons_made([Correction(of, "tuned", 8, 0, 0.025)]) or of == "lineage_scores"
