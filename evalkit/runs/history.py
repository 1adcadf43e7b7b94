"""One score over the stored runs: how it was with every model and state of the data, the oldest run first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.errors import ConfigError, UnknownName


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """What one run says of one model by one score. ``rate`` is an Estimate as it is stored.

    ``model`` is the fingerprint of the model, ``data`` the checksum of the task: where they change, so does what the
    figure is about.
    """

    run: str
    created: str
    backend: str
    split: str
    score: str
    model: str
    data: str
    rate: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """The looks at one task by one score, the oldest first, and how many runs of a part of a split are left out."""

    task: str
    score: str
    looks: tuple[HistoryPoint, ...]
    parts: int


def history(
    runs: Iterable[Mapping[str, Any]], task: str, score: str | None = None, backend: str | None = None
) -> History:
    """Collects from ``runs``, the oldest first: of every model that was tested, or of ``backend``, whatever it was.

    ``score`` is the primary one of the latest run, where it is None. Raises UnknownName where no run knows the task,
    the backend or the score, ConfigError where all that there is were runs of a part.
    """
    names: set[str] = set()
    found = []
    for run in runs:
        names.update(one["task"] for one in run["tasks"])
        found += [(run, one, column) for one in run["tasks"] if one["task"] == task for column in one["columns"]]
    if not found:
        raise UnknownName("task of the stored runs", task, names)
    entrants = {column["entrant"]["name"]: column["entrant"]["role"] for _, _, column in found}
    if backend is not None and backend not in entrants:
        raise UnknownName(f"backend of the stored runs of {task}", backend, entrants)
    score = score or found[-1][1]["primary"]
    wanted = [
        (run, one, column)
        for run, one, column in found
        if (column["entrant"]["name"] == backend if backend else column["entrant"]["role"] == "backend")
    ]
    whole = [(run, one, column) for run, one, column in wanted if column["complete"]]
    if not whole:
        raise ConfigError(f"{task}: none of the {len(wanted)} stored runs was of a whole split")
    scores = {name for _, one, column in whole for name in column["rates"].get(one["split"], ())}
    if score not in scores:
        raise UnknownName(f"score of the stored runs of {task}", score, scores)
    return History(task, score, tuple(_looks(whole, score)), len(wanted) - len(whole))


def _looks(
    whole: Iterable[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]], score: str
) -> Iterator[HistoryPoint]:
    for run, task, column in whole:
        if (found := column["rates"].get(task["split"], {}).get(score)) is not None:
            entrant = column["entrant"]
            yield HistoryPoint(
                run["id"], run["created"], entrant["name"], task["split"], score, entrant["fingerprint"],
                task["checksum"], found,
            )  # fmt: skip
