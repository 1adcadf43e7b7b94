"""Drives backends: asks what the store does not have yet, and stores each answer as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from evalkit._internal.interruption import keeping
from evalkit.errors import StoreError, TooLong, Unasked, describe_error
from evalkit.models.backend import Completion
from evalkit.models.budget import Budget
from evalkit.models.cache import Store
from evalkit.models.context import none_fits
from evalkit.models.latency import NextAttempt, probe, spread
from evalkit.models.opened import Model
from evalkit.models.request import Request


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one model is: ``done`` of ``total`` requests have an answer, or an error."""

    alias: str
    task: str
    done: int
    total: int
    spent: float = 0.0
    """US dollars, in this session and by all models."""
    warning: str = ""
    """What a person must hear at once."""


OnProgress = Callable[[Progress], None]


def probe_latency(
    wanted: Iterable[tuple[Model, Sequence[Request], NextAttempt]],
    store: Store,
    session: str,
    count: int,
    on_progress: OnProgress = lambda _: None,
    budget: Budget | None = None,
) -> None:
    """Finds how long each model takes for one answer, over ``count`` of its requests, and stores it.

    Each is asked alone: what the others hold is given back before. A model whose answers take no time of its own
    (recorded ones, a batch's) is left out. One that has retries is asked as often as its answers make it.
    """
    budget = budget or Budget()
    for model, requests, next_attempt in wanted:
        if not requests or not getattr(model.backend, "interactive", not model.backend.by_example):
            continue
        chosen = [model.as_sent(request) for request in spread(requests, count)]

        def tell(done: int, model: Model = model, total: int = len(chosen)) -> None:
            on_progress(Progress(f"latency of {model.alias.name}", model.task.name, done, total, budget.spent))

        def following(
            request: Request, answer: Completion, model: Model = model, on: NextAttempt = next_attempt
        ) -> Request | None:
            return on(request, model.without_envelope(answer))

        result = probe(model.backend, chosen, tell, model.alias.asking.retries, following)
        model.backend.close()
        store.save_spent(session, budget.ledger)
        store.save_probe(session, model.candidate, model.task.name, result)


def generate(
    wanted: Iterable[tuple[Model, Sequence[Request]]],
    store: Store,
    session: str,
    on_progress: OnProgress = lambda _: None,
    budget: Budget | None = None,
) -> dict[tuple[str, str], str]:
    """Asks each model its requests, except those whose answer is stored or that failed in this session.

    Each answer is stored before the next is taken, so that a kill loses at most what was being written. What
    stays unanswered is noted in the store with the reason: a backend that dies stops alone, the others go on. Gives by
    alias and task the models that answered nothing at all, with the one reason.
    """
    generation = _Generation(store, session, on_progress, budget or Budget())
    reasons: dict[tuple[str, str], str] = {}
    for model, requests in wanted:
        place, total = (model.alias.name, model.task.name), len({model.key(request) for request in requests})
        reason = ""
        if missing := unsettled(model, requests, store, session):
            store.describe(model.fingerprint, model.backend.fingerprint)
            reason = generation.ask(model, missing, total)
        reasons.setdefault(place, reason)
    return {place: reason for place, reason in reasons.items() if reason}


def unsettled(model: Model, requests: Sequence[Request], store: Store, session: str) -> dict[str, Request]:
    """Those of ``requests``, by key, that have no answer in the store and did not fail in this session."""
    keys = {model.key(request): model.as_sent(request) for request in requests}
    settled = store.stored(keys) | store.failures(session).keys()
    return {key: request for key, request in keys.items() if key not in settled}


@dataclass(frozen=True, slots=True)
class _Generation:
    """What is asked in one session: where its answers go, who hears of them, and what they may cost."""

    store: Store
    session: str
    on_progress: OnProgress
    budget: Budget

    def ask(self, model: Model, missing: Mapping[str, Request], total: int) -> str:
        """Asks ``model`` what is ``missing`` (by key) of ``total`` requests. Raises StoreError.

        Gives the one reason why it answered nothing; empty where it answered something, or there are several.
        """
        left, ledger, died, answered = dict(missing), self.budget.ledger, "", False
        refusals: list[tuple[str, Exception]] = []

        def tell(warning: str = "") -> None:
            done = total - len(left)
            self.on_progress(Progress(model.alias.name, model.task.name, done, total, self.budget.spent, warning))

        tell()
        try:
            with closing(model.backend.answer(list(missing.values()))) as answers:  # type: ignore[type-var]
                for request, answer in answers:
                    result = answer if isinstance(answer, Exception) else model.without_envelope(answer)
                    self._keep(model, request, result)
                    if breach := model.first_breach(request, result):
                        tell(breach)
                    if isinstance(result, Exception):
                        refusals.append((request.example_id, result))
                    answered = answered or isinstance(result, Completion)
                    ledger = self._keep_ledger(ledger)
                    left.pop(model.key(request), None)
                    tell()
            reason = "the backend ended without answering"
        except StoreError:
            raise  # without a store nothing may be asked: it would be paid for and lost
        except Exception as error:
            died = describe_error(error)
            reason = f"backend {model.alias.name!r} died: {died}"
        self._keep_ledger(ledger)
        for key in left:
            self.store.fail(self.session, key, reason)
        if answered:
            return ""
        return died or (_one_reason(refusals) if len(refusals) == total else "")

    def _keep(self, model: Model, request: Request, result: Completion | Exception) -> None:
        key = model.key(request)
        with keeping():
            if isinstance(result, Exception):
                self.store.fail(self.session, key, describe_error(result))
            else:
                self.store.put(key, model.fingerprint, request, result)

    def _keep_ledger(self, before: tuple[float, float, int]) -> tuple[float, float, int]:
        """Stores the budget's ledger where it is another than ``before``; the ledger now."""
        now = self.budget.ledger
        if now != before:
            self.store.save_spent(self.session, now)
        return now


_ALIKE = 5
"""So many requests must have been refused with the same words before that is taken to be about the model."""


def _one_reason(refusals: Sequence[tuple[str, Exception]]) -> str:
    """Why all of a model's requests, told by their examples, were refused, where that has one reason; else nothing."""
    errors = [error for _, error in refusals]
    too_long = [error for error in errors if isinstance(error, TooLong)]
    if too_long and len(too_long) == len(errors):
        return none_fits(too_long)
    words = {str(error).replace(example, "") for example, error in refusals}
    alike = len(errors) >= _ALIKE and len(words) == 1 and not isinstance(errors[0], Unasked)
    return describe_error(errors[0]).removeprefix(f"{refusals[0][0]}: ") if alike else ""
