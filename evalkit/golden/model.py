"""What a golden task says: its contract, its examples, what must be true of a model before it ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from pathlib import Path
from typing import Any, ClassVar

SPLITS = ("train", "dev", "test", "reference", "malformed")
"""The splits a golden folder may hold. ``train`` teaches adapters and floors and is never scored."""

ANSWERED = ("strict", "extractable")
"""The scores every answer has, beside those of its fields."""


@dataclass(frozen=True, slots=True)
class Example:
    """One golden example, as its line in a split's JSONL says it.

    ``thinking`` is a trace of reasoning that a thinking model may be taught; nothing is scored by it.
    ``where`` is the place it was read from, as ``golden/<task>/test.jsonl:14``.
    """

    id: str
    split: str
    input: Mapping[str, Any]
    expected: Mapping[str, Any]
    tags: tuple[str, ...] = ()
    group: str = ""
    must_pass: bool = False
    known_fail: str | None = None
    where: str = ""
    thinking: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """One score of a task: the field it reads, the scorer that judges it, that scorer's options.

    ``nonempty`` leaves out the examples that expect nothing of the field: an empty list, text or object. ``anchors``
    are values of a number field, in ascending order, each of which stands for all that are nearest to it.

    A composite score reads no field, and is made of the scores of its ``members``: those that the task names (``of``),
    else all that read a field.
    """

    name: str
    field: str
    scorer: str
    options: Mapping[str, Any] = default(default_factory=dict)
    nonempty: bool = False
    anchors: tuple[float, ...] = ()
    of: tuple[str, ...] = ()
    members: tuple[ScoreRule, ...] = ()

    def asked_of(self, example: Example) -> bool:
        """Whether ``example`` has this score. The data decide that alone, so that all models have the same examples.

        An example has a composite score if it has every score that the composite names; where it names none, if it has
        any.

        >>> nobody = Example("t-01", "test", {"text": "It rained."}, {"names": []})
        >>> ScoreRule("names", "names", "exact").asked_of(nobody)
        True
        >>> ScoreRule("names_where_any", "names", "exact", nonempty=True).asked_of(nobody)
        False
        """
        if self.members:
            asked = [member.asked_of(example) for member in self.members]
            return all(asked) if self.of else any(asked)
        if self.field not in example.expected:
            return False
        return not self.nonempty or example.expected[self.field] not in ("", [], {})


@dataclass(frozen=True, slots=True)
class MeasureRule:
    """One measurement of a task: the field it reads, what is measured (the name of a measurement's file), options."""

    name: str
    field: str
    measure: str
    options: Mapping[str, Any] = default(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Jinja2 sources of the messages, and the text that every answer is made to begin with."""

    system: str
    user: str
    prefill: str = ""


REPEAT_LAST = 64
"""How many tokens ``Decoding.repeat_penalty`` looks back: llama.cpp's and Ollama's own default."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is drawn. Every setting is sent to every backend; none is left to a default.

    ``tail`` is the number of tokens that are still read after the first JSON object has closed: enough
    to see whether a model ends there or talks on. ``None`` reads to the end of the answer.
    ``temperature`` 0 is greedy. ``repeat_penalty`` above 1 makes less likely whatever is among the last
    ``REPEAT_LAST`` tokens of prompt and answer: their scores are divided by it, or multiplied where negative.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0
    tail: int | None = 8
    repeat_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a task declares must be true of two models, before anything is run.

    ``candidate`` is an alias, or None for every ``--backend``. Differences are of mean scores, so 0.05 is 5 points:
    ``min_gain`` is the smallest win worth having, ``margin`` the largest loss (``equivalent``: the largest difference,
    either way) that is still none. Wins that share a
    ``family`` are alternatives: one of them is enough, and each is held to Holm's level for the whole family.
    One that the task does not declare (``declared`` false) is judged to be reported, and is never red. ``kind`` is the
    name of a component, ``options`` are what no other kind has. ``slice`` is the tag of the examples that it is about,
    empty where it is about all; ``where`` is the place that it was read from.
    """

    kind: str
    candidate: str | None
    against: tuple[str, ...]
    score: str
    min_gain: float = 0.0
    margin: float = 0.0
    family: str = ""
    where: str = ""
    declared: bool = True
    options: Mapping[str, Any] = default(default_factory=dict, hash=False)
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """That a model's answer to a changed input is known from its answer to the input as it was, without any label.

    ``relation`` changes the fields ``input``. Of the answer, ``negates`` are the fields that are then negated (a number
    by its sign, a truth by its opposite), ``follows`` those whose texts change as the input does, and ``free`` those of
    which nothing is said; every other one that is scored stays what it was, within what its scorer takes for right.
    ``most`` examples at most are changed.
    """

    MOST: ClassVar[int] = 24

    name: str
    relation: str
    input: tuple[str, ...]
    negates: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    most: int = MOST
    options: Mapping[str, Any] = default(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiver:
    """That a finding of ``lint`` whose words hold ``about`` is meant to be so, and why."""

    lint: str
    about: str
    reason: str


@dataclass(frozen=True, slots=True)
class Task:
    """One golden task, read and checked."""

    name: str
    folder: Path
    title: str
    prompt: Prompt
    decoding: Decoding
    schema: Mapping[str, Any]
    scores: Mapping[str, ScoreRule]
    measurements: Mapping[str, MeasureRule]
    primary: str
    thresholds: Mapping[str, Mapping[str, float]]
    hypotheses: tuple[Hypothesis, ...]
    splits: Mapping[str, tuple[Example, ...]]
    checksum: str
    """sha256 of the contract (task.toml and schema.json) and of every split."""

    slice_thresholds: Mapping[str, Mapping[str, float]] = default(default_factory=dict)
    """The least rate of a score on the examples of the test split that have a tag: by tag, and then by score."""

    waivers: tuple[Waiver, ...] = ()
    relations: Mapping[str, Relation] = default(default_factory=dict)
    planned_looks: int | None = None
    """How many candidates task.toml says that the test split is for."""

    time: str = ""
    """The field of the input that holds when it was written; empty where none is declared."""

    def place(self, file: str) -> str:
        """Where a ``file`` of its folder is, as a message says it: ``golden/<task>/<file>``."""
        return f"{self.folder.parent.name}/{self.folder.name}/{file}"

    @property
    def field_scores(self) -> tuple[ScoreRule, ...]:
        """The rules that read a field: all but the composite ones."""
        return tuple(rule for rule in self.scores.values() if not rule.members)

    def scores_of(self, example: Example) -> tuple[ScoreRule, ...]:
        """The rules that apply to ``example``: those whose field its expected answer has (see ``nonempty``)."""
        return tuple(rule for rule in self.scores.values() if rule.asked_of(example))
