"""What an error of a server says of a request, and how long to wait before it is asked again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Kind = Literal["too many", "passing", "wrong", "too large"]

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
    the request may have been billed all the same."""

    kind: Kind
    message: str
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
    message = f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__}: {cause})" if cause else "")
    named = next((_BY_NAME[name] for name in _names(error) if name in _BY_NAME), None)
    if status is None or status < 400:
        # No answer came, or not the whole of it: a connection, a body, or an error in the middle of a stream.
        unsent = _UNSENT & {type(error).__name__, type(cause).__name__}
        return Trouble(named or "passing", message, status, billed=not unsent)
    if status in _TOO_MANY:
        return Trouble("wrong" if named == "wrong" else "too many", message, status, _retry_after(error))
    if status in _PASSING or status >= 500:
        return Trouble("passing", message, status, _retry_after(error))
    return Trouble("too large" if status == 413 else "wrong", message, status)


def _names(error: Exception) -> Iterator[str]:
    """The API's names for an error: the vendors put them below ``code``, ``type``, or both."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    yield from (str(inner.get(key)) for key in ("code", "type") if isinstance(inner, dict))


def _retry_after(error: Exception) -> float | None:
    """The header Retry-After in seconds: a number, or a date (RFC 9110, 10.2.3)."""
    header = getattr(getattr(error, "response", None), "headers", {}).get("retry-after")
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def pauses(first: float, longest: float, *, jitter: bool = False) -> Iterator[float]:
    """The seconds to wait before each further try, without an end: doubled each time, up to ``longest``.

    With ``jitter`` each is drawn between 0 and that ("full jitter"): those that failed together do not come back
    together.

    >>> from itertools import islice
    >>> list(islice(pauses(0.5, 3.0), 5))
    [0.5, 1.0, 2.0, 3.0, 3.0]
    """
    most = first
    while True:
        yield random.uniform(0, most) if jitter else most
        most = min(longest, 2 * most)
