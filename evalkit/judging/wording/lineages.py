"""Sentences of a lineage: which step lost what, and what changed the answers between two rungs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evalkit._internal.counts import counted, verb
from evalkit.judging.figures import p_value, points
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.wording.notes import no_verdict
from evalkit.judging.wording.reasons import reasons

if TYPE_CHECKING:  # these are made of what is worded here
    from evalkit.judging.cause import Explanation, OtherPrompts, Setting
    from evalkit.judging.comparison import Agreement
    from evalkit.judging.lineage import Lineage, Step
    from evalkit.judging.lineage_steps import MissingRung
    from evalkit.judging.step_losses import LostScore


def lineage(item: Lineage, why: WhyNone | None = None) -> str:
    """What became of a model from its first rung to its last; ``why`` there is no verdict, where it has no status."""
    if item.status is None and why is not None:
        return no_verdict(NoVerdict(f"lineage {item.name}", why, 0, 0))
    return f"lineage {item.name}: {item.status}. {reasons(item.reasons)}"


def missing_rung(name: str, item: MissingRung) -> str:
    """Why a rung was not run whole."""
    unanswered = f"{item.unanswered} of {counted(item.of, 'example')} stayed unanswered ({item.example}: {item.why})"
    return f"{name} could not be run: {item.problem or unanswered}"


def step_losses(step: Step) -> Iterator[str]:
    """A sentence for each score that a step lost or may have lost, and for each measurement that became worse."""
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
    lost = "lost" if item.standing == "lost" else "may have been lost"
    p = "" if item.p is None else f"; {p_value(item.p)}"
    if item.corrected is not None and item.over > 1:
        p += f", {p_value(item.corrected, f'among {item.over}')}"
    return (
        f"{item.score}: {lost} between {item.against} and {step.rung} ({points(item.difference.value)} points, "
        f"95 % {points(item.difference.low)} to {points(item.difference.high)}; {item.losses} worse, "
        f"{item.wins} better{p}){because}"
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
    changed = f"{_same_prompts(item)}, {_decoding(item)}, {item.changed} of {counted(agreement.n, 'answer')} changed"
    again = map(_changed_again, item.again)
    end = "weights, their arithmetic or decoding" if item.recorded else "weights or their arithmetic"
    if item.cause == "noise":
        end = "no more than their own arithmetic"
    return f"{'; '.join([changed, *again])}: {end}"


def _changed_again(item: Agreement) -> str:
    changed = item.n - item.same_text
    return f"{changed} of {item.n} {verb(changed, 'changes', 'change')} when {item.first} is asked again"


def _other_prompts(prompts: OtherPrompts) -> str:
    of = f"{len(prompts.examples)} of {counted(prompts.n, 'example')}"
    if prompts.by == "prompt_text":
        dropped = (
            f"; the system message is left out of {prompts.without_system} of them" if prompts.without_system else ""
        )
        return f"the rendered prompt is another on {of}: {prompts.before!r} became {prompts.after!r}{dropped}"
    if prompts.by == "token_ids":
        return f"the same prompt is other token ids on {of}"
    return f"the same prompt is other tokens on {of}: {prompts.before} became {prompts.after}"


def _decoding(item: Explanation) -> str:
    """What is known of how the answers were drawn."""
    if item.recorded:
        return f"decoding not known (the answers of {' and '.join(item.recorded)} are recorded)"
    return "same decoding"


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
