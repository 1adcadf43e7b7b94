"""How a task's scores and measurements are made from its rules, and what they can read of its examples."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evalkit._internal.registry import find, names
from evalkit.errors import ConfigError, EvalkitError
from evalkit.golden.model import Example, MeasureRule, ScoreRule
from evalkit.scorers.score import Composite, InputScorer, Scorer, ValueKind

if TYPE_CHECKING:
    from evalkit.scorers.measurements.measurement import Measurement  # NumPy, which reading a task does not need

Reader = Callable[[Example], object]
"""Raises an EvalkitError where the rule can do nothing with what an example expects."""


def scorer_of(rule: ScoreRule) -> InputScorer:
    """The scorer of a rule that reads a field, handed the example's input whether or not it looks at it.

    Raises an EvalkitError where there is no such scorer, or its options can't be used.

    >>> scorer_of(ScoreRule("team", "team", "exact"))("billing", "billing", {"text": "My bill is wrong."})
    Judgement(value=1.0, why='')
    """
    module = find("scorers", rule.scorer)
    if hasattr(module, "make_input_scorer"):
        by_input: InputScorer = module.make_input_scorer(rule.options)
        return by_input
    scorer: Scorer = module.make_scorer(rule.options)
    return lambda got, expected, _: scorer(got, expected)


def is_composite(rule: ScoreRule) -> bool:
    """Whether a rule's score is made of other scores. Raises an EvalkitError where there is no such scorer.

    >>> is_composite(ScoreRule("whole", "whole", "whole")), is_composite(ScoreRule("team", "team", "exact"))
    (True, False)
    """
    return hasattr(find("scorers", rule.scorer), "make_composite")


def composite_of(rule: ScoreRule) -> Composite:
    """What makes the score of a composite rule out of others. Raises an EvalkitError where its options can't be used.

    >>> composite_of(ScoreRule("whole", "", "whole"))([])
    Judgement(value=1.0, why='')
    """
    composite: Composite = find("scorers", rule.scorer).make_composite(rule.options, rule.of)
    return composite


def kind_of(rule: ScoreRule) -> ValueKind:
    """What the values of a rule's field are, as its scorer says. Raises an EvalkitError where there is no such scorer.

    >>> kind_of(ScoreRule("team", "team", "exact"))
    'class'
    """
    kind: ValueKind = find("scorers", rule.scorer).KIND
    return kind


def is_graded(rule: ScoreRule) -> bool:
    """Whether a rule's scores may lie between right and wrong. Raises an EvalkitError where there is no such scorer.

    >>> is_graded(ScoreRule("names", "names", "set")), is_graded(ScoreRule("team", "team", "exact"))
    (True, False)
    """
    return bool(getattr(find("scorers", rule.scorer), "GRADED", False))


def scorers_with_opposite() -> list[str]:
    """The names of the scorers that know the opposite of a value, those left out that can't be imported.

    >>> scorers_with_opposite()
    ['bool', 'number', 'sign']
    """

    def knows(scorer: str) -> bool:
        try:
            return opposite_of(scorer) is not None
        except EvalkitError:
            return False

    return sorted(filter(knows, names("scorers")))


def opposite_of(scorer: str) -> Callable[[Any], Any] | None:
    """What gives the opposite of a value that ``scorer`` scores; None where it knows none.

    >>> opposite_of("sign")(0.5), opposite_of("text")
    (-0.5, None)
    """
    opposite: Callable[[Any], Any] | None = getattr(find("scorers", scorer), "opposite", None)
    return opposite


def label_of(scorer: str) -> Callable[[Any], str]:
    """What names the class of an expected value, as ``scorer`` sees it: the value itself, where it says nothing.

    >>> label_of("sign")(0.5), label_of("bool")(True), label_of("exact")(None)
    ('above 0', 'True', 'null')
    """
    label: Callable[[Any], str] = getattr(find("scorers", scorer), "label", _spelled)
    return label


def _spelled(value: Any) -> str:
    return "null" if value is None else str(value)


def labeller_of(rule: ScoreRule) -> Callable[[Any], str | None] | None:
    """What names the class of any value of a rule's field, None where it is none; None where its scorer names none.

    >>> name = labeller_of(ScoreRule("direction", "direction", "sign", {"dead_zone": 0.25}))
    >>> name(0.5), name(0.1), labeller_of(ScoreRule("team", "team", "exact"))
    ('+', '0', None)
    """
    make = getattr(find("scorers", rule.scorer), "make_label", None)
    label: Callable[[Any], str | None] | None = make(rule.options) if make is not None else None
    return label


def values_match(scorer: InputScorer, got: object, expected: object, given: Mapping[str, Any]) -> bool:
    """Whether two values of a field, neither of which is a label, are the same as its ``scorer`` takes them."""
    if json.dumps(got, sort_keys=True) == json.dumps(expected, sort_keys=True):
        return True
    try:
        return scorer(got, expected, given).value == 1
    except EvalkitError:
        return False  # what no label may be, null above all, is like nothing but itself


def score_reader(rule: ScoreRule) -> Reader:
    """Raises an EvalkitError where there is no such scorer, or its options or anchors can't be used."""
    if is_composite(rule):
        composite_of(rule)
        return lambda _: None
    scorer = scorer_of(rule)
    if rule.anchors and (kind := kind_of(rule)) != "number":
        raise ConfigError(
            f"'anchors' are values of a number field, but {rule.scorer!r} scores a field of kind {kind!r}"
        )

    def read(example: Example) -> object:
        expected = example.expected.get(rule.field)
        return scorer(expected, expected, example.input) if rule.asked_of(example) else None

    return read


def measurement_of(rule: MeasureRule) -> Measurement:
    """The measurement of a rule. Raises UnknownName where there is no such measure, ConfigError where its options can't
    be used."""
    measurement: Measurement = find("measurements", rule.measure).make_measurement(rule.options)
    return measurement


def reads_field(rule: MeasureRule) -> bool:
    """Whether it is a field that a rule measures, and not the whole answer. Raises as ``measurement_of``.

    >>> reads_field(MeasureRule("size", "size", "length", {"of": "answer"}))
    False
    """
    return not measurement_of(rule).of_text


def measure_reader(rule: MeasureRule) -> Reader:
    """Raises UnknownName where there is no such measure, ConfigError where its options can't be used."""
    from evalkit.scorers.measurements.readings import Readings

    measurement = measurement_of(rule)
    if measurement.of_text and rule.field != rule.name:
        raise ConfigError(
            f"'field' is {rule.field!r}, but it is the whole answer that is measured: take one of them away"
        )

    def read(example: Example) -> object:
        value = None if measurement.of_text else measurement.reads(example.expected.get(rule.field))
        return measurement.estimate(Readings.of([], []) if value is None else Readings.of([value], [value]))

    return read
