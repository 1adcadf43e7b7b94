"""Sentences of what is noted of a run beside its verdicts."""

from __future__ import annotations

from evalkit.golden.looks import Look
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.notes import LookSpent, NotJudged, UnchangedAdapter


def unchanged_adapter(item: UnchangedAdapter) -> str:
    """That an adapter changed nothing."""
    same = "its one answer is" if item.answers == 1 else f"all {item.answers} answers are"
    return (
        f"{item.model}: its adapter changes nothing: {same} the very text of {item.base}. Was it trained, and is it "
        f"the right folder?"
    )


def look_spent(item: LookSpent) -> str:
    """What a model is held to, as so many are planned for the test split, and how many of these are left."""
    look = Look(item.number, item.planned)
    if look.is_beyond_plan:
        return f"{item.model}: look {look.number} at this test split, which was planned for {look.planned}: worn out"
    return (
        f"{item.model}: look {look.number} of {look.planned} at this test split, {item.left} left: a win needs "
        f"p <= {look.alpha:.3g} (0.025 / {look.planned}), no loss a {100 * look.level:.4g} % interval"
    )


def not_judged(item: NotJudged) -> str:
    """Which declared pair was not judged, and why."""
    pair = f"{item.candidate} against {item.against} on {item.score}"
    return f"declared but not judged, because the other side is not in this run: {pair}"


def no_verdict(item: NoVerdict) -> str:
    """That nothing is decided of a model, and why."""
    return f"{item.backend}: no verdict: {_WHY_NONE[item.code].format(item=item)}"


_WHY_NONE = {
    WhyNone.DEV: "dev is for choosing, test is for deciding: take --split=dev away for a verdict",
    WhyNone.NOT_FROZEN: "the examples are not what was frozen, or never were: `evalkit freeze` comes before a verdict",
    WhyNone.PART: "{item.selected} of {item.examples} selected",
}
