"""What the answers of a paid API cost: its own counts of tokens, at dated list prices (``prices.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from typing import Any

from evalkit.errors import ConfigError, UnknownName
from evalkit.models.request import Request

_MILLION = 1e6
_ROUND = 32
"""Tokens that a chat template may put around each message, at most."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. ``dated`` is the day on which it was read (ISO 8601), empty where not told.
    ``batch`` is the share of it that a vendor's batches cost."""

    input: float
    output: float
    cached: float
    cache_write: float
    dated: str = ""
    batch: float = 0.5

    def of(self, usage: Mapping[str, int]) -> float:
        """What ``usage`` (tokens, as ``Completion.usage``) costs, in US dollars.

        >>> Price(1.0, 5.0, 0.1, 1.25).of({"input": 1000, "output": 200, "cached": 500, "cache_write": 0})
        0.00205
        """
        total: float = sum(getattr(self, name) * count for name, count in usage.items())
        return total / _MILLION

    def in_batch(self) -> Price:
        """What the same tokens cost in a batch.

        >>> Price(1.0, 5.0, 0.1, 1.25).in_batch().output
        2.5
        """
        names = ("input", "output", "cached", "cache_write")
        return replace(self, batch=1.0, **{name: getattr(self, name) * self.batch for name in names})

    @property
    def is_nothing(self) -> bool:
        """Whether all is free."""
        return not (self.input or self.output or self.cached or self.cache_write)

    def most(self, request: Request, reasoning_tokens: int = 0) -> float:
        """What the answer to ``request`` can cost at most: a token is a byte at least, and an answer ends at its limit.

        Not in it is what a vendor may put into a prompt by itself, for a schema above all.
        """
        texts = [*(message.content for message in request.messages), request.prefill, str(request.schema or "")]
        read = sum(len(text.encode("utf-8", "replace")) + _ROUND for text in texts)
        written = request.decoding.max_tokens + reasoning_tokens
        return (read * max(self.input, self.cached, self.cache_write) + written * self.output) / _MILLION


def list_prices() -> Mapping[str, Price]:
    """The list prices that evalkit knows, by spec."""
    text = files("evalkit.models").joinpath("prices.toml").read_text(encoding="utf-8")
    return {spec: read_price(f"prices.toml: {spec}", entry) for spec, entry in tomllib.loads(text).items()}


def read_price(where: str, entry: object, listed: Price | None = None) -> Price:
    """A price from a table of TOML: ``input`` and ``output``; ``cached``, ``cache_write``, ``batch`` and ``dated``
    where known.

    What is left out is as ``listed``; where nothing is, what a cache holds costs as input. Raises ConfigError.
    """
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: got {entry!r}, expected a table with input and output")
    for key, value in entry.items():
        if key not in Price.__dataclass_fields__:
            raise ConfigError(f"{where}: {UnknownName('key of a price', key, Price.__dataclass_fields__)}")
        if key == "dated" and not isinstance(value, date):
            raise ConfigError(f"{where}: dated is {value!r}, expected a date, as in 2026-11-22")
        if key != "dated" and not is_price(value):
            raise ConfigError(f"{where}: {key} is {value!r}, expected USD per million tokens, 0 or more")
    dated = {"dated": entry["dated"].isoformat()} if "dated" in entry else {}
    if listed is not None:
        return replace(listed, **{"dated": "", **entry, **dated})
    if missing := {"input", "output"} - entry.keys():
        raise ConfigError(f"{where}: no {min(missing)}; state input and output in USD per million tokens")
    return Price(**{"cached": entry["input"], "cache_write": entry["input"], **entry, **dated})


def is_price(value: Any) -> bool:
    """Whether ``value``, read from TOML, is a sum of money."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
