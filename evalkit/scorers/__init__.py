"""What a scorer is: something that says how right one field is.

A scorer is one file of this folder, or an entry point in the group ``evalkit.scorers``; its name is what
task.toml says: ``scorers/sign.py`` is ``scorer = "sign"``. The file has one function

    def make_scorer(options) -> Scorer

which checks the options of ``[scores.<name>]`` once (ConfigError) and returns a pure function of the
value got and the value expected. It is never asked about an answer that could not be read.

A scorer that judges by the example's input too (``grounded``) has instead

    def make_input_scorer(options) -> InputScorer

The keys ``scorer``, ``field`` and ``nonempty`` of ``[scores.<name>]`` are the task's, and no option of any scorer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Judgement:
    """How right a field is, in [0, 1], and why it is not more (empty when it is right)."""

    value: float
    why: str = ""


Scorer = Callable[[Any, Any], Judgement]
"""``(got, expected) -> Judgement``. ``got`` is any JSON value, of any type; ``expected`` fits the rubric."""

MakeScorer = Callable[[Mapping[str, Any]], Scorer]

InputScorer = Callable[[Any, Any, Mapping[str, Any]], Judgement]
"""``(got, expected, input) -> Judgement``. ``input`` is the example's, as its line says it."""

MakeInputScorer = Callable[[Mapping[str, Any]], InputScorer]


@dataclass(frozen=True, slots=True)
class Score:
    """How right one field of one answer is. True when it is fully right; its repr says why it is not."""

    name: str
    value: float
    got: Any
    expected: Any
    why: str = ""

    def __bool__(self) -> bool:
        return self.value == 1.0

    def __repr__(self) -> str:
        if self:
            return f"{self.name}: right ({self.got!r})"
        return (
            f"{self.name}: {self.why or 'wrong'} (got {self.got!r}, expected {self.expected!r}, score {self.value:g})"
        )
