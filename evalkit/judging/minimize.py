"""Makes a variant on which a relation does not hold as small as it can be, so that a person sees what it hangs on.

Hypothesis leaves words of the input away as long as the same thing goes wrong. Source: D. R. MacIver and A. F.
Donaldson (2020), ECOOP, article 13 (shrinking by the choices that made a value).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
    """The smallest variant that was found, both answers, how many models' answers it took, and whether more might
    have made it smaller still."""

    variant: Perturbed
    before: Answer
    after: Answer
    held: RelationResult
    asked: int
    unfinished: bool


def shrink(task: Task, backend: str, variant: Perturbed, ask: Ask, budget: int) -> Smallest:
    """The smallest form of ``variant`` on which its relation does not hold, by at most ``budget`` answers.

    Raises ConfigError where it does hold, or the budget is below the two answers of a first look; MissingModel without
    the hypothesis package.
    """
    if budget < 2:
        raise ConfigError(f"a budget of {budget} answers: expected 2 or more")
    search = _Search(task, backend, ask, budget)
    whole = search.tried(variant)
    if whole is None or whole.held.holds:
        raise ConfigError(
            f"{variant.relation.name} holds for {backend} on {variant.example.id}: there is nothing to shrink"
        )
    search.kinds = _kinds(whole.held)
    words = _words(variant)
    kept = _fewest(len(words), lambda kept: search.is_broken(_with(variant, words, kept)))
    smallest = search.tried(_with(variant, words, kept)) if kept is not None else None
    return replace(smallest or whole, asked=search.asked, unfinished=search.spent)


@dataclass(slots=True)
class _Search:
    """What was tried. ``kinds`` are the failures of the whole variant, of which a smaller one is to have one;
    ``answers`` are by the example's input."""

    task: Task
    backend: str
    ask: Ask
    budget: int
    asked: int = 0
    spent: bool = False
    kinds: frozenset[tuple[str, str]] = frozenset()
    answers: dict[str, Answer] = field(default_factory=dict)

    def is_broken(self, variant: Perturbed) -> bool:
        """Whether ``variant`` fails in a way in which the whole one does."""
        smallest = self.tried(variant)
        return smallest is not None and bool(_kinds(smallest.held) & self.kinds)

    def tried(self, variant: Perturbed) -> Smallest | None:
        """What comes of ``variant``; None where its relation changes nothing of it, or the budget is spent."""
        if variant.example.input == variant.of.input:
            return None
        new = [example for example in (variant.of, variant.example) if _key(example) not in self.answers]
        if self.asked + len(new) > self.budget:
            self.spent = True
            return None
        for example in new:
            self.answers[_key(example)] = self.ask(example)
            self.asked += 1
        before, after = (self.answers[_key(example)] for example in (variant.of, variant.example))
        result = held(self.task, self.backend, variant, before, after)
        return Smallest(variant, before, after, result, self.asked, unfinished=False)


def _key(example: Example) -> str:
    return repr(sorted(example.input.items()))


def _kinds(result: RelationResult) -> frozenset[tuple[str, str]]:
    return frozenset(item.kind for item in result.why)


def _words(variant: Perturbed) -> list[Word]:
    given = variant.of.input
    return [
        (name, word)
        for name in variant.relation.input
        if isinstance(given.get(name), str)
        for word in re.findall(r"\S+\s*", given[name])
    ]


def _with(variant: Perturbed, words: Sequence[Word], kept: Sequence[bool]) -> Perturbed:
    """``variant`` of its example with those words only."""
    texts = {name: "" for name, _ in words}
    for (name, word), keep in zip(words, kept, strict=True):
        texts[name] += word if keep else ""
    given = {**variant.of.input, **{name: text.strip() for name, text in texts.items()}}
    changed = changed_input(variant.relation, change_of(variant.relation), given)
    return replace(variant, of=replace(variant.of, input=given), example=replace(variant.example, input=changed))


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
