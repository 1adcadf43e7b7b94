"""Freezes the splits of a golden task, and tells what has changed since."""

from __future__ import annotations

import json
import tomllib
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit._internal.counts import abbreviate, counted, verb
from evalkit._internal.files import text_digest, write_atomically
from evalkit._internal.strict_json import JsonError, brief, lines_of, parse_json, read_text
from evalkit.errors import FrozenError, LooksError
from evalkit.golden import looks
from evalkit.golden.model import SPLITS, Example

FILE = "frozen.json"


def freeze(folder: Path, splits: Mapping[str, Sequence[Example]], planned_looks: int | None = None) -> Path:
    """Writes ``folder/frozen.json``: for every split its sha256, its count, and a digest of each example's line.

    ``planned_looks`` is how many candidates the test split is for; None takes what task.toml says, else what was
    planned before. Raises FrozenError where
    it is more than was planned when the first of them was judged, or fewer than were judged.
    """
    record = {
        "frozen": datetime.now(UTC).date().isoformat(),
        "planned_looks": _plan(folder, planned_looks),
        "splits": {split: _record(folder, split) for split in SPLITS if split in splits},
    }
    path = folder / FILE
    write_atomically(path, json.dumps(record, indent=1) + "\n")
    return path


def planned(folder: Path) -> int | None:
    """How many candidates the frozen test split is for; None where nothing is frozen, or no plan with it.

    Raises FrozenError where frozen.json can't be read.
    """
    if not (folder / FILE).exists():
        return None
    number = _frozen(folder).get("planned_looks")
    if number is not None and (type(number) is not int or number < 1):
        raise _unreadable(folder, f"planned_looks is {number!r}, expected a whole number, 1 or more")
    return number


def _frozen(folder: Path) -> Mapping[str, Any]:
    """What frozen.json says. Raises FrozenError where that is no JSON object."""
    try:
        record = parse_json(read_text(folder / FILE))
    except (JsonError, OSError) as error:
        raise _unreadable(folder, str(error), error.line if isinstance(error, JsonError) else None) from error
    if not isinstance(record, dict):
        raise _unreadable(folder, f"got {brief.repr(record)}, expected an object")
    return record


def _unreadable(folder: Path, what: str, line: int | None = None) -> FrozenError:
    reason = f"{folder / FILE}{f':{line}' if line else ''}: can't be read: {what}"
    return FrozenError(f"{reason}. {remedy(folder)}", [reason])


def _plan(folder: Path, wanted: int | None) -> int:
    """``wanted`` where it may be planned now; what task.toml says, or was planned, where nothing is wanted."""
    try:
        before = planned(folder)
    except FrozenError:
        before = None  # what can't be read is made anew
    spent = len(looks.numbers(folder))
    number = wanted or _declared(folder) or before or looks.PLANNED
    if spent and before is not None and number > before:
        raise FrozenError(
            f"{folder}: {counted(spent, 'look')} of {before} planned {verb(spent, 'was', 'were')} taken: {number} "
            f"can't be planned any more. Leave planned = {before} in [looks] of task.toml, or retire the split with "
            f"`evalkit freeze --renew {folder.name}` and write a new one"
        )
    if before is not None and number < min(spent, before):
        raise FrozenError(
            f"{folder}: {counted(spent, 'look')} {verb(spent, 'was', 'were')} taken: fewer than that can't be planned "
            f"(planned = {number} in [looks] of task.toml)"
        )
    return number


def _declared(folder: Path) -> int | None:
    """What task.toml says; what is wrong with the file is told where the task is read."""
    try:
        table = tomllib.loads(read_text(folder / "task.toml")).get("looks", {})
    except (OSError, ValueError):
        return None
    number = table.get("planned") if isinstance(table, dict) else None
    return number if isinstance(number, int) and number > 0 else None


def renew(folder: Path, splits: Mapping[str, Sequence[Example]]) -> int:
    """Retires the test split of ``folder`` into its train split, and freezes what is left; how many examples that were.

    A test split that was looked at too often is still good to learn from. What is judged next must be new. Raises
    FrozenError where a file can't be written; then the splits are as they were.
    """
    test, train = folder / "test.jsonl", folder / "train.jsonl"
    left = {name: examples for name, examples in splits.items() if name != "test"}
    contents: dict[Path, bytes | None] = {}
    try:
        contents = {path: path.read_bytes() if path.exists() else None for path in (test, train, folder / FILE)}
        before, retired = contents[train] or b"", contents[test] or b""
        retired = retired.removeprefix(BOM_UTF8) if before else retired
        write_atomically(train, before + b"\n" * (before[-1:] not in (b"", b"\n")) + retired)
        test.unlink()
        freeze(folder, {**left, "train": (*left.get("train", ()), *splits["test"])})
        looks.renew(folder)
    except (OSError, LooksError) as error:
        for path, content in contents.items():
            with suppress(OSError):
                path.unlink(missing_ok=True) if content is None else write_atomically(path, content)
        raise FrozenError(f"{folder}: {error}. The splits are as they were") from error
    return len(splits["test"])


def verify(folder: Path, splits: Mapping[str, Sequence[Example]]) -> bool:
    """True when every split is what was frozen, False when nothing has been frozen yet.

    Raises FrozenError with the examples that were changed, added or removed.
    """
    if not (folder / FILE).exists():
        return False
    record = _frozen(folder)
    try:
        frozen = record["splits"]
        changes = [
            change
            for split in SPLITS
            if (change := _change(split, frozen.get(split), _record(folder, split) if split in splits else None))
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(folder, repr(error)) from error
    if changes:
        raise FrozenError("\n".join([f"{folder}: not what was frozen:", *changes, f"  {remedy(folder)}"]), changes)
    return True


def remedy(folder: Path) -> str:
    """What to do where ``folder`` is not what was frozen."""
    return (
        f"Take the change back, or accept it with `evalkit freeze {folder.name}`: "
        "figures from before and after are then about different data."
    )


def _record(folder: Path, split: str) -> dict[str, object]:
    text = read_text(folder / f"{split}.jsonl")
    lines = [line for _, line in lines_of(text)]
    examples = {str(parse_json(line)["id"]): text_digest(line)[:12] for line in lines}
    return {"sha256": text_digest(text), "count": len(lines), "examples": examples}


def _change(split: str, before: Mapping[str, object] | None, now: Mapping[str, object] | None) -> str:
    if before is None and now is None:
        return ""
    if before is None or now is None:
        return f"  {split}.jsonl was {'removed' if now is None else 'added'}"
    if before["sha256"] == now["sha256"]:
        return ""
    old, new = _examples(before), _examples(now)
    parts = {
        "changed": [name for name in new if name in old and old[name] != new[name]],
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
    }
    named = [f"{what}: {abbreviate(ids, 5)}" for what, ids in parts.items() if ids]
    summary = "; ".join(named) or "the order or the white space"
    return f"  {split}.jsonl ({counted(_count(before), 'example')} then, {_count(now)} now): {summary}"


def _examples(record: Mapping[str, object]) -> Mapping[str, str]:
    examples = record["examples"]
    if not isinstance(examples, dict):
        raise TypeError(f"examples is {examples!r}, expected an object")
    return examples


def _count(record: Mapping[str, object]) -> int:
    count = record["count"]
    if not isinstance(count, int):
        raise TypeError(f"count is {count!r}, expected a whole number")
    return count
