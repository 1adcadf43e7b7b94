"""A vendor's batch endpoint: half the price, and answers within a day. For nightly runs.

What is asked is written down before it is sent, with the batch's name as soon as there is one: a run that is killed
while it waits, or at any other moment, finds its batch again and pays for nothing twice. What a batch did answer is
written down too before anything else happens to it, because the run that asked may not be the one that reads it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from evalkit._internal.counts import counted
from evalkit.errors import BackendDied, NotAnswered, Unasked
from evalkit.models.backend import Completion
from evalkit.models.batch_record import BatchRecord
from evalkit.models.constraint.held import Held
from evalkit.models.remote import Connection, RemoteModel
from evalkit.models.request import Request
from evalkit.models.retry import Trouble, pauses, trouble_of

Result = TypeVar("Result")

_LARGEST = 10_000
"""Requests in one batch: no vendor takes fewer, and their limits of size are far."""
_SKEW = timedelta(minutes=10)
"""By so much a vendor's clock may be behind ours."""
_LISTED = timedelta(seconds=30)
"""Time after which a vendor lists what it was sent."""
_PATIENCE = 600.0
"""Seconds without an answer after which a vendor is given up; the batch goes on without us."""
_LONGEST_PAUSE = 60.0


class Refused(BackendDied):
    """A vendor took a batch and then refused all of it: nothing of it is paid for."""


class _Wrong(BackendDied):
    """A vendor does not take what was asked of it, and will not."""


@dataclass(slots=True)
class BatchBackend:
    """A Backend: a vendor's model, asked by batches.

    ``folder`` is where their records are, ``poll`` the seconds between two looks at a batch.
    """

    model: RemoteModel
    folder: Path
    poll: float
    by_example: bool = False
    constrains: bool = True
    templated: bool = True
    interactive: bool = False
    pause: float = 1.0
    _open: Connection | None = None
    _reserved: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.model.price is not None:
            self.model = replace(self.model, price=self.model.price.in_batch())

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        return self.model.fingerprint

    def held(self, schema: Mapping[str, Any]) -> Held:
        """How an answer is held to ``schema``. Raises ConfigError where it can't be."""
        return self.model.hold(schema)

    @property
    def sold(self) -> bool:
        """Whether each answer costs money."""
        return self.model.sold

    @property
    def _connection(self) -> Connection:
        if self._open is None:
            self._open = self.model.connect()
        return self._open

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        digest = self.model.digest
        wanted = {request.key(digest): request for request in requests}
        try:
            yield from self._answer_all(digest, wanted)
        finally:
            while self._reserved:  # sent, and not heard of: it may be paid for all the same
                self.model.budget.write_off(self._reserved.popitem()[1])

    def _answer_all(self, digest: str, wanted: dict[str, Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        for record in self._left_behind(digest):
            if wanted.keys() & set(record.keys):
                yield from self._take(record, wanted)
        while wanted:
            sent: list[BatchRecord] = []
            unasked: dict[str, Unasked] = {}
            while batch := self._affordable(wanted, unasked):
                sent.append(self._send(digest, batch))
            yield from ((wanted.pop(key), error) for key, error in unasked.items())
            for record in sent:
                yield from self._take(record, wanted)
            if not sent and not unasked:
                left = counted(len(wanted), "request", ("is", "are"))
                raise BackendDied(f"{self.model.name}: {left} left that no batch has room for")

    def close(self) -> None:
        """Ends the connection. A batch that is in flight goes on."""
        if self._open is not None:
            self._open.close()
            self._open = None

    # -- what is sent -------------------------------------------------------------------------------

    def _affordable(self, wanted: Mapping[str, Request], unasked: dict[str, Unasked]) -> dict[str, Request]:
        """The next batch of what is ``wanted``: as much as may be spent now. ``unasked`` takes what never may be."""
        now = Event()
        now.set()  # nobody waits here for what is reserved: it is released by the batch that is sent first
        chosen: dict[str, Request] = {}
        for key, request in wanted.items():
            if key in self._reserved or key in unasked or len(chosen) == _LARGEST:
                continue
            most = self.model.most(request)
            try:
                self.model.budget.reserve(request, most, now)
            except Unasked as error:
                unasked[key] = error
            except NotAnswered:
                continue
            else:
                self._reserved[key], chosen[key] = most, request
        return chosen

    def _send(self, digest: str, batch: Mapping[str, Request]) -> BatchRecord:
        record = BatchRecord.new(self.folder, digest, batch)
        record.save()
        record.batch = self._submit(record, batch)
        record.save()
        return record

    def _submit(self, record: BatchRecord, batch: Mapping[str, Request]) -> str:
        """Sends the batch of ``record``, once: what was cut off may have arrived, so from then on it is looked for each
        time before it is sent again."""
        doubts: list[Trouble] = []

        def send() -> str:
            arrived = self._find(record) if doubts else None
            return arrived or self._connection.submit(record.name, batch)

        def doubt(trouble: Trouble) -> None:
            if trouble.status is None or trouble.status >= 500:
                doubts.append(trouble)

        try:
            return self._patiently(send, doubt)
        except _Wrong:
            if not doubts:
                self._forget(record)
            raise

    def _forget(self, record: BatchRecord) -> None:
        """Drops the record of a batch that costs nothing, and what was reserved for it."""
        record.path.unlink(missing_ok=True)
        for key in record.keys:
            self.model.budget.release(self._reserved.pop(key, 0.0))

    def _find(self, record: BatchRecord) -> str | None:
        """The vendor's name of the batch of ``record``, whose sender did not live to hear it; None where it never
        arrived."""
        since = datetime.fromisoformat(record.made) - _SKEW
        recent = self._patiently(lambda: list(self._connection.recent(record.name, len(record.keys), since)))
        for batch in recent:
            try:
                results = self._results(batch)
            except Refused:
                continue
            if results and results.keys() <= set(record.keys):
                return batch
        return None

    # -- what comes back ----------------------------------------------------------------------------

    def _left_behind(self, digest: str) -> list[BatchRecord]:
        """What earlier runs have sent, the oldest first. A batch that never arrived is forgotten."""
        records = BatchRecord.all(self.folder, digest)
        for record in records:
            if not record.batch:
                record.batch = self._find(record) or self._find_once_listed(record) or ""
                if record.batch:
                    record.save()
                else:
                    record.path.unlink()
        return [record for record in records if record.batch]

    def _find_once_listed(self, record: BatchRecord) -> str | None:
        """Looks once more, when a batch that was sent just before has had the time to be listed."""
        age = record.age
        if age >= _LISTED:
            return None
        time.sleep((_LISTED - age).total_seconds())
        return self._find(record)

    def _take(
        self, record: BatchRecord, wanted: dict[str, Request]
    ) -> Iterator[tuple[Request, Completion | Exception]]:
        """Waits for the batch of ``record`` and hands over what is ``wanted`` of it, which is then wanted no more."""
        failed: dict[str, str] = {}
        if record.answers is None:
            results = self._read(record)
            record.answers = {key: asdict(result) for key, result in results.items() if isinstance(result, Completion)}
            failed = {
                key: f"{record.batch}: {results.get(key, 'the batch has no answer to it')}"
                for key in record.keys
                if key not in record.answers
            }
            record.keys = list(record.answers)
            record.save()
        taken = wanted.keys() & record.answers.keys()
        for key, answer in record.answers.items():
            if key in taken:
                completion = Completion(**answer)
                self.model.budget.settle(self._reserved.pop(key, 0.0), self.model.price, completion.usage)
                yield wanted.pop(key), completion
        for key, reason in failed.items():
            self.model.budget.release(self._reserved.pop(key, 0.0))
            if key in wanted:
                request = wanted.pop(key)
                yield request, NotAnswered(f"{request.example_id}: {self.model.name}: {reason}")
        # What was taken is stored by now. The rest is for another run, which will look for it here.
        record.answers = {key: answer for key, answer in record.answers.items() if key not in taken}
        record.keys = list(record.answers)
        if record.answers:
            record.save()
        else:
            record.path.unlink(missing_ok=True)

    def _read(self, record: BatchRecord) -> dict[str, Completion | str]:
        try:
            return self._results(record.batch)
        except Refused:
            self._forget(record)
            raise
        except _Wrong as error:
            raise BackendDied(
                f"{error} If the batch {record.batch} is not to be had any more, take {record.path} away: then it is "
                f"sent, and paid for, again"
            ) from error

    def _results(self, batch: str) -> dict[str, Completion | str]:
        while not self._patiently(lambda: self._connection.ended(batch)):
            time.sleep(self.poll)
        return self._patiently(lambda: dict(self._connection.results(batch)))

    def _patiently(self, ask: Callable[[], Result], heard: Callable[[Trouble], None] = lambda _: None) -> Result:
        """What ``ask`` gives, tried again while that may help; ``heard`` is told of each failure."""
        begun, all_pauses = time.monotonic(), pauses(self.pause, _LONGEST_PAUSE)
        while True:
            try:
                return ask()
            except Exception as error:
                trouble = trouble_of(error)
            heard(trouble)
            name, message = self.model.name, self.model.hide_key(trouble.message)
            if trouble.kind in ("wrong", "refused"):
                raise _Wrong(f"{name}: {message}. {self.model.remedy(trouble)}".rstrip())
            if time.monotonic() - begun > _PATIENCE:
                raise BackendDied(
                    f"{name}: nothing was answered for {_PATIENCE:.0f} s ({message}). A batch that was sent goes on "
                    f"without us: run the same command again"
                )
            time.sleep(max(next(all_pauses), trouble.pause or 0.0))
