"""Makes a perturbed example on which a relation does not hold as small as it can be: a person sees what it hangs on.

Hypothesis leaves words of the input away as long as the same thing goes wrong. Source: D. R. MacIver and A. F.
Donaldson (2020), ECOOP, article 13 (shrinking by the choices that made a value).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from evalkit._internal.counts import counted
from evalkit.errors import ConfigError, MissingModel
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import Perturbed, change_of, changed_input
from evalkit.judging.answer import Answer
from evalkit.judging.relation_check import RelationResult, held

Ask = Callable[[Example], Answer]
"""Asks a model one example, or finds its answer where it was asked before."""

_KEPT = [False, *[True] * 9]
"""A word is kept nine times in ten where it is drawn, and left away where that is tried."""

Word = tuple[str, str]
"""A field of the input, and a word of its text with the space behind it."""


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest perturbed example that was found, both answers, how many answers of the model it took, and whether
    more might have made it smaller still."""

    perturbed: Perturbed
    before: Answer
    after: Answer
    held: RelationResult
    answers: int
    unfinished: bool


def shrink(task: Task, backend: str, perturbed: Perturbed, ask: Ask, budget: int) -> Smallest:
    """The smallest form of ``perturbed`` on which its relation does not hold, by at most ``budget`` answers.

    Raises ConfigError where it does hold, or the budget is below the two answers of a first look; MissingModel without
    the hypothesis package.
    """
    if budget < 2:
        raise ConfigError(f"a budget of {counted(budget, 'answer')}: expected 2 or more")
    search = _Search(task, backend, ask, budget)
    whole = search.tried(perturbed)
    if whole is None or whole.held.holds:
        raise ConfigError(
            f"{perturbed.relation.name} holds for {backend} on {perturbed.example.id}: there is nothing to shrink"
        )
    search.kinds = _kinds(whole.held)
    words = _words(perturbed)
    kept = _fewest(len(words), lambda kept: search.is_broken(_with(perturbed, words, kept)))
    smallest = search.tried(_with(perturbed, words, kept)) if kept is not None else None
    return replace(smallest or whole, answers=search.answered, unfinished=search.spent)


@dataclass(slots=True)
class _Search:
    """What was tried. ``kinds`` are the failures of the whole perturbed, of which a smaller one is to have one;
    ``answers`` are by the example's input."""

    task: Task
    backend: str
    ask: Ask
    budget: int
    answered: int = 0
    spent: bool = False
    kinds: frozenset[tuple[str, str]] = frozenset()
    answers: dict[str, Answer] = field(default_factory=dict)

    def is_broken(self, perturbed: Perturbed) -> bool:
        """Whether ``perturbed`` fails in a way in which the whole one does."""
        smallest = self.tried(perturbed)
        return smallest is not None and bool(_kinds(smallest.held) & self.kinds)

    def tried(self, perturbed: Perturbed) -> Smallest | None:
        """What comes of ``perturbed``; None where its relation changes nothing of it, or the budget is spent."""
        if perturbed.example.input == perturbed.of.input:
            return None
        new = [example for example in (perturbed.of, perturbed.example) if _key(example) not in self.answers]
        if self.answered + len(new) > self.budget:
            self.spent = True
            return None
        for example in new:
            self.answers[_key(example)] = self.ask(example)
            self.answered += 1
        before, after = (self.answers[_key(example)] for example in (perturbed.of, perturbed.example))
        result = held(self.task, self.backend, perturbed, before, after)
        return Smallest(perturbed, before, after, result, self.answered, unfinished=False)


def _key(example: Example) -> str:
    return repr(sorted(example.input.items()))


def _kinds(result: RelationResult) -> frozenset[tuple[str, str]]:
    return frozenset(item.kind for item in result.why)


def _words(perturbed: Perturbed) -> list[Word]:
    given = perturbed.of.input
    return [
        (name, word)
        for name in perturbed.relation.input
        if isinstance(given.get(name), str)
        for word in re.findall(r"\S+\s*", given[name])
    ]


def _with(perturbed: Perturbed, words: Sequence[Word], kept: Sequence[bool]) -> Perturbed:
    """``perturbed`` of its example with those words only."""
    texts = {name: "" for name, _ in words}
    for (name, word), keep in zip(words, kept, strict=True):
        texts[name] += word if keep else ""
    given = {**perturbed.of.input, **{name: text.strip() for name, text in texts.items()}}
    changed = changed_input(perturbed.relation, change_of(perturbed.relation), given)
    return replace(perturbed, of=replace(perturbed.of, input=given), example=replace(perturbed.example, input=changed))


def _fewest(count: int, is_broken: Callable[[list[bool]], bool]) -> list[bool] | None:
    """Which of ``count`` words to keep, as few as can be found; None where no choice is broken."""
    try:
        from hypothesis import HealthCheck, Phase, find, settings
        from hypothesis import strategies as st
        from hypothesis.errors import NoSuchExample
    except ImportError:
        raise MissingModel("shrinking needs the hypothesis package: pip install 'pytest-evalkit[shrink]'") from None
    kept = st.lists(st.sampled_from(_KEPT), min_size=count, max_size=count)
    quietly = settings(
        max_examples=1000, database=None, deadline=None, derandomize=True, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    try:
        return find(kept, is_broken, settings=quietly)
    except NoSuchExample:
        return None
