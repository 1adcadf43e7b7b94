"""Puts what was decided into words: reasons, comparisons, verdicts, lineages, recommendations, regressions, relations.

The one place where these become sentences. Nothing is decided here: every figure comes with the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit._internal.counts import abbreviate, counted, verb
from evalkit.errors import ConfigError
from evalkit.golden.looks import Look
from evalkit.judging.figures import dollars, interval, percent, points, width
from evalkit.judging.gates import kind_of
from evalkit.judging.reason import Code, Outcome, Reason, Remark, Status
from evalkit.stats.intervals import Estimate

if TYPE_CHECKING:  # these are made of what is worded here
    from evalkit.judging.cause import Explanation, OtherPrompts, Setting
    from evalkit.judging.comparison import Agreement
    from evalkit.judging.lineage import Lineage, LostScore, MissingRung, Step
    from evalkit.judging.notes import LookSpent, NotJudged, UnchangedAdapter
    from evalkit.judging.recommendation import Recommendation
    from evalkit.judging.regression import Regression
    from evalkit.judging.relation_check import Break, RelationResult
    from evalkit.judging.verdict import Verdict

# -- reasons ----------------------------------------------------------------------------------------


def reason(item: Reason) -> str:
    """The sentence of one reason of a verdict, a regression or a lineage."""
    return _REASONS[item.code](item)


def _unanswered(item: Reason) -> str:
    return f"{counted(len(item.examples), 'example')} stayed unanswered ({abbreviate(item.examples)})."


def _must_pass_wrong(item: Reason) -> str:
    count = counted(len(item.examples), "must-pass example", ("is", "are"))
    return f"{count} wrong ({abbreviate(item.examples)})."


def _must_pass_broken(item: Reason) -> str:
    count = counted(len(item.examples), "must-pass example", ("was right and is", "were right and are"))
    return f"{count} wrong ({abbreviate(item.examples)})."


def _scored(item: Reason) -> str:
    """The score that a threshold is about, with its split where that is not the judged one."""
    return item.score if item.split == "test" else f"{item.score} ({item.split})"


def _rate(item: Reason) -> str:
    return percent(item.got.value if item.got else None)


def _too_few(item: Reason) -> str:
    return (
        f"Too few to tell a loss of {width(item.asked or 0)} points on {', '.join(item.scores)}: n = {item.count} "
        f"can't rule it out even where no answer differs, {counted(item.needed or 0, 'independent example')} can."
    )


def _comparison(item: Reason) -> str:
    if item.outcome is None:
        return (
            f"{item.model} against {item.against} on {item.score}: {_figures(item)}; nothing was declared of this pair."
        )
    parts = [f"{item.model} {_answer(item, item.outcome)}: {_figures(item)}."]
    parts += [_remark(remark, item.outcome.kind) for remark in item.outcome.remarks]
    if item.examples and item.outcome.status is not Status.SHIP:
        parts.append(f"Lost to {item.against}: {abbreviate(item.examples)}.")
    if not item.declared:
        parts.append("Nothing was declared of this pair.")
    return " ".join(parts)


def _answer(item: Reason, outcome: Outcome) -> str:
    phrase = kind_of(outcome.kind).PHRASES[outcome.status]
    return phrase.format(against=f"{item.against} on {item.score}", bound=width(outcome.bound))


def _figures(item: Reason) -> str:
    difference = item.got or Estimate(None, None, None, 0)
    p = "not estimable" if item.p is None else f"{item.p:.4f}"
    return (
        f"{points(difference.value)} points (95 % {points(difference.low)} to {points(difference.high)}, p = {p}, "
        f"n = {difference.n}; {item.wins} better, {item.losses} worse)"
    )


def _remark(remark: Remark, kind: str) -> str:
    """What there is to know beside the status: in words of all kinds, else in those of the kind."""
    if remark.code in _REMARKS:
        return _REMARKS[remark.code](remark)
    got = "" if remark.got is None else _among_readable(remark.got)
    examples = "" if remark.count is None else counted(remark.count, "example")
    phrases = kind_of(kind).PHRASES
    if remark.code not in phrases:
        raise ConfigError(f"hypothesis {kind!r}: its PHRASES have none for its remark {remark.code!r}: write one")
    return phrases[remark.code].format(got=got, examples=examples)


def _among_readable(difference: Estimate) -> str:
    if difference.value is None:
        return "no example was answered readably by both"
    return f"{interval(difference)} on the {counted(difference.n, 'example')} that both answered readably"


def _of_look(remark: Remark) -> str:
    alpha, bounds = remark.asked or 0.0, remark.got or Estimate(None, None, None, 0)
    return (
        f"Look {remark.count} at this split asks for p <= {alpha:.3g}, and for the {100 * (1 - 2 * alpha):.4g} % "
        f"interval ({points(bounds.low)} to {points(bounds.high)})."
    )


def _not_answered_by_both(remark: Remark) -> str:
    return f"{counted(remark.count or 0, 'example', ('was', 'were'))} not answered by both."


_REMARKS: Mapping[str, Callable[[Remark], str]] = {
    "not_answered_by_both": _not_answered_by_both,
    "look": _of_look,
    "worn_out": lambda _: (
        "At a first look it would be shown: this test split is worn out. Retire it with `evalkit freeze --renew`, and "
        "write a new one."
    ),
}
"""The remarks that hypotheses of all kinds may have."""

_REASONS: Mapping[Code, Callable[[Reason], str]] = {
    Code.UNANSWERED: _unanswered,
    Code.MUST_PASS_WRONG: _must_pass_wrong,
    Code.NOTHING_SCORED: lambda item: (
        f"{_scored(item)} has a threshold of {percent(item.asked)}, and nothing was scored."
    ),
    Code.BELOW_THRESHOLD: lambda item: f"{_scored(item)} is {_rate(item)}, the task asks for {percent(item.asked)}.",
    Code.MEETS_THRESHOLD: lambda item: f"{_scored(item)} {_rate(item)} >= {percent(item.asked)}.",
    Code.COMPARISON: _comparison,
    Code.NOTHING_DECLARED: lambda _: "Nothing was declared that could stop it.",
    Code.ALL_HOLDS: lambda _: "All that was declared holds.",
    Code.MUST_PASS_BROKEN: _must_pass_broken,
    Code.STRICT_LOSSES: lambda item: f"--strict-baseline forgives no loss: {abbreviate(item.examples)}.",
    Code.TOO_FEW: _too_few,
    Code.NOTHING_SHARED: lambda _: "No example of the judged split is on both sides: nothing to compare.",
    Code.NO_LOSS: lambda item: f"No loss beyond the margin on {', '.join(item.scores)}.",
    Code.NOT_RUN: lambda item: (
        f"{item.model} against {item.against} on {item.score} is declared and was not judged: "
        f"{item.absent} was not run."
    ),
    Code.NO_STEP_LOST: lambda _: "No step lost more than the task allows.",
    Code.NO_STEP_DECLARED: lambda _: "The task declares nothing that a step could lose.",
}


def reasons(items: Sequence[Reason]) -> str:
    """All of them, one sentence behind the other."""
    return " ".join(reason(item) for item in items)


def verdict(item: Verdict) -> str:
    """A verdict with its reasons."""
    return f"{item.backend}: {item.status}. {reasons(item.reasons)}"


def regression(item: Regression) -> str:
    """What became of one model since a baseline."""
    then = f"{item.name} ({item.then}, {item.date})"
    return f"{item.backend} against {then}: {item.status}. {reasons(item.reasons)}"


# -- notes ------------------------------------------------------------------------------------------


def unchanged_adapter(item: UnchangedAdapter) -> str:
    """That an adapter changed nothing."""
    same = "its one answer is" if item.answers == 1 else f"all {item.answers} answers are"
    return (
        f"{item.model}: its adapter changes nothing: {same} the very text of {item.base}. Was it trained, and is it "
        f"the right folder?"
    )


def look_spent(item: LookSpent) -> str:
    """What a model is held to, as so many were judged on the test split before it."""
    look = Look(item.number)
    return (
        f"{item.model}: model {look.number} that is judged on this test split: a win needs p <= {look.alpha:.3g} "
        f"(0.025 / {look.number * (look.number + 1)}), no loss a {100 * look.level:.4g} % interval"
    )


def not_judged(item: NotJudged) -> str:
    """Which declared pair was not judged, and why."""
    pair = f"{item.candidate} against {item.against} on {item.score}"
    return f"declared but not judged, because the other side is not in this run: {pair}"


# -- lineages ---------------------------------------------------------------------------------------


def lineage(item: Lineage) -> str:
    """What became of a model from its first rung to its last."""
    return f"lineage {item.name}: {item.status}. {reasons(item.reasons)}"


def missing_rung(name: str, item: MissingRung) -> str:
    """Why a rung was not run whole."""
    unanswered = f"{item.unanswered} of {counted(item.of, 'example')} stayed unanswered ({item.example}: {item.why})"
    return f"{name} could not be run: {item.problem or unanswered}"


def step_losses(step: Step) -> Iterator[str]:
    """A sentence for each score that a step lost, and for each measurement that became worse."""
    why = explanation(step.why)
    for item in step.gone:
        yield _lost_score(item, step, why)
    for name in step.worse:
        change = step.measured[name]
        n = change.worse.n if change.worse else 0
        yield (
            f"{name}: worse between {step.against} and {step.rung} ({change.before.value:.2f} to "
            f"{change.after.value:.2f}; on the {counted(n, 'example')} that both answered readably, 95 % of the change "
            f"above 0){f'. {why}' if step.why.touched else ''}"
        )


def _lost_score(item: LostScore, step: Step, why: str) -> str:
    because = ""
    if item.explained == "all":
        because = f". Not quantization or merging: {why}"
    elif item.explained == "some":
        because = f". {why}; {item.elsewhere} of the {counted(item.lost, 'lost example')} had the same prompt"
    return (
        f"{item.score}: lost between {item.against} and {step.rung} ({points(item.difference.value)} points, "
        f"95 % {points(item.difference.low)} to {points(item.difference.high)}; {item.losses} worse, "
        f"{item.wins} better){because}"
    )


def explanation(item: Explanation) -> str:
    """What changed the answers between two rungs."""
    if item.cause == "template" and item.prompts is not None:
        return _other_prompts(item.prompts)
    if item.cause == "decoding":
        return ", ".join(setting(changed) for changed in item.settings)
    agreement = item.agreement
    if item.cause == "none":
        return (
            "the only answer is the same text" if agreement.n == 1 else f"all {agreement.n} answers are the same text"
        )
    changed = f"{_same_prompts(item)}, same decoding, {item.changed} of {counted(agreement.n, 'answer')} changed"
    again = map(_changed_again, item.again)
    end = "no more than their own arithmetic" if item.cause == "noise" else "weights or their arithmetic"
    return f"{'; '.join([changed, *again])}: {end}"


def _changed_again(item: Agreement) -> str:
    changed = item.n - item.same_text
    return f"{changed} of {item.n} {verb(changed, 'changes', 'change')} when {item.first} is asked again"


def _other_prompts(prompts: OtherPrompts) -> str:
    of = f"{len(prompts.examples)} of {counted(prompts.n, 'example')}"
    if prompts.by == "prompt_text":
        return f"the rendered prompt is another on {of}: {prompts.before!r} became {prompts.after!r}"
    if prompts.by == "token_ids":
        return f"the same prompt is other token ids on {of}"
    return f"the same prompt is other tokens on {of}: {prompts.before} became {prompts.after}"


def _same_prompts(item: Explanation) -> str:
    if item.not_rendered:
        return f"the rendered prompt of {item.not_rendered} is not known"
    if item.not_hashed:
        return f"same prompts (the token ids of {item.not_hashed} are not known)"
    return "same prompts, token by token"


def setting(item: Setting) -> str:
    """How one setting of the sampler changed.

    >>> from evalkit.judging.cause import Setting
    >>> setting(Setting("repeat_penalty", 1.0, 1.1))
    'repeat_penalty 1.0 became 1.1'
    >>> setting(Setting("as_served", None, True, was_set=False))
    'as_served = True, which was not set'
    """
    if not item.was_set:
        return f"{item.name} = {item.after!r}, which was not set"
    if not item.is_set:
        return f"{item.name} = {item.before!r} is not set any more"
    return f"{item.name} {item.before!r} became {item.after!r}"


# -- recommendations --------------------------------------------------------------------------------


def recommendation(item: Recommendation) -> str:
    """Which of two models is the right pick, and what decides it; empty where the primary score was not compared."""
    return " ".join(_recommendation(item)) if item.primary in item.fields else ""


def _recommendation(item: Recommendation) -> Iterator[str]:
    ours, theirs = item.ours, item.theirs
    yield _pick(item)
    worse = [
        f"{score} ({points(field.difference.value)})"
        for score, field in item.fields.items()
        if score != item.primary and field.standing == "worse"
    ]
    if worse:
        yield f"{ours.name} is worse on {', '.join(worse)}."
    if ours.cost is None or theirs.cost is None:
        unknown = " and ".join(side.name for side in (ours, theirs) if side.cost is None)
        yield f"What 1,000 calls of {unknown} cost is not known: state its price, or cost_per_hour and run --latency."
    else:
        yield f"1,000 calls of {ours.name} cost {dollars(ours.cost)}, of {theirs.name} {dollars(theirs.cost)}."
    yield from _break_even(item)
    if ours.p50 is not None and theirs.p50 is not None:
        times = f"within {ours.p50:.2f} s, of {theirs.name} within {theirs.p50:.2f} s"
        yield f"Half of the answers of {ours.name} come {times}."
    if item.verdict is not None and item.verdict is not Status.SHIP:
        yield f"None of this lets {ours.name} through: its verdict is {item.verdict}."


def _pick(item: Recommendation) -> str:
    """One sentence: which of the two, and the figure that decides."""
    ours, theirs, primary, field = item.ours.name, item.theirs.name, item.primary, item.fields[item.primary]
    difference = field.difference
    figures = f"{points(difference.value)} points, 95 % {points(difference.low)} to {points(difference.high)}"
    if field.standing == "open" and difference.low is None:
        return f"Nothing is shown of {ours} and {theirs}: too few examples for an interval of {primary}."
    if field.standing == "open":
        return (
            f"Neither {ours} nor {theirs} is shown to be the right pick: {counted(difference.n, 'example')} can't tell "
            f"them apart on {primary} ({figures})."
        )
    other = theirs if item.pick == ours else ours
    right = f"{item.pick} is the right pick over {other}"
    if item.by == "score":
        return f"{right}: {primary} decides ({figures}){_if_worth_it(item)}."
    level = f"on {primary} {ours} is no worse than {theirs} by {width(item.margin)} points or more ({figures})"
    if item.by == "cost":
        return f"{right}: {level}, and the cost of a call decides."
    return f"{level[0].upper()}{level[1:]}, and nothing shows which is the right pick."


def _if_worth_it(item: Recommendation) -> str:
    """What the better one costs more, where it does."""
    if item.saved is None:
        return ""
    if item.pick == item.candidate and item.saved < 0:
        return f", if that is worth {dollars(-item.saved)} more for 1,000 calls"
    if item.pick == item.against and item.saved > 0:
        return f", unless {dollars(item.saved)} less for 1,000 calls make up for it"
    return ""


def _break_even(item: Recommendation) -> Iterator[str]:
    even = item.break_even
    if even is not None:
        yield (
            f"Paid for the whole month ({even.hours} h, {dollars(even.month)}), {item.candidate} breaks even at "
            f"{even.calls:,.0f} calls a month; one at a time it answers at most {even.most:,.0f}"
            + ("." if even.calls <= even.most else ", so that it never does unless it answers several at once.")
        )


# -- relations --------------------------------------------------------------------------------------


def relation(item: RelationResult) -> str:
    """A relation's result on one example."""
    if item.holds:
        return f"{item.relation} holds for {item.backend} on {item.example}"
    inputs = ", ".join(f"{name} {value!r}" for name, value in item.input.items())
    why = "; ".join(relation_break(part) for part in item.why)
    return f"{item.relation} does not hold for {item.backend} on {item.example}: {why}. Asked: {inputs}"


def relation_break(item: Break) -> str:
    """One way in which a relation does not hold."""
    return {
        "unreadable_before": f"the answer to {item.example} can't be read",
        "unreadable_after": f"the answer to {item.example} can't be read",
        "error_before": f"the answer to {item.example} is an error: {item.before!r}",
        "not_strict": f"the answer to {item.example} is not strict: {item.why}",
        "field_appeared": f"{item.field} was not there before",
        "field_gone": f"{item.field} was there before",
        "field_changed": f"{item.field} was {item.before!r} and is {item.after!r}, expected {item.expected!r}",
    }[item.code]
