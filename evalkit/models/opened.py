"""A model of a session: an alias opened for a task, with the keys of its answers and how it is held to a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evalkit._internal.files import text_digest
from evalkit.golden.model import Task
from evalkit.models.alias import Alias
from evalkit.models.backend import Backend, Completion
from evalkit.models.constraint.breach import breach as breach_of
from evalkit.models.constraint.envelope import unwrapped
from evalkit.models.constraint.held import Held
from evalkit.models.pricing import Price
from evalkit.models.request import Request, asking_digest, canonical


@dataclass(frozen=True, slots=True)
class Model:
    """An alias opened for a task: a backend with its fingerprint's digest. ``held`` is how it is held to the task's
    schema, None where it is not, or where nobody knows (recorded answers)."""

    alias: Alias
    task: Task
    spec: str
    backend: Backend
    fingerprint: str
    held: Held | None = None
    _keys: dict[Request, str] = field(default_factory=dict, repr=False, compare=False)
    _breaches: list[str] = field(default_factory=list, repr=False, compare=False)

    @property
    def candidate(self) -> str:
        """A digest of which model it is and of how it is asked (sha256, hex)."""
        # The dialect of its schema, where that is another than the task's own.
        sent = "" if self.held is None or self.held.sent == self.task.schema else f" {json.dumps(self.held.sent)}"
        return text_digest(f"{self.fingerprint} {asking_digest(self.task, self.alias.asking)}{sent}")

    def is_sold(self, prices: Mapping[str, Price]) -> bool:
        """Whether each of its answers costs money: at its price, else where its backend is asked with a key."""
        price = prices.get(self.spec)
        return bool(getattr(self.backend, "sold", False)) if price is None else not price.is_nothing

    def key(self, request: Request) -> str:
        """Where the answer to ``request`` is stored, computed once. No other model ever answers for it."""
        if request not in self._keys:
            by_example = canonical([self.fingerprint, request.example_id])
            sent = self.as_sent(request)
            self._keys[request] = sent.key(by_example if self.backend.by_example else self.fingerprint)
        return self._keys[request]

    def first_breach(self, request: Request, result: Completion | Exception) -> str:
        """That an answer shows that nothing holds this model to its schema, told once; empty where it does not."""
        if self.held is None or request.schema is None or isinstance(result, Exception) or self._breaches:
            return ""
        if (why := breach_of(result, self.held.obeyed, request.reasoning)) is None:
            return ""
        self._breaches.append(why)
        return (
            f"{self.alias.name} was asked with constrained = true, and does not obey: {request.example_id}: {why}. "
            f"Nothing will be decided against it"
        )

    def without_envelope(self, completion: Completion) -> Completion:
        """``completion`` as it is stored: without the object that its answer had to come in."""
        if self.held is None or not self.held.enveloped:
            return completion
        return replace(completion, text=unwrapped(completion.text))

    def as_sent(self, request: Request) -> Request:
        """``request`` with the schema that its backend is asked with in the place of the task's."""
        if request.schema is None or self.held is None:
            return request
        return replace(request, schema=self.held.sent)
