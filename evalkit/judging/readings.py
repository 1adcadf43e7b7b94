"""What a measurement is made from, out of the answers of a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from evalkit.golden.model import Example, MeasureRule
from evalkit.golden.scoring import measurement_of
from evalkit.judging.answer import Answer
from evalkit.scorers.measurements.measurement import Measurement
from evalkit.scorers.measurements.readings import Readings


def readings_of(rule: MeasureRule, answers: Iterable[Answer]) -> Readings:
    """What was got and expected by ``rule``, sample by sample, where both have what is measured.

    An unreadable answer has no field, and a schema may allow null or text beside a number: what rests on these readings
    says on how many.
    """
    measurement = measurement_of(rule)
    rows = [
        (got, expected, answer.example.id)
        for answer in answers
        if (expected := measurement.reads(_expected(measurement, rule, answer.example))) is not None
        for sample in answer.each
        if (got := measurement.reads(_got(measurement, rule, sample))) is not None
    ]
    return _readings(rows)


def most(rule: MeasureRule, examples: Iterable[Example]) -> int:
    """How many of ``examples`` the measurement of ``rule`` rests on at most: where each is answered as expected."""
    measurement = measurement_of(rule)

    def rows() -> Iterator[tuple[float, float, str]]:
        for example in examples:
            expected = measurement.reads(_expected(measurement, rule, example))
            if expected is not None:
                yield expected, expected, example.id

    return measurement.estimate(_readings(list(rows()))).n


def _readings(rows: list[tuple[float, float, str]]) -> Readings:
    return Readings.of([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def _expected(measurement: Measurement, rule: MeasureRule, example: Example) -> Any:
    """The expected value that ``measurement`` reads: of the whole answer, the text that a ceiling would write."""
    if measurement.of_text:
        return json.dumps(example.expected, ensure_ascii=False)
    return example.expected.get(rule.field)


def _got(measurement: Measurement, rule: MeasureRule, sample: Answer) -> Any:
    return sample.text if measurement.of_text else (sample.value or {}).get(rule.field)
