"""What may be spent on paid APIs in a run, and what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Condition, Event

from evalkit.errors import ConfigError, NotAnswered, Unasked
from evalkit.models.pricing import Price
from evalkit.models.request import Request


@dataclass(slots=True)
class Budget:
    """What may be spent in a run, and what was. ``limit`` is in US dollars, None for no limit.

    For a request in flight the most that it can cost is reserved. ``unknown`` counts answers whose cost is not known,
    because their API did not say what they used or because they were cut: the most that they can cost stays kept back.
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    limit: float | None = None
    spent: float = 0.0
    unknown: int = 0
    _kept_back: float = 0.0
    _reserved: float = 0.0
    _changed: Condition = field(default_factory=Condition)

    def __post_init__(self) -> None:
        if self.limit is not None and not 0 <= self.limit < float("inf"):
            raise ConfigError(f"--max-cost={self.limit}: expected US dollars, 0 or more")

    def price(self, spec: str) -> Price | None:
        """The price of the model ``spec``, None where none is known. Raises ConfigError where that allows no limit."""
        price = self.prices.get(spec)
        if price is None and self.limit is not None:
            raise ConfigError(
                f"{spec}: --max-cost is given, and no price is known for this model. State it in "
                f'[tool.evalkit.prices."{spec}"] of pyproject.toml: input and output, in USD per million tokens'
            )
        return price

    def reserve(self, request: Request, most: float, stopped: Event) -> None:
        """Reserves ``most`` for ``request``; waits for others that have reserved too much. ``settle``, ``write_off`` or
        ``release`` ends it.

        Raises Unasked where the limit might be passed, NotAnswered when ``stopped``.
        """
        with self._changed:
            while self.limit is not None and self.spent + self._kept_back + self._reserved + most > self.limit:
                if self.spent + self._kept_back + most > self.limit:
                    raise Unasked(
                        f"{request.example_id}: unasked: --max-cost={self.limit:g} might be passed, "
                        f"{self.spent:.4f} USD are spent"
                    )
                if stopped.is_set():
                    raise NotAnswered("stopped")
                self._changed.wait(0.2)
            self._reserved += most

    def settle(self, most: float, price: Price | None, usage: Mapping[str, int] | None) -> None:
        """Ends a reservation with an answer; ``usage`` is None where the API does not tell it."""
        if price is None or usage is None:
            self.write_off(most)
        else:
            self._end(most, spent=price.of(usage))

    def write_off(self, most: float) -> None:
        """Ends the reservation of a request whose answer may have been billed, nobody knows how much."""
        self._end(most, kept_back=most, unknown=1)

    def release(self, most: float) -> None:
        """Ends the reservation of a request that cost nothing."""
        self._end(most)

    def _end(self, most: float, spent: float = 0.0, kept_back: float = 0.0, unknown: int = 0) -> None:
        with self._changed:
            self._reserved -= most
            self.unknown += unknown
            self.spent += spent
            self._kept_back += kept_back
            self._changed.notify_all()

    @property
    def ledger(self) -> tuple[float, float, int]:
        """What was spent, what is kept back of answers whose cost is not known, and how many those are."""
        with self._changed:
            return self.spent, self._kept_back, self.unknown

    def resume(self, ledger: tuple[float, float, int]) -> None:
        """Goes on from the ``ledger`` that another process of this session has left."""
        with self._changed:
            self.spent, self._kept_back, self.unknown = ledger

    def describe(self) -> str:
        """What was spent, for a person; empty where nothing was bought."""
        if not self.spent and not self.unknown:
            return ""
        text = f"spent in this session: {self.spent:.4f} USD"
        if self.unknown:
            text += f", and {self.unknown} {'answer' if self.unknown == 1 else 'answers'} whose cost is not known"
        return text
