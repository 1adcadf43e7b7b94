"""What a scorer is, what it hands back, and what becomes of that.

A scorer is one file of this folder, or an entry point in the group ``evalkit.scorers``; its name is what task.toml
says: ``scorers/sign.py`` is ``scorer = "sign"``. The file says what kind of value it is for, and has one function:

    KIND: ValueKind = "class"

    def make_scorer(options) -> Scorer

``make_scorer`` checks the options of ``[scores.<name>]`` once (ConfigError) and returns a pure function of the value
got and the value expected. It is never asked about an answer that could not be read. A scorer that judges by the
example's input too (``grounded``) has instead

    def make_input_scorer(options) -> InputScorer

One that judges an answer by its other scores (``whole``) reads no field. It is of the kind "composite" and has

    def make_composite(options, of) -> Composite

Three more functions are optional. ``opposite(value)`` gives what a negated question should be answered, for any JSON
value; a field whose scorer lacks it can't be named in ``negates``. ``label(expected)`` names the class of an expected
value where that is not the value itself; it is asked of a scorer of the kind "class". Where several values are one
class to it, ``make_label(options)`` gives what names the class of any value, expected or got, and None where it is
none: a table of confusion has a row and a column for each. ``GRADED = True`` says that its scores may lie between 0 and
1: fewer examples can show less of them.

The keys ``scorer``, ``field``, ``of``, ``nonempty`` and ``anchors`` of ``[scores.<name>]`` are the task's, and no
option of any scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from evalkit._internal.outside_text import one_line

ValueKind = Literal["class", "number", "set", "text", "composite"]
"""What the values of a scored field are.

"class"     one of a few values that the schema names: its classes are counted, and its words may stand in a prompt
"number"    a size or an amount: it has a spread and ranks
"set"       names, in any order, that the schema or a vocabulary gives: their words may stand in a prompt
"text"      free text, which nobody writes twice alike: two texts are not expected to be equal
"composite" no field at all: the score is made of the answer's other scores
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How right a field is, in [0, 1], and why it is not more (empty when it is right)."""

    value: float
    why: str = ""


class Scorer(Protocol):
    """What ``make_scorer`` returns: says how right a value is."""

    def __call__(self, got: Any, expected: Any, /) -> Judgement:
        """``got`` is any JSON value, of any type; ``expected`` is what the example's line says."""
        ...


class InputScorer(Protocol):
    """What ``make_input_scorer`` returns: says how right a value is, by the example's input too."""

    def __call__(self, got: Any, expected: Any, given: Mapping[str, Any], /) -> Judgement:
        """As ``Scorer``; ``given`` is the example's input, as its line says it."""
        ...


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
        why = one_line(self.why) or "wrong"
        return f"{self.name}: {why} (got {self.got!r}, expected {self.expected!r}, score {self.value:g})"


class Composite(Protocol):
    """What ``make_composite`` returns: says how right an answer is, by its scores."""

    def __call__(self, scores: Sequence[Score], /) -> Judgement:
        """``scores`` are those of the answer that it is made of, one or more, in the order in which the task names
        them."""
        ...
