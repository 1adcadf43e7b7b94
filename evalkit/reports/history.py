"""A score over the stored runs, as text: a line of bars for each model, then a line for each run."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit._internal.counts import counted
from evalkit.reports.figures import rate
from evalkit.runs.history import History, HistoryPoint

_BARS = "▁▂▃▄▅▆▇█"


def render(history: History) -> str:
    """A block for each model and split: its line of bars (from 0 to 100 %), then one line a run."""
    lines = [f"{history.task}: {history.score} in %, with 95 % intervals"]
    blocks: dict[tuple[str, str], list[HistoryPoint]] = {}
    for look in history.looks:
        blocks.setdefault((look.backend, look.split), []).append(look)
    width = max(len(look.run) for look in history.looks)
    for (backend, split), looks in blocks.items():
        lines += ["", f"{backend} on {split}  {sparkline([look.rate.value for look in looks])}"]
        lines += [
            f"{look.created[:16].replace('T', ' ')}  {look.run:<{width}}  n={look.rate.n}  {rate(look.rate):<20}  "
            f"model {look.model[:6]}  data {look.data[:6]}"
            for look in looks
        ]
    if history.parts:
        lines += ["", f"left out: {counted(history.parts, 'run')} of a part of the split"]
    return "\n".join(lines) + "\n"


def sparkline(rates: Sequence[float | None]) -> str:
    """A bar for each rate in [0, 1], a space where there is none.

    >>> sparkline([0.0, None, 0.5, 1.0])
    '▁ ▅█'
    """
    return "".join(" " if share is None else _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)] for share in rates)
