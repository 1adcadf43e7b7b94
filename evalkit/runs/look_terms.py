"""Who a model is in the ledger, and what a verdict on it rests on: as digests, made of one task as it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any

from evalkit._internal.files import text_digest
from evalkit.golden.looks import Answerer, Terms
from evalkit.golden.model import ANSWERED, Task
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.record import Participation

_UNBOUND = {
    "name", "folder", "title", "prompt", "decoding", "splits", "checksum", "waivers", "relations", "measurements",
    "planned_looks",
}  # fmt: skip
"""What of a task no verdict rests on, or what is the candidate's (how it is asked), or bound apart (the splits)."""
_UNBOUND_KEYS = {"where"}  # the place of a declaration in its file

_JUDGED = ("test", "reference", "malformed")
"""The splits that a verdict rests on."""


def answerer(asked: AskedTask, part: Participation) -> Answerer:
    """By what the model of ``part`` is known in the ledger."""
    return Answerer(part.participant.candidate, _answers(asked, part))


def _answers(asked: AskedTask, part: Participation) -> str:
    """A digest of all its answers to the judged split; empty where one is missing, or can't be scored."""
    keys = [part.keys.get(name, ()) for name in sorted(asked.judged)]
    stored = asked.book.stored(part.stored_under)
    if not all(keys) or not all(key in stored for sample in keys for key in sample):
        return ""
    if any(asked.book.problem(sample) is not None for sample in keys):
        return ""
    texts = [[stored[key].request.prefill + stored[key].completion.text for key in sample] for sample in keys]
    return text_digest(json.dumps(texts))[:16]


def is_shown(asked: AskedTask, part: Participation) -> bool:
    """Whether an answer of it to the test split is there to be shown. Floors answer without reading."""
    if part.role == "floor" or part.participant.problem is not None:
        return False
    keys = [key for name in asked.judged for last in part.keys.get(name, ()) for key in part.attempts(last)]
    stored = asked.book.stored(part.stored_under)
    return any(key in stored for key in keys)


def terms_of(asked: AskedTask) -> dict[str, Terms]:
    """The terms of each tested model that answered all of the split, by name."""
    shared = shared_terms(asked)
    parts = {part.name: part for part in asked.participations}
    return {
        part.name: replace(
            shared, rivals={name: answerer(asked, rival) for name, rival in rivals_of(asked, part, parts)}
        )
        for part in asked.participations
        if part.role == "backend" and _answers(asked, part)
    }


def rivals_of(
    asked: AskedTask, part: Participation, parts: Mapping[str, Participation]
) -> Iterator[tuple[str, Participation]]:
    """The declared rivals of ``part`` that are in the run, floors with them: what trains them may be changed."""
    for hypothesis in asked.task.hypotheses:
        if hypothesis.candidate in (None, part.name):
            for named in hypothesis.against:
                name = part.participant.parent or "" if named == "parent" else named
                if name in parts and name != part.name and parts[name].participant.problem is None:
                    yield name, parts[name]


def shared_terms(asked: AskedTask) -> Terms:
    task = asked.task
    return Terms(declared_digest(task), split_digest(task), compared=compared_digest(task))


def comparisons_of(task: Task) -> int:
    """How many comparisons with a rival a task may declare: each score, on all examples and on each slice."""
    tags = {tag for example in task.splits.get("test", ()) for tag in example.tags}
    return (len(ANSWERED) + len(task.scores)) * (1 + len(tags))


def compared_digest(task: Task) -> str:
    """A digest of what is compared with whom, and of how an answer is scored; margins and thresholds left out."""
    pairs = sorted(
        [item.kind, item.candidate or "", sorted(item.against), item.score, item.slice, item.family]
        for item in task.hypotheses
    )
    return text_digest(json.dumps([pairs, _plain(task.scores), _plain(task.schema)], sort_keys=True, default=str))[:16]


def declared_digest(task: Task) -> str:
    """A digest of all that decides about an answer: hypotheses, thresholds, scores, schema."""
    bound = {
        item.name: _plain(getattr(task, item.name))
        for item in fields(task)
        if item.name not in _UNBOUND and _is_said(task, item)
    }
    return text_digest(json.dumps(bound, sort_keys=True, default=str))[:16]


def split_digest(task: Task) -> str:
    """A digest of the examples that a verdict rests on, whatever their order and their place."""
    examples = [_plain(example) for split in _JUDGED for example in task.splits.get(split, ())]
    return text_digest(json.dumps(sorted(json.dumps(item, sort_keys=True, default=str) for item in examples)))[:16]


def _plain(value: Any) -> Any:
    """``value`` as JSON has it. What is as it is by default is left out, so that a field that comes with a later
    release makes no other terms of what was there before."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value) if _is_said(value, item)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _is_said(value: Any, item: Field[Any]) -> bool:
    usual = item.default_factory() if item.default_factory is not MISSING else item.default
    return item.name not in _UNBOUND_KEYS and (usual is MISSING or getattr(value, item.name) != usual)
