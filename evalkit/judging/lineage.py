"""Follows the same examples from rung to rung, and says which step lost which field, and by what.

Each rung is compared with its parent, so that one step is one change. Where a parent could not be run, the nearest rung
above it that could stands in. What changed between two rungs is looked for in this order: the prompt that was
rendered and its token ids, the sampler's settings, and only then weights and arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from evalkit.golden.model import Hypothesis, Task
from evalkit.judging import comparison as pairing
from evalkit.judging import verdict as gates
from evalkit.judging.answer import Answer
from evalkit.judging.comparison import Agreement, Answers
from evalkit.judging.measurement_change import MeasurementChange
from evalkit.judging.verdict import Comparison, Status

T = TypeVar("T")
Cause = Literal["none", "template", "decoding", "noise", "weights"]
Measured = Callable[[Sequence[Answer], Sequence[Answer]], Mapping[str, MeasurementChange]]
"""How the task's measurements changed from some answers to others."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung as it was run. ``settings`` are those of its sampler that the request does not state.

    ``again`` has its second answer to some examples, asked apart from the first: where the two differ, that is its
    own numeric noise. ``problem`` says why it could not be run.
    """

    name: str
    parent: str | None
    settings: Mapping[str, Any]
    again: Mapping[str, Answer]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What became of the answers between ``against`` and ``rung``.

    ``comparisons`` has one for each score, judged where the task declares a hypothesis about it, and one for each
    declared pair of this rung and another that is not its parent. ``measured`` has how each measurement changed.
    ``alike`` are the two's common answers. ``gone`` are the sentences of the scores and measurements that lost.
    """

    rung: str
    against: str
    comparisons: tuple[Comparison, ...]
    measured: Mapping[str, MeasurementChange]
    alike: Agreement
    cause: Cause
    why: str
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """All steps of one lineage on one task.

    ``missing`` says of each rung that was not run whole why. ``noise`` is each rung's agreement with itself.
    """

    name: str
    rungs: tuple[str, ...]
    steps: tuple[Step, ...]
    missing: Mapping[str, str]
    noise: Mapping[str, Agreement]
    status: Status
    reasons: tuple[str, ...]
    open: tuple[str, ...] = ()


def follow(
    name: str, task: Task, split: str, rungs: Sequence[Rung], answers: Answers, measured: Measured = lambda *_: {}
) -> Lineage:
    """The lineage ``name`` of ``rungs``, first to last, from the ``answers`` of those that were run whole.

    What the task declares of two rungs, one of which could not be run, is left open: it is not known to hold.
    """
    by_name = {rung.name: rung for rung in rungs}
    there = [rung for rung in rungs if rung.problem is None]
    noise = {rung.name: _noise(rung, answers, split) for rung in there}
    steps = tuple(
        _step(task, split, rung, by_name[parent], by_name, answers, noise, measured)
        for rung in there
        if (parent := _ancestor(rung, by_name)) is not None
    )
    declared = [one for step in steps for one in step.comparisons if one.kind != "asked"]
    blocks = [one.reason for one in declared if one.status is Status.BLOCK]
    left = [(one.kind, one.reason) for one in declared if one.status is Status.INCONCLUSIVE]
    left += [
        (one.kind, f"{rung.name} against {rival} on {one.score} is declared and was not judged: {absent} was not run.")
        for rung in rungs
        for one, rival in _declared(task, rung, by_name)
        for absent in [next((who for who in (rung.name, rival) if by_name[who].problem is not None), None)]
        if absent is not None
    ]
    status = Status.BLOCK if blocks else Status.INCONCLUSIVE if left else Status.SHIP
    held = (
        "No step lost more than the task allows." if declared else "The task declares nothing that a step could lose."
    )
    return Lineage(
        name,
        tuple(by_name),
        steps,
        {rung.name: rung.problem for rung in rungs if rung.problem is not None},
        noise,
        status,
        (*blocks, *(reason for _, reason in left)) or (held,),
        tuple(dict.fromkeys(kind for kind, _ in left)),
    )


def _noise(rung: Rung, answers: Answers, split: str) -> Agreement:
    return pairing.agreement(rung.name, "again", {rung.name: answers[rung.name], "again": rung.again}, split)


def _ancestor(rung: Rung, rungs: Mapping[str, Rung]) -> str | None:
    """The nearest rung above ``rung`` that was run."""
    seen, parent = {rung.name}, rung.parent
    while parent is not None and parent in rungs and parent not in seen:
        if rungs[parent].problem is None:
            return parent
        seen.add(parent)
        parent = rungs[parent].parent
    return None


def _step(
    task: Task,
    split: str,
    rung: Rung,
    parent: Rung,
    rungs: Mapping[str, Rung],
    answers: Answers,
    noise: Mapping[str, Agreement],
    measured: Measured,
) -> Step:
    ours, theirs = answers[rung.name], answers[parent.name]
    declared = [(one, rival) for one, rival in _declared(task, rung, rungs) if rungs[rival].problem is None]
    planned: list[pairing.Planned] = [(one, rung.name, rival, one.score) for one, rival in declared]
    covered = {one.score for one, rival in declared if rival == parent.name}
    scores = dict.fromkeys(score for answer in ours.values() for score in answer.scores)
    planned += [(None, rung.name, parent.name, score) for score in scores if score not in covered]
    comparisons = tuple(pairing.comparisons(task, planned, answers, split))
    alike = pairing.agreement(parent.name, rung.name, answers, split)
    pairs = [
        (theirs[name], answer) for name, answer in ours.items() if answer.example.split == split and name in theirs
    ]
    cause, why, touched = _cause(parent, rung, pairs, alike, noise)
    changes = measured([one for one, _ in pairs], [other for _, other in pairs])
    gone = (*_gone(comparisons, why, touched), *_worse(changes, parent.name, rung.name, why if touched else ""))
    return Step(rung.name, parent.name, comparisons, changes, alike, cause, why, gone)


def _declared(task: Task, rung: Rung, rungs: Mapping[str, Rung]) -> list[tuple[Hypothesis, str]]:
    """What the task declares of ``rung`` and other rungs: no loss, or equivalence, and against which."""
    return [
        (one, rival)
        for one in task.hypotheses
        if one.kind != "win" and one.candidate in (None, rung.name)
        for rival in dict.fromkeys(rung.parent if named == "parent" else named for named in one.against)
        if rival is not None and rival in rungs and rival != rung.name
    ]


def _cause(
    parent: Rung,
    rung: Rung,
    pairs: Sequence[tuple[Answer, Answer]],
    alike: Agreement,
    noise: Mapping[str, Agreement],
) -> tuple[Cause, str, Collection[str]]:
    """What changed the answers, in words, and on which examples it is something else than weights and arithmetic."""
    if found := _prompts(pairs):
        return "template", *found
    if told := _decoding(parent, rung, pairs):
        return "decoding", told, {answer.example.id for _, answer in pairs}
    if alike.same_text == alike.n:
        return "none", f"all {alike.n} answers are the same text", ()
    changed = f"{_told_prompts(pairs)}, same decoding, {alike.n - alike.same_text} of {alike.n} answers changed"
    own = [(name, noise[name]) for name in (rung.name, parent.name) if noise[name].n]
    again = [f"{one.n - one.same_text} of {one.n} change when {name} is asked again" for name, one in own]
    told = "; ".join([changed, *again])
    # A share of the one against a share of the other, without a division.
    if any((alike.n - alike.same_text) * one.n <= (one.n - one.same_text) * alike.n for _, one in own):
        return "noise", f"{told}: no more than their own arithmetic", ()
    return "weights", f"{told}: weights or their arithmetic", ()


def _told_prompts(pairs: Sequence[tuple[Answer, Answer]]) -> str:
    completions = [(one.completion, other.completion) for one, other in pairs]
    if unknown := sum(None in (one.rendered, other.rendered) for one, other in completions):
        return f"the rendered prompt of {unknown} is not known"
    if unknown := sum(None in (one.prompt_digest, other.prompt_digest) for one, other in completions):
        return f"same prompts (the token ids of {unknown} are not known)"
    return "same prompts, token by token"


def _prompts(pairs: Sequence[tuple[Answer, Answer]]) -> tuple[str, Collection[str]] | None:
    """How the prompts differ, and on which examples; None where they do not, or are not known."""
    texts = _known((one.completion.rendered, other.completion.rendered, other) for one, other in pairs)
    if differ := [(one, other, answer) for one, other, answer in texts if one != other]:
        one, other, _ = differ[0]
        places = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
        at = next(places, min(len(one), len(other)))
        begin = max(0, at - 20)
        told = (
            f"the rendered prompt is another on {len(differ)} of {len(texts)} examples: "
            f"{one[begin : at + 40]!r} became {other[begin : at + 40]!r}"
        )
        return told, {answer.example.id for _, _, answer in differ}
    digests = _known((one.completion.prompt_digest, other.completion.prompt_digest, other) for one, other in pairs)
    if others := {answer.example.id for one, other, answer in digests if one != other}:
        return f"the same prompt is other token ids on {len(others)} of {len(digests)} examples", others
    counts = _known((one.completion.prompt_tokens, other.completion.prompt_tokens, other) for one, other in pairs)
    if uneven := [(one, other, answer) for one, other, answer in counts if one != other]:
        told = (
            f"the same prompt is other tokens on {len(uneven)} of {len(counts)} examples: "
            f"{uneven[0][0]} became {uneven[0][1]}"
        )
        return told, {answer.example.id for _, _, answer in uneven}
    return None


def _known(found: Iterable[tuple[T | None, T | None, Answer]]) -> list[tuple[T, T, Answer]]:
    return [(one, other, answer) for one, other, answer in found if one is not None and other is not None]


def _decoding(parent: Rung, rung: Rung, pairs: Sequence[tuple[Answer, Answer]]) -> str:
    """Which settings of the sampler, or beginning of the answer, differ; empty where none does."""

    def told(of: Rung, answer: Answer) -> dict[str, Any]:
        asked = answer.request
        return {
            "prefill": asked.prefill,
            "constrained": asked.schema is not None,
            "temperature": asked.decoding.temperature,
            "max_tokens": asked.decoding.max_tokens,
            "repeat_penalty": asked.decoding.repeat_penalty,
            **of.settings,
        }

    for one, other in pairs[:1]:
        before, after = told(parent, one), told(rung, other)
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return ", ".join(_became(name, before, after) for name in changed)
    return ""


def _became(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """How one setting changed.

    >>> _became("repeat_penalty", {"repeat_penalty": 1.0}, {"repeat_penalty": 1.1})
    'repeat_penalty 1.0 became 1.1'
    >>> _became("as_served", {}, {"as_served": True})
    'as_served = True, which was not set'
    """
    if name not in before:
        return f"{name} = {after[name]!r}, which was not set"
    if name not in after:
        return f"{name} = {before[name]!r} is not set any more"
    return f"{name} {before[name]!r} became {after[name]!r}"


def _gone(comparisons: Sequence[Comparison], why: str, touched: Collection[str]) -> Iterator[str]:
    """A sentence for each score whose interval lies below 0; ``why`` is the cause on the ``touched`` examples."""
    # Two hypotheses about one pair rest on the same figures.
    for found in {(one.score, one.against): one for one in comparisons}.values():
        change = found.paired.difference
        if change.high is None or change.high >= 0:
            continue
        elsewhere = sum(name not in touched for name in found.lost)
        because = ""
        if touched and not elsewhere:
            because = f". Not quantization or merging: {why}"
        elif len(found.lost) > elsewhere:
            because = f". {why}; {elsewhere} of the {len(found.lost)} lost examples had the same prompt"
        yield (
            f"{found.score}: lost between {found.against} and {found.candidate} ({gates.points(change.value)} points, "
            f"95 % {gates.points(change.low)} to {gates.points(change.high)}; {found.paired.losses} worse, "
            f"{found.paired.wins} better){because}"
        )


def _worse(changes: Mapping[str, MeasurementChange], before: str, after: str, why: str) -> Iterator[str]:
    """A sentence for each measurement whose interval of becoming worse lies above 0."""
    for name, one in changes.items():
        if one.worse is None or one.worse.low is None or one.worse.low <= 0:
            continue
        yield (
            f"{name}: worse between {before} and {after} ({one.before.value:.2f} to {one.after.value:.2f}; "
            f"on the {one.worse.n} examples that both answered readably, 95 % of the change above 0)"
            f"{f'. {why}' if why else ''}"
        )
