"""Keeps a request with its server: a prompt, and the key beside it, are not sent on to wherever an answer points."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

Client = TypeVar("Client")


class SentElsewhere(Exception):
    """A server answered with the address of another one."""


def stay(response: Any) -> None:
    """For the event hooks of an httpx client: raises SentElsewhere where ``response`` leads to another server.

    The same host by https, where it was asked by http, is the same server; so is another path of it."""
    if not response.has_redirect_location:
        return
    here = str(response.request.url)
    there = urljoin(here, response.headers["location"])
    before, after = urlsplit(here), urlsplit(there)
    safer = (before.scheme, after.scheme) == ("http", "https") and before.hostname == after.hostname
    if not safer and (before.scheme, before.hostname, before.port) != (after.scheme, after.hostname, after.port):
        place = f"{after.scheme}://{after.netloc}"
        raise SentElsewhere(
            f"{before.netloc} answered {response.status_code}, which leads to {place}. No prompt is sent there "
            f"unasked: if that is the server you mean, name it in the alias"
        )


def staying(kind: type[Client], watch: Callable[[Any], None]) -> Client:
    """An httpx client of an SDK's own ``kind`` that stays with its server; each request is shown to ``watch`` before it
    is sent. As those of the SDKs it is closed when nobody holds it any more."""

    class Staying(kind):  # type: ignore[valid-type,misc]
        def __init__(self) -> None:
            super().__init__(event_hooks={"request": [watch], "response": [stay]})

        def __del__(self) -> None:
            if not getattr(self, "is_closed", True):
                with suppress(Exception):  # the interpreter may be ending
                    self.close()

    return Staying()
