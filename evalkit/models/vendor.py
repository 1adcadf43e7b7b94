"""Opens a vendor's model: all that the backends of vendors have in common, so that each tells only its own part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.models.account import Account, VendorSettings, moving
from evalkit.models.backend import Backend, Opening
from evalkit.models.batch_api import BatchBackend
from evalkit.models.constraint.held import Held, as_it_is
from evalkit.models.in_flight import InFlight
from evalkit.models.pace import Pace
from evalkit.models.remote import Connection, RemoteBackend, RemoteModel


@dataclass(frozen=True, slots=True)
class Wire:
    """What one vendor's API has that others don't.

    ``fingerprint`` and ``decoding`` are what shapes its answers beside what every vendor has: ``decoding`` is what the
    sampler does that no request says. ``remedies`` say what to do, by the status of a refusal. ``hold`` says how it is
    held to a schema.
    """

    engine: str
    connect: Callable[[], Connection]
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    decoding: Mapping[str, Any] = field(default_factory=dict)
    remedies: Mapping[int, str] = field(default_factory=dict)
    hold: Callable[[Mapping[str, Any]], Held] = as_it_is


def open_vendor(opening: Opening, settings: VendorSettings, account: Account, wire: Wire) -> Backend:
    """A backend on ``account`` over ``wire``: one that asks by batches where the alias says so. Nothing is sent."""
    spec = opening.spec
    drawn = {} if settings.sampling else {"sampling": "the vendor's own"}
    model = RemoteModel(
        name=str(spec),
        fingerprint={
            "engine": wire.engine,
            "model": spec.place,
            "url": account.url,
            "decoding": {**drawn, **wire.decoding},
            **moving(spec.place),
            **wire.fingerprint,
            **opening.template.fingerprint,
        },
        connect=wire.connect,
        key=account.key,
        remedies={
            200: f"Check base_url ({account.url}): an address that is a little off is answered like this.",
            401: f"Check {account.key_name}.",
            403: "This key may not use this model.",
            404: f"There is no model {spec.place!r} at {account.url}.",
            **wire.remedies,
        },
        budget=opening.budget,
        price=opening.budget.price(str(spec)),
        reasoning_tokens=settings.reasoning_tokens,
        sold=not account.needs_no_key,
        hold=wire.hold,
    )
    if settings.batch:
        return BatchBackend(model, folder=opening.kept / "batches", poll=float(settings.poll))
    # Answers are paid for at a price, or, where none is known, with a key. Only then notes are taken.
    free = account.needs_no_key if model.price is None else model.price.is_nothing
    return RemoteBackend(
        model,
        pace=Pace(settings.most),
        tries=settings.tries,
        # The folder's name is older than this code: what killed runs have left there must be found.
        in_flight=InFlight(None if free else opening.kept / "under_way"),
    )
