"""Sentences of what is noted of a run beside its verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalkit._internal.counts import counted, verb
from evalkit.golden.looks import Look
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.judging.not_judged import NotJudged
from evalkit.judging.not_obeyed import NotObeyed
from evalkit.judging.notes import LooksAhead, LookSpent, ServedAs, UnchangedAdapter
from evalkit.judging.wholesale import Kind, Wholesale


def unchanged_adapter(item: UnchangedAdapter) -> str:
    """That an adapter changed nothing."""
    same = "its one answer is" if item.answers == 1 else f"all {item.answers} answers are"
    return (
        f"{item.model}: its adapter changes nothing: {same} the very text of {item.base}. Was it trained, and is it "
        f"the right folder?"
    )


def served_as(item: ServedAs) -> str:
    """That another model answered than was asked for, or several did, by what the server calls them."""
    names = ", ".join(f"{name} ({count})" for name, count in item.names.items())
    if len(item.names) > 1:
        return f"{item.model}: {item.asked} was asked, and several models answered: {names}. Its figures are a mixture"
    return f"{item.model}: {item.asked} was asked, and another model answered, by the server's own words: {names}"


def wholesale(model: str, item: Wholesale) -> str:
    """What nearly all answers of a model have in common, and what that looks like."""
    return f"{model}: {_WHOLESALE[item.kind].format(item=item)}"


_WHOLESALE: Mapping[Kind, str] = {
    "no_system": (
        "the chat template leaves the system message out ({item.count} of {item.n} prompts): the model never read it; "
        'system = "into_user" on its alias joins it to the first user\'s turn'
    ),
    "prompt_in_front": (
        "{item.count} of {item.n} answers begin with the whole prompt: this looks like a mistake of the harness, which "
        "decoded the prompt with the answer; decode the new tokens alone"
    ),
    "same_text": (
        "all {item.n} answers are the same text: this looks as if the input did not reach the model, or as if it had "
        "learnt one answer"
    ),
    "empty": (
        "{item.count} of {item.n} answers are empty: this looks like a chat template of another model, or a prompt "
        "that ends with an end token"
    ),
    "cut": (
        "{item.count} of {item.n} answers were ended by the token limit: this looks like max_tokens = {item.limit} "
        "being too small, or like a model that never writes its end token"
    ),
}


def look_spent(item: LookSpent) -> str:
    """What a model is held to, as so many are planned for the test split, and how many of these are left."""
    look = Look(item.number, item.planned, item.choices)
    if look.is_beyond_plan:
        return f"{item.model}: look {look.number} at this test split, which was planned for {look.planned}: worn out"
    if not item.judged:
        return f"{item.model}: look {look.number} of {look.planned} at this test split, {item.left} left: it was shown"
    return (
        f"{item.model}: look {look.number} of {look.planned} at this test split, {item.left} left: a win needs "
        f"p <= {look.alpha:.3g} (0.025 / {look.planned}{_chosen(item)}), no loss a {100 * look.level:.4g} % interval"
    )


def _chosen(item: LookSpent) -> str:
    if item.choices == 1:
        return ""
    return f" / {item.choices}: after the first look it was chosen anew what is compared, among so many"


def looks_ahead(item: LooksAhead) -> str:
    """Which looks a session may spend, before it asks anything."""
    who, first, last = " and ".join(item.models), item.first, item.first + len(item.models) - 1
    free = "--split=dev is free"
    if first > item.planned:
        return (
            f"{who}: the test split of {item.task} is worn out: its {counted(item.planned, 'planned look')} "
            f"{verb(item.planned, 'is', 'are')} taken, and nothing ships on it; {free}"
        )
    which = f"look {first}" if first == last else f"looks {first} to {last}"
    return f"{who}: may spend {which} of {item.planned} of the test split of {item.task}; {free}"


def not_judged(items: Sequence[NotJudged]) -> Iterator[str]:
    """Which declared pairs were not judged, where no verdict says so: a sentence for each rival."""
    for (candidate, against), of_pair in _by_pair(items).items():
        scores = ", ".join(dict.fromkeys(item.score for item in of_pair))
        if any(item.leaves_open for item in of_pair):
            yield f"declared of {candidate} against {against} on {scores}, and not judged: {against} was not asked"
        else:
            yield (
                f"declared of every model against its parent on {scores}, and not judged of {candidate}: nobody says "
                f"what it was made from"
            )


def _by_pair(items: Sequence[NotJudged]) -> dict[tuple[str, str], list[NotJudged]]:
    pairs: dict[tuple[str, str], list[NotJudged]] = {}
    for item in items:
        pairs.setdefault((item.candidate, item.against), []).append(item)
    return pairs


def breaches(item: NotObeyed) -> str:
    """What shows that a model was not held to its schema."""
    return f"{item.count} of {counted(item.answers, 'answer')}; {item.example}: {item.why}"


def not_obeyed(item: NotObeyed) -> str:
    """That a model's server ignores the schema that it is asked with."""
    return (
        f"{item.model}: constrained = true was not obeyed: answers that were not cut off break the schema "
        f"({breaches(item)}). Its figures are those of a model that is not held to a schema, and nothing is decided "
        f"against it"
    )


def joins(name: str, candidates: Sequence[str]) -> str:
    """That a model takes part, or will, though nobody named it."""
    return f"{name} is asked too: the task declares it of {', '.join(candidates)}"


def unjudged_task(task: str, problem: str) -> str:
    """That judging a task broke, and what is left of it."""
    return (
        f"no verdict: judging {task} broke ({problem}). This is a mistake of evalkit: please report it. The "
        f"answers are stored, and so is the run: `evalkit rescore` judges it once that is mended"
    )


def no_verdict(item: NoVerdict) -> str:
    """That nothing is decided of a model, and why."""
    return f"{item.backend}: no verdict: {_WHY_NONE[item.code].format(item=item)}"


_WHY_NONE = {
    WhyNone.DEV: "dev is for choosing, test is for deciding: take --split=dev away for a verdict",
    WhyNone.NOT_FROZEN: "the examples are not what was frozen, or never were: `evalkit freeze` comes before a verdict",
    WhyNone.PART: "{item.selected} of {item.examples} selected",
}
