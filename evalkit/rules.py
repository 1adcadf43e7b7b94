"""What a task's scores and measurements can read: made once when a task is loaded, before a model is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalkit.components import find
from evalkit.errors import UnknownName
from evalkit.scorers import Scorer
from evalkit.scorers.number import as_number
from evalkit.tasks import MeasureRule, ScoreRule

Reader = Callable[[Any], object]
"""Takes the value that an example expects. Raises an EvalkitError where the rule can do nothing with it."""


def score_reader(rule: ScoreRule) -> Reader:
    """Raises an EvalkitError where there is no such scorer, or its options can't be used."""
    scorer: Scorer = find("scorers", rule.scorer).make_scorer(rule.options)
    return lambda expected: scorer(expected, expected)


def measure_reader(rule: MeasureRule) -> Reader:
    """Raises UnknownName where there is no such measure, ConfigError where its options can't be used."""
    from evalkit.measures import MEASURES, Rows

    if rule.measure not in MEASURES:
        raise UnknownName("measure", rule.measure, MEASURES)
    measure, none = MEASURES[rule.measure], Rows.of([], [])
    measure(none, rule.options)

    def read(expected: Any) -> object:
        value = as_number(expected)
        return measure(none if value is None else Rows.of([value], [value]), rule.options)

    return read
