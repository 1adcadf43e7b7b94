"""What a stored run asked, read from its header and its rows: enough to score the answers again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalkit.judging.not_judged import Absent
from evalkit.models.latency import Probe
from evalkit.models.pricing import Price
from evalkit.runs.record import Participant, Participation, Rows, is_older, load_run


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a run asked of one task: enough to score the answers again. ``lineage`` is a name with its rungs,
    ``in_turn`` are the models that were asked until all was settled, ``absent`` the declared rivals
    that took no part."""

    task: str
    split: str
    participations: tuple[Participation, ...]
    lineage: tuple[str, tuple[str, ...]] | None
    in_turn: frozenset[str]
    absent: Mapping[str, Absent] = field(default_factory=dict)


def load_requests(table: Mapping[str, Any], rows: Rows) -> list[TaskRequest]:
    """What the run of this header and these rows asked, whatever evalkit stored it. Raises StoreError as ``load_run``.

    A header of before there were rows has all itself.
    """
    if is_older(table):
        return [_older_request(task) for task in table["tasks"]]
    run = load_run(table)
    parts = {
        (result.task, model_run.name): Participation(model_run.participant)
        for result in run.tasks
        for model_run in result.model_runs
    }
    keys: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {place: {} for place in parts}
    again: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {place: {} for place in parts}
    earlier: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {place: {} for place in parts}
    reasons: dict[tuple[str, str], dict[str, str]] = {place: {} for place in parts}
    for row in rows():
        place = (row.task, row.model)
        if row.keys:
            keys[place][row.example] = row.keys
        if row.again:
            again[place][row.example] = row.again
        earlier[place].update(row.earlier)
        if row.unanswered:
            reasons[place][row.example] = row.unanswered
    return [
        TaskRequest(
            result.task,
            result.split,
            tuple(
                replace(
                    parts[place], keys=keys[place], again=again[place], reasons=reasons[place], earlier=earlier[place]
                )
                for place in parts
                if place[0] == result.task
            ),
            (result.lineage.name, result.lineage.rungs) if result.lineage is not None else None,
            frozenset(item.model for item in result.in_turn),
            {item.against: Absent(item.why, item.problem) for item in result.unjudged},
        )
        for result in run.tasks
    ]


def _older_request(task: Mapping[str, Any]) -> TaskRequest:
    lineage = task.get("lineage")
    return TaskRequest(
        task["task"],
        task["split"],
        tuple(_older_participation(column["entrant"]) for column in task["columns"]),
        (lineage["name"], tuple(lineage["rungs"])) if lineage else None,
        frozenset(item["model"] for item in task.get("in_turn", ())),
    )


def _older_participation(participant: Mapping[str, Any]) -> Participation:
    """Of a run without a version. The first of them had one key an example, and none to ask again."""
    table = dict(participant)
    keys = {name: (key,) if isinstance(key, str) else tuple(key) for name, key in table.pop("keys").items()}
    again = {name: tuple(key) for name, key in table.pop("again", {}).items()}
    reasons = table.pop("reasons")
    price = Price(**table["price"]) if table.get("price") else None
    probe = Probe.stored(table["probe"]) if table.get("probe") else None
    return Participation(Participant(**{**table, "price": price, "probe": probe}), keys, reasons, again)
