"""What a person asks of one session: which models, which split, how often, and how much it may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of one session, as pytest or a command has them.

    ``backends`` are tested and judged, ``against`` are only compared with; both are aliases or specs. ``split`` is the
    judged split. ``samples`` is how often each example is asked, where its task draws answers. ``lineage`` names one
    of pyproject.toml, whose rungs are compared. ``max_cost`` is what may be spent, in US dollars. ``latency`` is how
    many examples each model is asked one by one, to see how long it takes. ``sequential`` asks those that are only
    compared with in turn, until all is settled.
    """

    backends: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    split: str = "test"
    samples: int = 1
    lineage: str | None = None
    max_cost: float | None = None
    latency: int = 0
    sequential: bool = False
