"""Labels that are names, such as of companies, and that the input never says: who reads it can't know them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit._internal.counts import abbreviate, counted
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.labels import enumerated
from evalkit.golden.lints.texts import judged, text_of
from evalkit.golden.model import Example, ScoreRule, Task
from evalkit.golden.near_duplicates import normal
from evalkit.golden.scoring import kind_of

_MOSTLY = 0.5
"""A field takes its labels from the input where so many of them stand there, or where they are lists of names that no
schema gives; else they are classes."""
_INSIDE = 6
"""A label of so many letters is found where it is written together, or apart: `OpenSea` in `open sea`."""


def check(task: Task) -> Iterator[Finding]:
    closed = set(enumerated(task.schema))
    for split in ("train", "test", "dev", "reference"):
        examples = judged(task.splits.get(split, ()))
        for field in dict.fromkeys(rule.field for rule in task.field_scores if _may_name(rule)):
            labelled = [(example, label) for example in examples for label in _labels(example.expected.get(field))]
            absent = [(example, label) for example, label in labelled if not _says(example, label)]
            is_open = isinstance(labelled[0][0].expected[field], list) if labelled else False
            is_open = is_open and not any(label in closed for _, label in labelled)
            if not absent or (not is_open and len(labelled) - len(absent) < _MOSTLY * len(labelled)):
                continue
            yield Finding(
                "note", absent[0][0].where, f"{split}: the input never names {counted(len(absent), 'label')} of "
                f"{field} (of {len(labelled)}): {_listed(absent)}",
                "Who reads the input alone can't know them: spell them as it does, or say there what they are.",
            )  # fmt: skip


def _may_name(rule: ScoreRule) -> bool:
    return kind_of(rule) in ("class", "set") and rule.scorer != "grounded"


def _labels(value: object) -> list[str]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [label for label in values if isinstance(label, str) and normal(label)]


def _says(example: Example, label: str) -> bool:
    text, wanted = normal(text_of(example)), normal(label)
    if f" {wanted} " in f" {text} ":
        return True
    is_long = len(wanted) >= _INSIDE or not wanted.isascii()
    return is_long and wanted.replace(" ", "") in text.replace(" ", "")


def _listed(absent: Sequence[tuple[Example, str]]) -> str:
    return abbreviate([f"{label!r} ({example.id})" for example, label in absent], 5)
