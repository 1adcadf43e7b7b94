"""How long a model takes for one answer: a probe of its own, one request at a time.

What the answers of a run took says little: many are asked at once, some come from the store or out of a batch. So the
probe asks a few examples of the judged split once more, spread over the length of their prompts, one after the other,
after one that is not counted and makes the model warm. Its answers are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from evalkit.errors import EvalkitError, describe_error
from evalkit.models.backend import Backend, Completion
from evalkit.models.request import Request
from evalkit.stats.calibration import mean_absolute_error
from evalkit.stats.intervals import Estimate
from evalkit.stats.quantiles import quantile

EXAMPLES = 30
"""So many are asked where nobody says how many."""

P50, P95 = "latency p50 (s)", "latency p95 (s)"
SPEED = "tokens per second"
MEMORY = "memory (MiB)"


@dataclass(frozen=True, slots=True)
class Probe:
    """What one model took on one machine. ``seconds`` and ``tokens`` (of the answer; None where nobody counted) are one
    for each of ``examples``, in the order asked. Of a model that is asked again after an answer that is not strict they
    are the sums over all attempts at an example; ``attempts`` says how many those were, and is empty for other models.

    ``memory`` is in bytes, once the model was loaded and had answered: of the process that runs it, everything in it,
    or what its server says that it holds; None where it is not to be known. ``problem`` says why the probe was broken
    off.
    """

    taken: str
    examples: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    tokens: tuple[int | None, ...] = ()
    memory: int | None = None
    problem: str | None = None
    attempts: tuple[int, ...] = ()

    @classmethod
    def stored(cls, table: Mapping[str, Any]) -> Probe:
        """A probe as the store has it."""
        lists = {name: tuple(table.get(name, ())) for name in ("examples", "seconds", "tokens", "attempts")}
        return cls(**{**table, **lists})


NextAttempt = Callable[[Request, Completion], Request | None]
"""What a model is asked after it answered a request so; None where that can be used."""


def probe(
    backend: Backend,
    requests: Sequence[Request],
    tell: Callable[[int], None] = lambda _: None,
    retries: int = 0,
    next_attempt: NextAttempt = lambda *_: None,
) -> Probe:
    """Asks ``requests``, of which there are two or more, one at a time; the first only makes the model warm.

    Each is asked on as a caller would, by ``next_attempt``, ``retries`` times at most. ``tell`` is given how many are
    done. What goes wrong ends the probe and stands in ``problem``.
    """
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    answers: list[tuple[str, float, int | None, int]] = []
    for done, request in enumerate(requests):
        tell(done)
        try:
            took = list(_attempts(backend, request, retries, next_attempt))
        except Exception as error:
            return Probe(taken, problem=describe_error(error))
        counts = [count for _, count in took if count is not None]
        written = sum(counts) if len(counts) == len(took) else None
        answers.append((request.example_id, sum(seconds for seconds, _ in took), written, len(took)))
    tell(len(requests))
    memory = getattr(backend, "memory", None)
    examples, seconds, tokens, attempts = zip(*answers[1:], strict=True)
    return Probe(taken, examples, seconds, tokens, memory() if memory else None, attempts=attempts if retries else ())


def _attempts(
    backend: Backend, request: Request, retries: int, next_attempt: NextAttempt
) -> Iterator[tuple[float, int | None]]:
    """Seconds and tokens of each attempt at an answer to ``request``."""
    for left in range(retries, -1, -1):
        begun = time.perf_counter()
        completion = _ask_one(backend, request)
        yield time.perf_counter() - begun, completion.completion_tokens
        following = next_attempt(request, completion) if left else None
        if following is None:
            return
        request = following


def _ask_one(backend: Backend, request: Request) -> Completion:
    for _, result in list(backend.answer([request])):  # to its end: only then does a backend know that it was taken
        if isinstance(result, Exception):
            raise result
        return result
    raise EvalkitError("the backend ended without answering")


def spread(requests: Sequence[Request], count: int) -> list[Request]:
    """At most ``count`` of ``requests``, evenly over the length of their prompts, and before them one more for the
    warm-up: another one, because a server may still know what it was asked last.

    >>> from evalkit.models.request import Message
    >>> from evalkit.golden.model import Decoding
    >>> requests = [Request("t", str(n), (Message("user", "x" * n),), "", Decoding()) for n in range(10)]
    >>> [request.example_id for request in spread(requests, 3)]
    ['1', '0', '4', '9']
    """
    ordered = sorted(requests, key=lambda request: sum(len(message.content) for message in request.messages))
    last, count = len(ordered) - 1, min(count, len(ordered))
    places = [last // 2] if count == 1 else [last * step // (count - 1) for step in range(count)]
    warm = next((place for place in range(len(ordered)) if place not in places), places[-1])
    return [ordered[place] for place in (warm, *places)]


def measured(result: Probe) -> dict[str, Estimate]:
    """What a probe says, by the name of its row; empty where it was broken off.

    Seconds are wall clock. The speed is the mean over the answers of their tokens by their whole time, with Student's t
    interval; memory has none.
    """
    if result.problem is not None:
        return {}
    speeds = [
        (tokens / seconds, name)
        for name, seconds, tokens in zip(result.examples, result.seconds, result.tokens, strict=True)
        if tokens is not None
    ]
    rows = {P50: quantile(result.seconds, 0.5), P95: quantile(result.seconds, 0.95)}
    if speeds:
        rows[SPEED] = mean(*zip(*speeds, strict=True))
    if result.memory is not None:
        rows[MEMORY] = Estimate(result.memory / 2**20, None, None, 1)
    return rows


def cost_of_time(result: Probe, cost_per_hour: float) -> Estimate:
    """What 1,000 answers cost in US dollars on a machine of ``cost_per_hour``, asked one at a time."""
    price = 1000 * cost_per_hour / 3600
    return mean([price * seconds for seconds in result.seconds], result.examples)


def mean(values: Sequence[float], names: Sequence[str]) -> Estimate:
    """The mean of ``values`` of 0 or more, each of the example that ``names`` has: their mean distance from nothing."""
    return mean_absolute_error(values, [0] * len(values), examples=names)
