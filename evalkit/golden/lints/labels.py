"""The labels of golden examples, as checks read them: which fields are classes, which are numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from evalkit.golden.lints.texts import judged
from evalkit.golden.model import Example, Task
from evalkit.golden.scoring import kind_of, label_of
from evalkit.scorers.values import as_number

NEARLY_ALL = 0.9
"""From this share of the examples on a label is nearly constant."""

_MOST = 50
"""A field of more different values than this has no classes, but answers."""


def classed(task: Task, examples: Iterable[Example]) -> Iterator[tuple[str, list[Example], list[str]]]:
    """The fields of ``task`` that are a few classes, each with the examples that have it and their classes: of a field
    whose scorer labels its values (by their sign, say), those labels."""
    examples = judged(examples)
    scorers = {rule.field: rule.scorer for rule in task.field_scores if kind_of(rule) == "class"}
    for field, scorer in scorers.items():
        rows = [example for example in examples if field in example.expected]
        label = label_of(scorer)
        labels = [label(example.expected[field]) for example in rows]
        if field != "error" and 0 < len(set(labels)) <= _MOST:
            yield field, rows, labels


def numbered(task: Task, examples: Iterable[Example]) -> Iterator[tuple[str, list[Example], list[float]]]:
    """The fields of ``task`` that are numbers, each with the examples that have one."""
    examples = judged(examples)
    for field in dict.fromkeys(rule.field for rule in task.field_scores if kind_of(rule) == "number"):
        rows = [example for example in examples if as_number(example.expected.get(field)) is not None]
        if rows:
            yield field, rows, [float(example.expected[field]) for example in rows]


def one_of_each_group(examples: Iterable[Example]) -> list[Example]:
    """The first example of each group: what belongs together is one piece of evidence."""
    return list({example.group: example for example in reversed(list(examples))}.values())[::-1]


def enumerated(schema: object) -> Iterator[str]:
    """The texts that ``schema`` gives as the values of a field."""
    if isinstance(schema, Mapping):
        values = [*schema["enum"]] if isinstance(schema.get("enum"), list) else []
        yield from (value for value in (*values, schema.get("const")) if isinstance(value, str))
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from enumerated(part)
