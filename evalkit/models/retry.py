"""What an error of a server says of a request, and how long to wait before it is asked again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from evalkit._internal.outside_text import cut
from evalkit.models.redirects import SentElsewhere

Kind = Literal["too many", "passing", "wrong", "refused"]
"""Of a request: there are too many, it may be asked again, all like it are wrong, or this one alone is refused."""

_TOO_MANY = {429, 503, 529}
_PASSING = {408, 409, 425}
_OF_THIS_REQUEST = {400, 413, 414, 422, 431}
_THEIRS = {"anthropic", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "pydantic", "pydantic_core"}
_UNSENT = {"ConnectError", "ConnectTimeout", "PoolTimeout"}
"""What a connection is called that was never there: of all that goes wrong, this alone has surely cost nothing."""
_BY_NAME: dict[str, Kind] = {
    "insufficient_quota": "wrong",
    "overloaded_error": "too many",
    "rate_limit_error": "too many",
    "rate_limit_exceeded": "too many",
    "unavailable_error": "passing",
    "server_error": "passing",
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "context_length_exceeded": "refused",
    "exceed_context_size_error": "refused",
    "invalid_request_error": "refused",
    "authentication_error": "wrong",
    "permission_error": "wrong",
    "not_found_error": "wrong",
    "billing_error": "wrong",
}
"""What an error is by its name, where that says more than the status: one that comes in the middle of an answer has the
status 200, and a quota that is used up has that of a rush."""


SHOWN = 200
"""So many characters of a body are shown."""


class Cut(Exception):
    """An answer ended before its end. Raised by a backend, caught here."""


class NotAnAnswer(Exception):
    """A server sent something else in an answer's place. The message shows how the ``body`` begins."""

    def __init__(self, what: str, body: object) -> None:
        shown = beginning(body)
        super().__init__(f"{what}: {shown}" if shown else what)


class ServerError(Exception):
    """An error that a server sent with the status of an answer; ``body`` and ``status_code`` are as an SDK has them."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(f"the server sent an error in the place of an answer: {beginning(body)}")
        self.body = body
        inner = body.get("error")
        codes = [inner.get(key) for key in ("status", "code")] if isinstance(inner, Mapping) else []
        self.status_code = next((code for code in codes if isinstance(code, int) and 400 <= code < 600), None)


def beginning(body: object) -> str:
    """How a body begins, for a person: in quotes, on one line.

    >>> beginning(b"<html>\\n<body>No.")
    "'<html> <body>No.'"
    """
    if isinstance(body, bytes):
        text = body[: 8 * SHOWN].decode("utf-8", "replace")
    else:
        text = body if isinstance(body, str) else json.dumps(body)
    text = " ".join(text.split())
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...") if text else ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What came in an answer's place. ``pause`` is what the server asks to wait, in seconds; ``billed`` is true where
    the request may have been billed all the same."""

    kind: Kind
    message: str
    status: int | None = None
    pause: float | None = None
    billed: bool = False

    @property
    def heard(self) -> bool:
        """Whether a server was there at all."""
        return self.status is not None or self.billed


def trouble_of(error: Exception) -> Trouble:
    """What ``error``, raised by a vendor's SDK, says of the request. One of our own is raised again."""
    theirs = type(error).__module__.partition(".")[0] in _THEIRS
    if isinstance(error, NotAnAnswer):
        return Trouble("wrong", str(error), 200, billed=True)
    for one in (error, error.__cause__):
        if isinstance(one, SentElsewhere):
            return Trouble("wrong", str(one))
    if not theirs and not isinstance(error, Cut | ServerError | OSError | json.JSONDecodeError | UnicodeDecodeError):
        raise error
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else None
    message = _message(error)
    named = next((_BY_NAME[name] for name in _names(error) if name in _BY_NAME), None)
    if status is None or status < 400:
        # No answer came, or not the whole of it: a connection, a body, or an error in the middle of a stream.
        unsent = _UNSENT & {type(error).__name__, type(error.__cause__).__name__}
        unknown: Kind = "wrong" if isinstance(error, ServerError) else "passing"
        status = 200 if isinstance(error, ServerError) and named is None else status
        return Trouble(named or unknown, message, status, billed=not unsent)
    if status in _TOO_MANY:
        return Trouble("wrong" if named == "wrong" else "too many", message, status, _retry_after(error))
    if status in _PASSING or status >= 500:
        return Trouble("passing", message, status, _retry_after(error))
    return Trouble("refused" if status in _OF_THIS_REQUEST else "wrong", message, status)


def _message(error: Exception) -> str:
    """The error in one line, with the beginning of the body that came with it, where its own words don't have that."""
    cause = error.__cause__
    words = f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__}: {cause})" if cause else "")
    shown = cut(words)
    try:
        body = error.response.text  # type: ignore[attr-defined]
    except Exception:
        return shown
    start = " ".join(str(body).split())[:40]
    said = " ".join(words.split())
    return shown if not start or start in said or _says_all(error, said) else f"{shown} ({beginning(body)})"


def _says_all(error: Exception, words: str) -> bool:
    """Whether ``words`` hold what the body of ``error`` says."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    message = inner.get("message") if isinstance(inner, Mapping) else inner
    return isinstance(message, str) and " ".join(message.split()) in words


def is_page(error_message: str) -> bool:
    """Whether what came is a page for people, as a proxy sends it: no API said that."""
    return "<html" in error_message.lower() or "<!doctype" in error_message.lower()


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
