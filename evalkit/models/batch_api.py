"""A vendor's batch endpoint: half the price, and answers within a day. For nightly runs.

What is asked is written down before it is sent, with the batch's name as soon as there is one: a run that is killed
while it waits, or at any other moment, finds its batch again and pays for nothing twice. What a batch did answer is
written down too before anything else happens to it, because the run that asked may not be the one that reads it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from evalkit._internal.files import write_atomically
from evalkit.errors import BackendDied, NotAnswered, StoreError, Unasked
from evalkit.models.budget import Budget
from evalkit.models.pricing import Price
from evalkit.models.request import Request, digest_of_fingerprint
from evalkit.models.vendor import Trouble, Used, trouble_of

Answered = TypeVar("Answered", bound=Used)
Answers = TypeVar("Answers", bound=Used, covariant=True)
Result = TypeVar("Result")

_LARGEST = 10_000
"""Requests in one batch: no vendor takes fewer, and their limits of size are far."""
_SKEW = timedelta(minutes=10)
"""By so much a vendor's clock may be behind ours."""
_LISTED = 30.0
"""Seconds after which a vendor lists what it was sent."""
_PATIENCE = 600.0
"""Seconds without an answer after which a vendor is given up; the batch goes on without us."""


class Refused(BackendDied):
    """A vendor took a batch and then refused all of it: nothing of it is paid for."""


class _Wrong(BackendDied):
    """A vendor does not take what was asked of it, and will not."""


class Vendor(Protocol[Answers]):
    """What is different from vendor to vendor. Each call is made with the SDK's client, and raises what that raises."""

    def submit(self, client: Any, name: str, asked: Mapping[str, Request]) -> str:
        """Sends a batch that we call ``name``, its requests by key; gives the vendor's name of it."""
        ...

    def ended(self, client: Any, batch: str) -> bool:
        """Whether nothing of ``batch`` is still to come. Raises Refused where all of it was."""
        ...

    def results(self, client: Any, batch: str) -> Iterator[tuple[str, Answers | str]]:
        """By key what was answered, or why it was not. Keys that are left out were not answered."""
        ...

    def recent(self, client: Any, name: str, count: int, since: datetime) -> Iterator[str]:
        """Batches made after ``since`` that may be the one of ``count`` requests that we call ``name``."""
        ...


@dataclass(slots=True)
class BatchRecord:
    """What is known of one batch, in a file of its own. ``batch`` is the vendor's name, empty while nobody knows
    whether it was sent; ``answers`` are there once it has ended."""

    path: Path
    name: str
    made: str
    keys: list[str]
    batch: str = ""
    answers: dict[str, dict[str, Any]] | None = None

    @classmethod
    def read(cls, path: Path) -> BatchRecord:
        try:
            return cls(path=path, **json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path}: can't be read ({error}). It tells of a batch that was paid for; take the file away only if "
                f"that may be paid for again"
            ) from error

    def save(self) -> None:
        """Writes the note, whole or not at all, and waits until it is on disk."""
        kept = {name: value for name, value in asdict(self).items() if name != "path"}
        try:
            write_atomically(self.path, json.dumps(kept), sync=True)
        except OSError as error:
            raise StoreError(f"{self.path}: can't be written: {error}. Nothing more is sent without it") from error


@dataclass(slots=True)
class BatchBackend(Generic[Answered]):
    """A Backend: one model of one vendor, asked by batches. ``folder`` is where its notes are, ``poll`` the seconds
    between two looks at a batch. ``kind`` is the class of an answer, a dataclass of what JSON can say. The rest is as
    in ``RemoteBackend``."""

    name: str
    fingerprint: Mapping[str, Any]
    connect: Callable[[str], Any]
    vendor: Vendor[Answered]
    kind: Callable[..., Answered]
    key: str
    remedies: Mapping[int, str]
    budget: Budget
    price: Price | None
    thinking: int
    folder: Path
    poll: float
    by_example: bool = False
    constrains: bool = True
    interactive: bool = False
    pause: float = 1.0
    _client: Any = None
    _held: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.price is not None:
            self.price = self.price.in_batch()

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answered | Exception]]:
        self._client = self._client or self.connect(self.key)
        mark = digest_of_fingerprint(self.fingerprint)
        wanted = {request.key(mark): request for request in requests}
        try:
            yield from self._all(mark, wanted)
        finally:
            while self._held:  # sent, and not heard of: it may be paid for all the same
                self.budget.write_off(self._held.popitem()[1])

    def _all(self, mark: str, wanted: dict[str, Request]) -> Iterator[tuple[Request, Answered | Exception]]:
        for note in self._notes(mark):
            if wanted.keys() & set(note.keys):
                yield from self._settled(note, wanted)
        while wanted:
            sent: list[BatchRecord] = []
            unasked: dict[str, Unasked] = {}
            while batch := self._affordable(wanted, unasked):
                sent.append(self._sent(mark, batch))
            yield from ((wanted.pop(key), error) for key, error in unasked.items())
            for note in sent:
                yield from self._settled(note, wanted)
            if not sent and not unasked:
                raise BackendDied(f"{self.name}: {len(wanted)} requests are left that no batch has room for")

    def close(self) -> None:
        """Ends the connection. A batch that is under way goes on."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # -- what is sent -------------------------------------------------------------------------------

    def _affordable(self, wanted: Mapping[str, Request], unasked: dict[str, Unasked]) -> dict[str, Request]:
        """The next batch of what is ``wanted``: as much as may be spent now. ``unasked`` takes what never may be."""
        now = Event()
        now.set()  # nobody waits here for what is held back: it is given free by the batch that is sent first
        chosen: dict[str, Request] = {}
        for key, request in wanted.items():
            if key in self._held or key in unasked or len(chosen) == _LARGEST:
                continue
            most = self.price.most(request, self.thinking) if self.price else 0.0
            try:
                self.budget.reserve(request, most, now)
            except Unasked as error:
                unasked[key] = error
            except NotAnswered:
                continue
            else:
                self._held[key], chosen[key] = most, request
        return chosen

    def _sent(self, mark: str, batch: Mapping[str, Request]) -> BatchRecord:
        name, made = uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds")
        note = BatchRecord(self.folder / f"{mark[:16]}-{name}.json", name, made, list(batch))
        note.save()
        note.batch = self._submit(note, batch)
        note.save()
        return note

    def _submit(self, note: BatchRecord, batch: Mapping[str, Request]) -> str:
        """Sends the batch of ``note``, once: what was cut off may have arrived, so from then on it is looked for each
        time before it is sent again."""
        doubts: list[Trouble] = []

        def send() -> str:
            return (self._found(note) if doubts else None) or self.vendor.submit(self._client, note.name, batch)

        def doubt(trouble: Trouble) -> None:
            if trouble.status is None or trouble.status >= 500:
                doubts.append(trouble)

        try:
            return self._patiently(send, doubt)
        except _Wrong:
            if not doubts:
                self._forget(note)
            raise

    def _forget(self, note: BatchRecord) -> None:
        """Of a batch that nobody will be paid for."""
        note.path.unlink(missing_ok=True)
        for key in note.keys:
            self.budget.release(self._held.pop(key, 0.0))

    def _found(self, note: BatchRecord) -> str | None:
        """The vendor's name of the batch of ``note``, which was sent by a run that did not live to hear it; None where
        it never arrived."""
        since = datetime.fromisoformat(note.made) - _SKEW
        for batch in self._patiently(lambda: list(self.vendor.recent(self._client, note.name, len(note.keys), since))):
            try:
                found = self._results(batch)
            except Refused:
                continue
            if found and found.keys() <= set(note.keys):
                return batch
        return None

    # -- what comes back ----------------------------------------------------------------------------

    def _notes(self, mark: str) -> list[BatchRecord]:
        """What earlier runs have left, the oldest first. A batch that never arrived is forgotten."""
        notes = sorted(
            (BatchRecord.read(path) for path in self.folder.glob(f"{mark[:16]}-*.json")), key=lambda note: note.made
        )
        for note in notes:
            if not note.batch:
                note.batch = self._found(note) or self._found_in_time(note) or ""
                if note.batch:
                    note.save()
                else:
                    note.path.unlink()
        return [note for note in notes if note.batch]

    def _found_in_time(self, note: BatchRecord) -> str | None:
        """The same once more, when a batch that was sent just before has had the time to be listed."""
        age = (datetime.now(UTC) - datetime.fromisoformat(note.made)).total_seconds()
        if age >= _LISTED:
            return None
        time.sleep(_LISTED - age)
        return self._found(note)

    def _settled(self, note: BatchRecord, wanted: dict[str, Request]) -> Iterator[tuple[Request, Answered | Exception]]:
        """Waits for the batch of ``note`` and hands over what is ``wanted`` of it, which is then wanted no more."""
        failed: dict[str, str] = {}
        if note.answers is None:
            found = self._read(note)
            note.answers = {
                key: asdict(result)  # type: ignore[call-overload]
                for key, result in found.items()
                if not isinstance(result, str)
            }
            failed = {
                key: f"{note.batch}: {found.get(key, 'the batch has no answer to it')}"
                for key in note.keys
                if key not in note.answers
            }
            note.keys = list(note.answers)
            note.save()
        taken = wanted.keys() & note.answers.keys()
        for key, answer in note.answers.items():
            if key in taken:
                completion = self.kind(**answer)
                self.budget.settle(self._held.pop(key, 0.0), self.price, completion.usage)
                yield wanted.pop(key), completion
        for key, reason in failed.items():
            self.budget.release(self._held.pop(key, 0.0))
            if key in wanted:
                request = wanted.pop(key)
                yield request, NotAnswered(f"{request.example_id}: {self.name}: {reason}")
        # What was taken is stored by now. The rest is for another run, which will look for it here.
        note.answers = {key: answer for key, answer in note.answers.items() if key not in taken}
        note.keys = list(note.answers)
        if note.answers:
            note.save()
        else:
            note.path.unlink(missing_ok=True)

    def _read(self, note: BatchRecord) -> dict[str, Answered | str]:
        try:
            return self._results(note.batch)
        except Refused:
            self._forget(note)
            raise
        except _Wrong as error:
            raise BackendDied(
                f"{error} If the batch {note.batch} is not to be had any more, take {note.path} away: then it is sent, "
                f"and paid for, again"
            ) from error

    def _results(self, batch: str) -> dict[str, Answered | str]:
        while not self._patiently(lambda: self.vendor.ended(self._client, batch)):
            time.sleep(self.poll)
        return self._patiently(lambda: dict(self.vendor.results(self._client, batch)))

    def _patiently(self, ask: Callable[[], Result], heard: Callable[[Trouble], None] = lambda _: None) -> Result:
        """What ``ask`` gives, tried again while that may help; ``heard`` is told of each failure."""
        begun, pause = time.monotonic(), self.pause
        while True:
            try:
                return ask()
            except Exception as error:
                trouble = trouble_of(error)
            heard(trouble)
            told = trouble.told.replace(self.key, "***")
            if trouble.kind in ("wrong", "too large"):
                raise _Wrong(f"{self.name}: {told}. {self.remedies.get(trouble.status or 0, '')}".rstrip())
            if time.monotonic() - begun > _PATIENCE:
                raise BackendDied(
                    f"{self.name}: nothing was answered for {_PATIENCE:.0f} s ({told}). A batch that was sent goes on "
                    f"without us: run the same command again"
                )
            time.sleep(max(pause, trouble.pause or 0.0))
            pause = min(60.0, 2 * pause)


def in_batches(common: Mapping[str, Any], kept: Path, settings: Any) -> dict[str, Any]:
    """What a BatchBackend has beside what is ``common`` to all ways of asking, by its alias's settings; its notes go
    into the folder ``kept``."""
    return {**common, "folder": kept / "batches", "poll": float(settings.poll)}
