"""Keeps completions in an SQLite file, each written as it arrives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from sys import intern
from typing import Any, TypeVar

from evalkit._internal.database import Database
from evalkit.errors import describe_error
from evalkit.golden.model import Decoding
from evalkit.models.backend import Completion
from evalkit.models.latency import Probe
from evalkit.models.request import Message, Request, canonical

Part = TypeVar("Part", Request, Completion)

_TABLES = """
create table if not exists completions (
    key text primary key, fingerprint text not null, task text not null, example_id text not null,
    created text not null, request text not null, completion text not null
) without rowid;
create table if not exists fingerprints (digest text primary key, fingerprint text not null) without rowid;
create table if not exists unanswered (
    session text not null, key text not null, reason text not null, primary key (session, key)
) without rowid;
create table if not exists unusable (
    session text not null, model text not null, task text not null, reason text not null,
    primary key (session, model, task)
) without rowid;
create table if not exists probes (
    session text not null, fingerprint text not null, task text not null, probe text not null,
    primary key (session, fingerprint, task)
) without rowid;
create table if not exists spent (
    session text primary key, usd real not null, kept_back real not null, untold integer not null
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class StoredCompletion:
    """A stored completion, with what was asked."""

    key: str
    fingerprint: str
    request: Request
    completion: Completion


class Store:
    """The completions of a project. One object per process; several processes may share the file.

    Raises StoreError, with what to do, where the file can't be read or written: nothing that was stored
    before is lost by it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path, _TABLES)
        self._shared: dict[bytes, Request | Completion] = {}
        self.unreadable: dict[str, str] = {}
        """By key, what is wrong with stored completions that were met and can't be read, and what to do."""

    def close(self) -> None:
        self._db.close()

    def need_writing(self) -> None:
        """Raises StoreError where nothing can be stored."""
        self._db.need_writing()

    # -- completions --------------------------------------------------------------------------------

    def put(self, key: str, fingerprint: str, request: Request, completion: Completion) -> None:
        """Stores one completion; on disk when this returns. A key that is there already is left as it is."""
        row = (key, fingerprint, request.task, request.example_id, _now(), _dump_request(request), _dump(completion))
        self._db.write("insert or ignore into completions values (?, ?, ?, ?, ?, ?, ?)", row)

    def stored(self, keys: Iterable[str]) -> set[str]:
        """Those of ``keys`` that are stored."""
        return {row[0] for row in self._rows("select key from completions where key in ({})", keys)}

    def get(self, keys: Iterable[str]) -> dict[str, StoredCompletion]:
        """The stored completions of ``keys``; left out are keys that are not there, and those that get into
        ``unreadable``."""
        columns = "select key, fingerprint, request, completion from completions where key in ({})"
        found = {}
        for key, fingerprint, request, text in self._rows(columns, keys):
            try:
                found[key] = StoredCompletion(
                    key, intern(fingerprint), self._one(request, _request), self._one(text, _completion)
                )
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                self.unreadable[key] = (
                    f"its answer is stored in {self.path} and can't be read ({describe_error(error)}). To ask it "
                    f"again, delete the row of the table completions whose key is {key}"
                )
        return found

    def _one(self, text: str, read: Callable[[str], Part]) -> Part:
        """What ``text`` says, one object for all who say the same: several models are asked the same, and a floor gives
        one answer."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest not in self._shared:
            self._shared[digest] = read(text)
        return self._shared[digest]  # type: ignore[return-value]

    def count(self) -> int:
        """How many completions are stored."""
        return int(self._db.execute("select count(*) from completions")[0][0])

    def describe(self, digest: str, fingerprint: Mapping[str, Any]) -> None:
        """Keeps what a fingerprint's digest stands for."""
        self._db.write("insert or ignore into fingerprints values (?, ?)", (digest, canonical(fingerprint)))

    def _rows(self, query: str, keys: Iterable[str]) -> Iterator[Any]:
        listed = list(keys)
        for start in range(0, len(listed), 500):
            part = listed[start : start + 500]
            yield from self._db.execute(query.format(", ".join("?" * len(part))), part)

    # -- what was asked in vain ---------------------------------------------------------------------

    def fail(self, session: str, key: str, reason: str) -> None:
        """Notes that in this session the request of ``key`` stayed unanswered."""
        self._db.write("insert or ignore into unanswered values (?, ?, ?)", (session, key, reason))

    def failures(self, session: str) -> dict[str, str]:
        """``{key: reason}`` of what stayed unanswered in this session. Other sessions ask again."""
        return dict(self._db.execute("select key, reason from unanswered where session = ?", (session,)))

    def note_unusable(self, session: str, model: str, task: str, reason: str) -> None:
        """Notes that in this session the model of that name answered nothing of ``task``, and why."""
        self._db.execute("insert or ignore into unusable values (?, ?, ?, ?)", (session, model, task, reason))

    def unusable(self, session: str) -> dict[tuple[str, str], str]:
        """``{(model, task): reason}`` of the models that answered nothing in this session."""
        rows = self._db.execute("select model, task, reason from unusable where session = ?", (session,))
        return {(model, task): reason for model, task, reason in rows}

    # -- what it cost -------------------------------------------------------------------------------

    def save_spent(self, session: str, ledger: tuple[float, float, int]) -> None:
        """Stores how the budget of a session stands (``Budget.ledger``)."""
        self._db.write("insert or replace into spent values (?, ?, ?, ?)", (session, *ledger))

    def spent(self, session: str) -> tuple[float, float, int]:
        """How the budget of a session was left."""
        rows = self._db.execute("select usd, kept_back, untold from spent where session = ?", (session,))
        return rows[0] if rows else (0.0, 0.0, 0)

    # -- how quickly it was answered ----------------------------------------------------------------

    def save_probe(self, session: str, candidate: str, task: str, probe: Probe) -> None:
        """Stores what a model's latency was found to be in this session, asked as it is (``Model.candidate``)."""
        self._db.write("insert or replace into probes values (?, ?, ?, ?)", (session, candidate, task, _dump(probe)))

    def probes(self, session: str) -> dict[tuple[str, str], Probe]:
        """``{(candidate, task): probe}`` of this session."""
        # The column is called as in stores of before: models alike but for how they are asked had one probe then.
        rows = self._db.execute("select fingerprint, task, probe from probes where session = ?", (session,))
        return {(candidate, task): Probe.stored(json.loads(text)) for candidate, task, text in rows}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _dump(value: Any) -> str:
    # ASCII, so that a lone surrogate in an answer is kept as what it is; SQLite takes only valid UTF-8.
    return json.dumps(asdict(value), ensure_ascii=True)


def _dump_request(request: Request) -> str:
    # Which words of the messages came from which field of the input is read before the model is asked, and not after.
    return json.dumps({name: value for name, value in asdict(request).items() if name != "inserted"})


def _request(text: str) -> Request:
    table = json.loads(text)
    messages = tuple(Message(**message) for message in table.pop("messages"))
    reasoning = tuple(table.pop("reasoning", ()))
    return Request(messages=messages, decoding=Decoding(**table.pop("decoding")), reasoning=reasoning, **table)


def _completion(text: str) -> Completion:
    return Completion(**json.loads(text))
