"""Asks a server that is paid for, or shared with others, request by request: as fast as it lets us, and patiently.

How many requests are in flight is for ``Pace`` to say. A request that failed in a way that passes is tried again after
one of the ``pauses``, or after what the server asks for (Retry-After).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event, Lock
from typing import Any, Protocol

from evalkit._internal.threads import in_threads
from evalkit.errors import BackendDied, NotAnswered, StoreError
from evalkit.models.backend import Completion
from evalkit.models.budget import Budget
from evalkit.models.constraint.held import Held, as_it_is
from evalkit.models.in_flight import InFlight
from evalkit.models.pace import Pace
from evalkit.models.pricing import Price
from evalkit.models.refusals import Refusals
from evalkit.models.request import Request, digest_of_fingerprint
from evalkit.models.retry import Trouble, is_page, pauses, trouble_of

_LONGEST_PAUSE = 60.0
_FAILURES = 10
"""So many requests must have failed one after the other before a server is given up."""
_PATIENCE, _PAID_PATIENCE = 10.0, 60.0
"""Seconds that answers under way are waited for when all is stopped; the second where they may be paid for."""


_UNHEARD = 3
"""So many tries to reach a server that was never heard before it is taken not to be there."""


class Connection(Protocol):
    """One model over a vendor's SDK: the part that differs from vendor to vendor.

    Each call raises what the SDK raises. The last four are for the vendor's batch endpoint.
    """

    def ask(self, request: Request) -> Completion:
        """One answer. Raises ``Cut`` where it ends before its end, or does not come to it in time."""
        ...

    def cut(self) -> None:
        """Ends what is under way in other threads, so that each of them hears an error."""
        ...

    def close(self) -> None:
        """Ends the SDK's connections."""
        ...

    def submit(self, name: str, requests: Mapping[str, Request]) -> str:
        """Sends a batch that we call ``name``, its requests by key; gives the vendor's name of it."""
        ...

    def ended(self, batch: str) -> bool:
        """Whether nothing of ``batch`` is still to come. Raises Refused where all of it was."""
        ...

    def results(self, batch: str) -> Iterator[tuple[str, Completion | str]]:
        """By key what was answered, or why it was not. Keys that are left out were not answered."""
        ...

    def recent(self, name: str, count: int, since: datetime) -> Iterator[str]:
        """Batches made after ``since`` that may be the one of ``count`` requests that we call ``name``."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """One model of one vendor, however it is asked.

    ``remedies`` say what to do, by the status of a refusal. What the ``budget`` does not allow is left unasked.
    ``reasoning_tokens`` are tokens that an answer may have beside the request's limit. ``sold`` is whether anybody can
    be billed for them.
    """

    name: str
    fingerprint: Mapping[str, Any]
    connect: Callable[[], Connection]
    key: str = field(repr=False)
    remedies: Mapping[int, str]
    budget: Budget
    price: Price | None
    reasoning_tokens: int
    sold: bool = True
    hold: Callable[[Mapping[str, Any]], Held] = as_it_is

    @property
    def digest(self) -> str:
        """The fingerprint's, which is in the key of every answer."""
        return digest_of_fingerprint(self.fingerprint)

    def most(self, request: Request) -> float:
        """What the answer to ``request`` can cost at most, in US dollars; 0 where no price is known."""
        return self.price.most(request, self.reasoning_tokens) if self.price else 0.0

    def hide_key(self, text: str) -> str:
        """``text`` without the key: a gateway may repeat in its error what it was sent."""
        return text.replace(self.key, "***")

    def remedy(self, trouble: Trouble) -> str:
        """What to do about ``trouble``; empty where nobody knows."""
        if trouble.status != 200 and is_page(trouble.message):
            return "No API says that: a proxy or a gateway on the way answered with a page of its own."
        return self.remedies.get(trouble.status or 0, "")


@dataclass(slots=True)
class RemoteBackend:
    """A Backend: a vendor's model, asked request by request.

    A request is tried ``tries`` times; being too many is no try. One that is refused concerns its example, until so
    many were refused with the same words, and none answered, that it is about all of them. When every request has
    failed for ``patience`` seconds, and for the longest wait that was asked for, the server is given up.

    What is in flight when all is stopped is waited for, because it is paid for; when all is killed, ``in_flight`` knows
    of it, and it is not asked again.
    """

    model: RemoteModel
    pace: Pace
    tries: int
    in_flight: InFlight
    patience: float = 120.0
    pause: float = 0.5
    by_example: bool = False
    constrains: bool = True
    templated: bool = True
    _connection: Connection | None = None
    _reached: bool = False
    """Whether anything ever came from the server; one that never said a word is most likely not there."""
    _cut_off: bool = False
    """Whether all is stopped, and what was under way for too long ended by us."""
    _failures: int = 0
    _refusals: Refusals = field(default_factory=Refusals)
    _failing_since: float = 0.0
    _longest_wait: float = 0.0
    _lock: Lock = field(default_factory=Lock)

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

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        connection = self._connection = self._connection or self.model.connect()  # before the threads that share it
        self._failures, self._cut_off = 0, False
        self._refusals.begin()
        digest = self.model.digest
        to_ask: list[tuple[str, Request]] = []
        for request in requests:
            key = request.key(digest)
            if lost := self.in_flight.lost(key, f"{request.example_id}: {self.model.name}"):
                yield request, lost
            else:
                to_ask.append((key, request))

        def ask(question: tuple[str, Request], stopped: Event) -> Completion:
            return self._ask(connection, *question, stopped)

        def cut() -> None:
            self._cut_off = True
            connection.cut()

        patience = _PAID_PATIENCE if self.model.sold else _PATIENCE
        asked = in_threads(to_ask, ask, self.pace.most, patience=patience, cut=cut)
        with closing(asked) as answers:  # type: ignore[type-var]
            for (key, request), result in answers:
                yield request, result
                self.in_flight.end(key)  # it is stored by now

    def close(self) -> None:
        """Ends the connections; the next ``answer`` makes new ones."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, connection: Connection, key: str, request: Request, stopped: Event) -> Completion:
        """The answer to ``request``, tried again while that may help."""
        name, tried = self.model.name, 0
        for pause in pauses(self.pause, _LONGEST_PAUSE, jitter=True):
            with self.pace.slot(stopped) as halved_before:
                result = self._try(connection, key, request, stopped)
                if not isinstance(result, Trouble):
                    self.pace.well()
                    self._failures, self._reached = 0, True
                    self._refusals.answered()
                    return result
                if result.kind == "too many":
                    self.pace.too_many(halved_before, result.pause)
            tried += result.kind != "too many"
            self._reached = self._reached or result.heard
            if not self._reached and tried == _UNHEARD:
                raise BackendDied(f"{name}: no server answers ({result.message}). Start it, or mend base_url")
            if result.kind == "wrong" or (result.kind == "refused" and self._refusals.concern_all(result.message)):
                raise BackendDied(f"{name}: {result.message}. {self.model.remedy(result)}".rstrip())
            if result.kind == "refused":
                raise NotAnswered(f"{request.example_id}: {name}: the server refuses this request: {result.message}")
            if tried == self.tries:
                times = "1 try" if tried == 1 else f"{tried} tries"
                raise NotAnswered(f"{request.example_id}: {name}: given up after {times}: {result.message}")
            self._lose_patience(result)
            if stopped.wait(max(pause, result.pause or 0.0)):
                break
        raise NotAnswered(f"{request.example_id}: stopped")

    def _try(self, connection: Connection, key: str, request: Request, stopped: Event) -> Completion | Trouble:
        """One try, on the budget and with a note as long as it is in flight."""
        budget, most = self.model.budget, self.model.most(request)
        budget.reserve(request, most, stopped)
        try:
            self.in_flight.begin(key)
        except StoreError:
            budget.release(most)
            raise
        try:
            completion = connection.ask(request)
        except Exception as error:
            try:
                trouble = trouble_of(error)
            except Exception:
                self.in_flight.end(key)
                budget.write_off(most)
                raise
            if not (self._cut_off and trouble.billed):  # what we cut off may have been answered, and paid for
                self.in_flight.end(key)
            if trouble.billed:
                budget.write_off(most)
            else:
                budget.release(most)
            return replace(trouble, message=self.model.hide_key(trouble.message))
        budget.settle(most, self.model.price, completion.usage)
        return completion

    def _lose_patience(self, trouble: Trouble) -> None:
        """Raises BackendDied where nothing comes any more, or the server asks for more time than anybody has."""
        name, again = self.model.name, "What was answered is kept: run the same command again"
        if (trouble.pause or 0.0) > self.patience:
            raise BackendDied(
                f"{name}: the server asks to wait {trouble.pause:.0f} s ({trouble.message}). {again} then"
            )
        with self._lock:
            now = time.monotonic()
            if not self._failures:
                self._failing_since, self._longest_wait = now, 0.0
            self._failures += 1
            self._longest_wait = max(self._longest_wait, trouble.pause or 0.0)
            silent = now - self._failing_since
            if self._failures >= _FAILURES and silent > self.patience + self._longest_wait:
                raise BackendDied(f"{name}: nothing was answered for {silent:.0f} s ({trouble.message}). {again}")
