"""The lines of a task's ledger (looks.jsonl), each chained to the one before it.

A line is a JSON object. ``before`` is the chain of the line before it, ``chain`` a digest of that and of all that the
line says. So a line that was edited, deleted, swapped or invented is found, and its place with it. Lines that an older
evalkit wrote have no chain: the first one with a chain holds them all.

Whoever makes the whole chain anew deceives it. Version control shows that, and the project's store, which keeps each
line that was ever written in it (``evalkit.runs.look_store``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit._internal.counts import counted, verb
from evalkit._internal.files import text_digest, write_atomically
from evalkit._internal.strict_json import JsonError, lines_of, parse_json, read_text
from evalkit.errors import LooksError

FILE = "looks.jsonl"
_CHAIN = ("before", "chain")
_MARKERS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says (``table``, without its chain), and where it stands. ``id`` is a digest of what it says."""

    table: Mapping[str, Any]
    before: str
    chain: str
    where: str

    @property
    def id(self) -> str:
        return line_id(self.table)

    @property
    def is_old(self) -> bool:
        """Whether an older evalkit wrote it, without a chain."""
        return not self.before and "kind" not in self.table


def line_id(table: Mapping[str, Any]) -> str:
    """By what a line is known wherever it stands: a digest of what it says.

    >>> line_id({"kind": "renewed"}) == line_id({"kind": "renewed", "chain": "0"})
    True
    """
    said = {key: value for key, value in table.items() if key not in _CHAIN}
    return text_digest(json.dumps(said, ensure_ascii=False, sort_keys=True))[:16]


def chained(before: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """``table`` with its chain, as it stands in the file behind the line whose chain is ``before``."""
    return {**table, "before": before, "chain": _link(before, table)}


def read_lines(folder: Path) -> list[Line]:
    """Every line of the ledger of the task in ``folder``. Raises LooksError with the first that is not as it was
    written, and what to do."""
    lines: list[Line] = []
    before = ""
    for line in _parsed(folder):
        if _CHAIN[1] not in line.table:
            if not _looks_old(line.table):
                raise _wrong(line.where, "has no chain: evalkit did not write it", folder)
            if lines and not lines[-1].is_old:
                raise _wrong(line.where, "an older evalkit wrote it behind lines of this one", folder)
            before = _link(before, line.table)
            lines.append(Line(line.table, "", before, line.where))
            continue
        said = {key: value for key, value in line.table.items() if key not in _CHAIN}
        if line.chain != _link(line.before, said):
            raise _wrong(line.where, "was edited: it is not what evalkit wrote", folder)
        if line.before != before:
            raise _wrong(line.where, "does not follow the line above it: one is missing, or out of its place", folder)
        before = line.chain
        lines.append(Line(said, line.before, line.chain, line.where))
    return lines


def append(folder: Path, before: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Writes ``table`` behind the last line, whose chain is ``before``, and gives it with its own.

    Raises LooksError where it can't be written: a look that nobody knows of would make the next one too easy.
    """
    whole = chained(before, table)
    path = folder / FILE
    try:
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        there += "\n" * bool(there and not there.endswith("\n"))
        write_atomically(path, f"{there}{json.dumps(whole, ensure_ascii=False)}\n", sync=True)
    except OSError as error:
        raise LooksError(
            f"{path}: can't be written: {error}. Each look at the test split is noted there and committed; judge on "
            f"--split=dev where that can't be"
        ) from error
    return whole


def mend(folder: Path, known: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Puts the lines of two branches, and those that the store has ``known``, into one chain in order of time.

    Nothing else is mended: raises LooksError where a line was edited, or the one that it follows is nowhere. Returns
    how many lines there are, and how many of them were not in the file.
    """
    found = list(_parsed(folder, markers=True))
    old = [line for line in found if _CHAIN[1] not in line.table]
    for line in old:
        if not _looks_old(line.table):
            raise _wrong(line.where, "has no chain: evalkit did not write it", folder)
    path = folder / FILE
    told = [line for line in found if _CHAIN[1] in line.table]
    told += [Line(table, str(table["before"]), str(table["chain"]), f"{path} (as the store has it)") for table in known]
    starts, before = {""}, ""
    for line in old:
        before = _link(before, line.table)
        starts.add(before)
    chains = {*starts, *(line.chain for line in told)}
    for line in told:
        said = {key: value for key, value in line.table.items() if key not in _CHAIN}
        if line.chain != _link(line.before, said):
            raise _wrong(line.where, "was edited: it is not what evalkit wrote", folder)
        if line.before not in chains:
            raise _wrong(line.where, "follows a line that is nowhere", folder)
    tables = {line.id: {key: value for key, value in line.table.items() if key not in _CHAIN} for line in told}
    ordered = sorted(tables.values(), key=lambda table: str(table.get("created", "")))
    texts = [json.dumps(dict(line.table), ensure_ascii=False) for line in old]
    for table in ordered:
        whole = chained(before, table)
        before = whole["chain"]
        texts.append(json.dumps(whole, ensure_ascii=False))
    new = len(tables.keys() - {line.id for line in found})
    write_atomically(path, "".join(f"{text}\n" for text in texts))
    return len(texts), new


def _link(before: str, table: Mapping[str, Any]) -> str:
    return text_digest(f"{before} {line_id(table)}")[:16]


def _parsed(folder: Path, markers: bool = False) -> Iterator[Line]:
    """The lines as they stand; with ``markers`` those of a merge conflict are passed over."""
    path = folder / FILE
    try:
        whole = read_text(path) if path.exists() else ""
    except (OSError, JsonError) as error:
        line = f":{error.line}" if isinstance(error, JsonError) else ""
        raise LooksError(f"{path}{line}: can't be read: {error}") from error
    for number, text in lines_of(whole):
        where = f"{path}:{number}"
        if text.startswith(_MARKERS):
            if markers:
                continue
            raise LooksError(
                f"{where}: a merge conflict: both sides are looks that were taken. Put them in one order with "
                f"`evalkit looks {folder.name} --mend`"
            )
        try:
            table = parse_json(text)
            if not isinstance(table, dict):
                raise TypeError(f"got {table!r}, expected an object")
        except (ValueError, TypeError) as error:
            raise _wrong(where, f"no look ({error})", folder) from error
        yield Line(table, str(table.get("before", "")), str(table.get("chain", "")), where)


def _looks_old(table: Mapping[str, Any]) -> bool:
    """Whether it is as the evalkit before wrote lines: one with a candidate, or that the split was renewed."""
    if table.keys() == {"renewed"}:
        return True
    return isinstance(table.get("candidate"), str) and bool(table["candidate"]) and "kind" not in table


def _wrong(where: str, what: str, folder: Path) -> LooksError:
    return LooksError(
        f"{where}: {what}. Take {FILE} back from version control: without each of its lines the next candidate would "
        f"be judged too easily. Where two branches were merged: `evalkit looks {folder.name} --mend`"
    )


def missing(folder: Path, known: Sequence[Mapping[str, Any]]) -> LooksError | None:
    """What to say of lines that were written once, as the store has ``known``, and stand in the file no more."""
    there = {line.id for line in read_lines(folder)}
    gone = [table for table in known if line_id(table) not in there]
    if not gone:
        return None
    first = gone[0]
    who = f"{first.get('model', first.get('kind', ''))}, {first.get('created', '')}, run {first.get('run', '')}"
    are = verb(len(gone), "is", "are")
    return LooksError(
        f"{folder / FILE}: {counted(len(gone), 'line')} that evalkit wrote {are} not there any more, as this"
        f" project's store knows; the first: {who}. Take the file back from version control, or write "
        f"what is missing again with `evalkit looks {folder.name} --mend`"
    )
