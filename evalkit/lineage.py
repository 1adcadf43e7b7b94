"""Follows the same examples from rung to rung, and says which step lost which field, and by what.

Each rung is compared with its parent, so that one step is one change. Where a parent could not be run, the nearest rung
above it that could stands in. What changed between two rungs is looked for in this order: the prompt that was
rendered and how many tokens it had, the sampler's settings, and only then weights and arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from evalkit import gates, pairing
from evalkit.answers import Answer
from evalkit.gates import Comparison, Status
from evalkit.pairing import Agreement, Answers
from evalkit.tasks import Hypothesis, Task

T = TypeVar("T")
Cause = Literal["none", "template", "decoding", "noise", "weights"]


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

    ``comparisons`` has one for each score, judged where the task declares a hypothesis about it. ``alike`` are the
    two's common answers, ``noise`` the rung's with itself. ``gone`` are the sentences of the scores that lost.
    """

    rung: str
    against: str
    comparisons: tuple[Comparison, ...]
    alike: Agreement
    noise: Agreement
    cause: Cause
    why: str
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """All steps of one lineage on one task. ``missing`` says of each rung that could not be run why."""

    name: str
    rungs: tuple[str, ...]
    steps: tuple[Step, ...]
    missing: Mapping[str, str]
    status: Status
    reasons: tuple[str, ...]
    open: tuple[str, ...] = ()


def follow(name: str, task: Task, split: str, rungs: Sequence[Rung], answers: Answers) -> Lineage:
    """The lineage ``name`` of ``rungs``, first to last, from the ``answers`` of those that were run whole."""
    by_name = {rung.name: rung for rung in rungs}
    steps = tuple(
        _step(task, split, rung, by_name[parent], answers)
        for rung in rungs
        if rung.problem is None and (parent := _ancestor(rung, by_name)) is not None
    )
    declared = [one for step in steps for one in step.comparisons if one.kind != "asked"]
    blocks = [one.reason for one in declared if one.status is Status.BLOCK]
    left = [one for one in declared if one.status is Status.INCONCLUSIVE]
    status = Status.BLOCK if blocks else Status.INCONCLUSIVE if left else Status.SHIP
    reasons = (*blocks, *(one.reason for one in left)) or ("No step lost more than the task allows.",)
    missing = {rung.name: rung.problem for rung in rungs if rung.problem is not None}
    return Lineage(
        name, tuple(by_name), steps, missing, status, reasons, tuple(dict.fromkeys(one.kind for one in left))
    )


def _ancestor(rung: Rung, rungs: Mapping[str, Rung]) -> str | None:
    """The nearest rung above ``rung`` that was run."""
    seen, parent = {rung.name}, rung.parent
    while parent is not None and parent in rungs and parent not in seen:
        if rungs[parent].problem is None:
            return parent
        seen.add(parent)
        parent = rungs[parent].parent
    return None


def _step(task: Task, split: str, rung: Rung, parent: Rung, answers: Answers) -> Step:
    scores = [*dict.fromkeys(name for answer in answers[rung.name].values() for name in answer.scores)]
    planned: list[pairing.Planned] = [
        (_declared(task, rung, parent, score), rung.name, parent.name, score) for score in scores
    ]
    comparisons = tuple(pairing.comparisons(task, planned, answers, split))
    alike = pairing.agreement(parent.name, rung.name, answers, split)
    again = {rung.name: answers[rung.name], "again": rung.again}
    noise = pairing.agreement(rung.name, "again", again, split)
    pairs = [
        (theirs, ours)
        for name, ours in answers[rung.name].items()
        if ours.example.split == split and (theirs := answers[parent.name].get(name)) is not None
    ]
    cause, why = _cause(parent, rung, pairs, alike, noise)
    gone = tuple(_gone(comparisons, why if cause in ("template", "decoding") else ""))
    return Step(rung.name, parent.name, comparisons, alike, noise, cause, why, gone)


def _declared(task: Task, rung: Rung, parent: Rung, score: str) -> Hypothesis | None:
    """What the task declares of this step: nothing where a rung between the two is missing."""
    for one in task.hypotheses:
        about = one.score == score and one.candidate in (None, rung.name) and one.kind != "win"
        if about and rung.parent == parent.name and {"parent", parent.name} & set(one.against):
            return one
    return None


def _cause(
    parent: Rung, rung: Rung, pairs: Sequence[tuple[Answer, Answer]], alike: Agreement, noise: Agreement
) -> tuple[Cause, str]:
    if found := _prompts(pairs):
        return "template", found
    if found := _decoding(parent, rung, pairs):
        return "decoding", found
    unknown = sum(None in (one.completion.rendered, other.completion.rendered) for one, other in pairs)
    if alike.same_text == alike.n:
        return "none", f"all {alike.n} answers are the same text"
    known = f"the rendered prompt of {unknown} is not known" if unknown else "same prompts"
    changed = f"{alike.n - alike.same_text} of {alike.n} answers changed"
    own = f"{noise.n - noise.same_text} of {noise.n} change when {rung.name} is asked again"
    if noise.n and (alike.n - alike.same_text) * noise.n <= (noise.n - noise.same_text) * alike.n:
        return "noise", f"{known}, same decoding, {changed}, and {own}: no more than its own arithmetic"
    told = f"; {own}" if noise.n else ""
    return "weights", f"{known}, same decoding, and {changed}{told}: weights or their arithmetic"


def _prompts(pairs: Sequence[tuple[Answer, Answer]]) -> str:
    """How the prompts differ; empty where they do not, or are not known."""
    completions = [(one.completion, other.completion) for one, other in pairs]
    told = _known((one.rendered, other.rendered) for one, other in completions)
    if other_texts := [(one, other) for one, other in told if one != other]:
        one, other = other_texts[0]
        differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
        at = next(differ, min(len(one), len(other)))
        begin = max(0, at - 20)
        return (
            f"the rendered prompt is another on {len(other_texts)} of {len(told)} examples: "
            f"{one[begin : at + 40]!r} became {other[begin : at + 40]!r}"
        )
    counts = _known((one.prompt_tokens, other.prompt_tokens) for one, other in completions)
    if other_counts := [pair for pair in counts if pair[0] != pair[1]]:
        return (
            f"the same prompt is other tokens on {len(other_counts)} of {len(counts)} examples: "
            f"{other_counts[0][0]} became {other_counts[0][1]}"
        )
    return ""


def _known(pairs: Iterable[tuple[T | None, T | None]]) -> list[tuple[T, T]]:
    return [(one, other) for one, other in pairs if one is not None and other is not None]


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
        changed = [
            (name, before.get(name, "neutral"), after.get(name, "neutral"))
            for name in {**before, **after}
            if before.get(name) != after.get(name)
        ]
        return ", ".join(f"{name} {was!r} became {now!r}" for name, was, now in changed)
    return ""


def _gone(comparisons: Sequence[Comparison], why: str) -> Iterator[str]:
    """A sentence for each score whose interval lies below 0."""
    for one in comparisons:
        found = one.paired.difference
        if found.high is not None and found.high < 0:
            because = f". Not quantization or merging: {why}" if why else ""
            yield (
                f"{one.score}: lost between {one.against} and {one.candidate} ({gates.points(found.value)} points, "
                f"95 % {gates.points(found.low)} to {gates.points(found.high)}; {one.paired.losses} worse, "
                f"{one.paired.wins} better){because}"
            )
