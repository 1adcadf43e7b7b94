"""Asks a server that is paid for, or shared with others: as fast as it lets us, and patiently.

How many requests are under way follows additive increase and multiplicative decrease (Chiu and Jain, 1989; TCP's
congestion avoidance, RFC 5681): it grows while answers come, and is halved when the server says that they are too many.
What passes is tried again after a pause that doubles and is drawn at random ("full jitter"), or after what the server
asks for (Retry-After).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Condition, Event, Lock
from typing import Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from evalkit._internal.threads import answered
from evalkit.errors import BackendDied, ConfigError, MissingModel, NotAnswered, StoreError
from evalkit.golden.model import Task
from evalkit.models.budget import Budget
from evalkit.models.in_flight import InFlight
from evalkit.models.pricing import Price
from evalkit.models.request import Request, digest_of_fingerprint


class Used(Protocol):
    """An answer that says what it used."""

    @property
    def usage(self) -> Mapping[str, int] | None: ...


Answered = TypeVar("Answered", bound=Used)

Kind = Literal["too many", "passing", "wrong", "too large"]

_START = 4
_LONGEST_PAUSE = 60.0
_NO_KEY = "no-key"
"""What servers that need none are sent: the SDKs want one."""
_FAILURES = 10
"""So many requests must have failed one after the other before a server is given up."""
_TOO_MANY = {429, 503, 529}
_PASSING = {408, 409, 425}
_THEIRS = {"anthropic", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "pydantic", "pydantic_core"}
_UNSENT = {"ConnectError", "ConnectTimeout", "PoolTimeout"}
"""What a connection is called that was never there: of all that goes wrong, this alone has surely cost nothing."""
_BY_NAME: dict[str, Kind] = {
    "insufficient_quota": "wrong",
    "overloaded_error": "too many",
    "rate_limit_error": "too many",
    "rate_limit_exceeded": "too many",
    "invalid_request_error": "wrong",
    "authentication_error": "wrong",
    "permission_error": "wrong",
    "not_found_error": "wrong",
    "billing_error": "wrong",
}
"""What an error is by its name, where that says more than the status: one that comes in the middle of an answer has the
status 200, and a quota that is used up has that of a rush."""


class Cut(Exception):
    """An answer ended before its end. Raised by a backend, caught here."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What came in an answer's place. ``pause`` is what the server asks to wait, in seconds; ``billed`` is true where
    nobody knows whether it was."""

    kind: Kind
    told: str
    status: int | None = None
    pause: float | None = None
    billed: bool = False


def trouble_of(error: Exception) -> Trouble:
    """What ``error``, raised by a vendor's SDK, says of the request. One of our own is raised again."""
    theirs = type(error).__module__.partition(".")[0] in _THEIRS
    if not theirs and not isinstance(error, Cut | OSError | json.JSONDecodeError | UnicodeDecodeError):
        raise error
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    cause = error.__cause__
    told = f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__}: {cause})" if cause else "")
    named = next((_BY_NAME[name] for name in _names(error) if name in _BY_NAME), None)
    if status is None or status < 400:
        # No answer came, or not the whole of it: a connection, a body, or an error in the middle of a stream.
        unsent = _UNSENT & {type(error).__name__, type(cause).__name__}
        return Trouble(named or "passing", told, status, billed=not unsent)
    if status in _TOO_MANY:
        return Trouble("wrong" if named == "wrong" else "too many", told, status, _retry_after(error))
    if status in _PASSING or status >= 500:
        return Trouble("passing", told, status, _retry_after(error))
    return Trouble("too large" if status == 413 else "wrong", told, status)


def _names(error: Exception) -> Iterator[str]:
    """The API's names for an error: the vendors put them below ``code``, ``type``, or both."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    yield from (str(inner.get(key)) for key in ("code", "type") if isinstance(inner, dict))


def _retry_after(error: Exception) -> float | None:
    """The header Retry-After in seconds: a number, or a date (RFC 9110, 10.2.3)."""
    told = getattr(getattr(error, "response", None), "headers", {}).get("retry-after")
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


@dataclass(slots=True)
class Pace:
    """How many requests may be under way. ``most`` is never passed."""

    most: int
    limit: float = _START
    _under_way: int = 0
    _halved: int = 0
    _not_before: float = 0.0
    _changed: Condition = field(default_factory=Condition)

    def __post_init__(self) -> None:
        self.limit = min(self.limit, self.most)

    @contextmanager
    def slot(self, stopped: Event) -> Iterator[int]:
        """Waits until one more request may go; gives the number to hand to ``too_many``. Raises NotAnswered when
        ``stopped``."""
        with self._changed:
            while self._under_way >= max(1, int(self.limit)) or (wait := self._not_before - time.monotonic()) > 0:
                if stopped.is_set():
                    break
                self._changed.wait(min(0.2, wait) if self._under_way < max(1, int(self.limit)) else 0.2)
            if stopped.is_set():
                raise NotAnswered("stopped")
            self._under_way += 1
            seen = self._halved
        try:
            yield seen
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def well(self) -> None:
        """An answer came: one more for every answer until the first time there were too many, then one a round."""
        with self._changed:
            self.limit = min(self.most, self.limit + (1 / self.limit if self._halved else 1))
            self._changed.notify_all()

    def too_many(self, seen: int, pause: float | None) -> None:
        """The server refused. Those that were under way together halve the limit once."""
        with self._changed:
            if seen == self._halved:
                self.limit = max(1.0, self.limit / 2)
                self._halved += 1
            if pause is not None:
                self._not_before = max(self._not_before, time.monotonic() + pause)


@dataclass(slots=True)
class RemoteBackend(Generic[Answered]):
    """A Backend: one model of one vendor, whose answers are ``Answered``.

    ``connect`` makes the vendor's client with the ``key``; ``call`` asks once with it and raises what its SDK raises,
    or ``Cut``, and while an answer comes it calls what it is given, which raises when ``longest`` seconds are over. A
    request is tried ``tries`` times; being too many is no try. When every request has failed for ``patience`` seconds,
    and for the longest wait that was asked for, the server is given up. ``remedies`` are by status. What the ``budget``
    does not allow is left unasked; ``thinking`` are tokens that an answer may have beside the request's limit.

    What is under way when all is stopped is waited for, because it is paid for; when all is killed, ``under_way`` knows
    of it, and it is not asked again.
    """

    name: str
    fingerprint: Mapping[str, Any]
    connect: Callable[[str], Any]
    call: Callable[[Any, Request, Callable[[], None]], Answered]
    key: str
    remedies: Mapping[int, str]
    pace: Pace
    tries: int
    budget: Budget
    price: Price | None
    thinking: int
    longest: float
    under_way: InFlight
    patience: float = 120.0
    pause: float = 0.5
    by_example: bool = False
    constrains: bool = True
    _client: Any = None
    _failures: int = 0
    _failing_since: float = 0.0
    _longest_wait: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answered | Exception]]:
        self._client = self._client or self.connect(self.key)  # before the threads that share it
        self._failures = 0
        wanted = []
        for request in requests:
            if lost := self.under_way.lost(self._key(request), f"{request.example_id}: {self.name}"):
                yield request, lost
            else:
                wanted.append(request)
        with closing(answered(wanted, self._ask, self.pace.most)) as found:  # type: ignore[type-var]
            for request, result in found:
                yield request, result
                self.under_way.end(self._key(request))  # it is stored by now

    def close(self) -> None:
        """Ends the connections; the next ``answer`` makes new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _key(self, request: Request) -> str:
        return request.key(digest_of_fingerprint(self.fingerprint))

    def _ask(self, request: Request, stopped: Event) -> Answered:
        tried = waited = 0
        while True:
            with self.pace.slot(stopped) as seen:
                found = self._once(request, stopped)
                if not isinstance(found, Trouble):
                    self.pace.well()
                    self._failures = 0
                    return found
                if found.kind == "too many":
                    self.pace.too_many(seen, found.pause)
            waited += 1
            tried += found.kind != "too many"
            if found.kind == "wrong":
                raise BackendDied(f"{self.name}: {found.told}. {self.remedies.get(found.status or 0, '')}".rstrip())
            if found.kind == "too large" or tried == self.tries:
                raise NotAnswered(f"{request.example_id}: {self.name}: given up after {tried} tries: {found.told}")
            self._lose_patience(found)
            # Full jitter: those that failed together do not come back together.
            pause = random.uniform(0, min(_LONGEST_PAUSE, self.pause * 2 ** min(waited - 1, 10)))
            if stopped.wait(max(pause, found.pause or 0.0)):
                raise NotAnswered(f"{request.example_id}: stopped")

    def _once(self, request: Request, stopped: Event) -> Answered | Trouble:
        most = self.price.most(request, self.thinking) if self.price else 0.0
        self.budget.reserve(request, most, stopped)
        try:
            self.under_way.begin(self._key(request))
        except StoreError:
            self.budget.release(most)
            raise
        until = time.monotonic() + self.longest

        def in_time() -> None:
            if time.monotonic() > until:
                raise Cut(f"the answer did not come to its end in {self.longest:.0f} s")

        try:
            found = self.call(self._client, request, in_time)
        except Exception as error:
            self.under_way.end(self._key(request))
            try:
                trouble = trouble_of(error)
            except Exception:
                self.budget.write_off(most)
                raise
            (self.budget.write_off if trouble.billed else self.budget.release)(most)
            # A gateway may repeat in its error what it was sent.
            return replace(trouble, told=trouble.told.replace(self.key, "***"))
        self.budget.settle(most, self.price, found.usage)
        return found

    def _lose_patience(self, trouble: Trouble) -> None:
        """Raises BackendDied where nothing comes any more, or the server asks for more time than anybody has."""
        again = "What was answered is kept: run the same command again"
        if (trouble.pause or 0.0) > self.patience:
            raise BackendDied(
                f"{self.name}: the server asks to wait {trouble.pause:.0f} s ({trouble.told}). {again} then"
            )
        with self._lock:
            now = time.monotonic()
            if not self._failures:
                self._failing_since, self._longest_wait = now, 0.0
            self._failures += 1
            self._longest_wait = max(self._longest_wait, trouble.pause or 0.0)
            silent = now - self._failing_since
            if self._failures >= _FAILURES and silent > self.patience + self._longest_wait:
                raise BackendDied(f"{self.name}: nothing was answered for {silent:.0f} s ({trouble.told}). {again}")


def check(spec: object, model: str, task: Task, package: str, settings: Any) -> None:
    """Raises MissingModel without the vendor's ``package``, ConfigError where something can't be asked so."""
    if find_spec(package) is None:
        raise MissingModel(f"{spec} needs the {package} package: pip install 'pytest-evalkit[{package}]'")
    if not model:
        raise ConfigError(f"{spec}: name a model, as in {package}:MODEL")
    for name, least in {"most": 1, "tries": 1, "timeout": 1, "thinking": 0, "poll": 1}.items():
        if getattr(settings, name) < least:
            raise ConfigError(f"{spec}: {name} is {getattr(settings, name)}, expected {least} or more")
    if task.decoding.repeat_penalty != 1:
        raise ConfigError(f"{spec}: the task's repeat_penalty can't be sent: this API has none")


def access(spec: object, vendor: str, home: str, settings: Any) -> tuple[str, str]:
    """Where ``spec`` is asked and with which key, by ``settings.base_url``, ``settings.key`` and the environment.

    A vendor's key goes to its own server and to $VENDOR_BASE_URL; to a ``base_url`` only where ``key`` names it. Raises
    MissingModel without a key that is needed, ConfigError for an address that can't be used.
    """
    url = settings.base_url or os.environ.get(f"{vendor}_BASE_URL") or home
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{spec}: base_url is {url!r}, expected http://... or https://...")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(f"{spec}: base_url has more than scheme, host, port and path; a key belongs into a variable")
    name = settings.key or ("" if settings.base_url else f"{vendor}_API_KEY")
    key = os.environ.get(name, "") if name else ""
    if not key and (settings.key or url == home):
        raise MissingModel(f"{spec}: set {name} to the key of your account")
    return url.rstrip("/"), key or _NO_KEY


def extra_headers(vendor: str) -> dict[str, str]:
    """For the fingerprint: which headers the SDK adds by itself ($VENDOR_CUSTOM_HEADERS), as a digest, because there
    may be secrets among them."""
    told = os.environ.get(f"{vendor}_CUSTOM_HEADERS", "")
    return {"headers": sha256(told.encode()).hexdigest()} if told.strip() else {}


def moving(model: str) -> dict[str, bool]:
    """For the fingerprint: that a name stands for another model from time to time; empty for one that does not."""
    return {"moves": True} if model.endswith("-latest") else {}


def one_by_one(common: Mapping[str, Any], kept: Path, settings: Any) -> dict[str, Any]:
    """What a RemoteBackend has beside what is ``common`` to all ways of asking, by its alias's settings; its notes go
    into the folder ``kept`` where answers are paid for: at a price, or, where none is known, with a key."""
    price: Price | None = common["price"]
    free = common["key"] == _NO_KEY if price is None else price.is_nothing
    return {
        **common,
        "pace": Pace(settings.most),
        "tries": settings.tries,
        "longest": 10.0 * settings.timeout,
        "under_way": InFlight(None if free else kept / "under_way"),
    }
