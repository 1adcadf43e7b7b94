"""Examples of train that are no older than what is held out, where the task says which field of its input is the time.

Who learns from what came later is judged on what it has seen: prices, outcomes, names that nobody knew then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from evalkit._internal.counts import abbreviate, counted, verb
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import judged
from evalkit.golden.model import Example, Task

Dated = tuple[datetime, Example]


def check(task: Task) -> Iterator[Finding]:
    field = task.time
    if not field:
        return
    dated: dict[str, list[Dated]] = {}
    for split in ("train", "test"):
        dated[split] = []
        for example in judged(task.splits.get(split, ())):
            if field not in example.input:
                continue
            when = read_time(example.input[field])
            if when is None:
                yield Finding(
                    "error", example.where, f"the {field} of {example.id} is {example.input[field]!r}, no date",
                    "Write an ISO date or time, such as 2026-03-02 or 2026-03-02T09:30:00Z.",
                )  # fmt: skip
            else:
                dated[split].append((when, example))
    yield from _not_before(field, dated["train"], dated["test"])


def _not_before(field: str, train: Sequence[Dated], test: Sequence[Dated]) -> Iterator[Finding]:
    if not train or not test:
        return
    begin, first = min(test, key=lambda dated: dated[0])
    late = sorted((dated for dated in train if dated[0] >= begin), key=lambda dated: dated[0], reverse=True)
    if late:
        latest = late[0][1]
        are = verb(len(late), "is", "are")
        yield Finding(
            "error", latest.where, f"by {field}, {len(late)} of {counted(len(train), 'example')} of train {are} not "
            f"before the first of test ({first.id}, {first.input[field]}, {first.where}): "
            f"{abbreviate([example.id for _, example in late], 5)}; the last is of {latest.input[field]}",
            "Put into train what is older than all of test alone.",
        )  # fmt: skip


def read_time(value: object) -> datetime | None:
    """An ISO date (its beginning) or time as a time in UTC, which holds where no zone is said; None where it is none.

    >>> read_time("2026-03-02"), read_time("2026-03-02T01:00:00+01:00") == read_time("2026-03-02T00:00:00Z")
    (datetime.datetime(2026, 3, 2, 0, 0, tzinfo=datetime.timezone.utc), True)
    >>> read_time("2 March 2026")
    """
    try:
        when = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None
    if when is None:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
