"""Shows how far the asking is: a bar that rewrites itself on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from evalkit._internal.outside_text import one_line
from evalkit.models.generate import Progress

_EVERY = 10.0
"""Seconds between two lines where lines can't be rewritten (a log, a pipe)."""


@dataclass(slots=True)
class ProgressLine:
    """An OnProgress. ``write`` gets finished lines, ``rewrite`` (None without a terminal) one that will change, which
    is cut to ``width`` columns: one that wraps could not be rewritten."""

    write: Callable[[str], object]
    rewrite: Callable[[str], object] | None = None
    width: int = 80
    _began: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    _last_shown: float = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.warning:
            if self.rewrite is not None:
                self.rewrite("")
            self.write(one_line(f"WARNING: {progress.task}: {progress.warning}"))
            return
        model = (progress.alias, progress.task)
        now = monotonic()
        first = model not in self._began
        began, before = self._began.setdefault(model, (now, progress.done))
        last = progress.done == progress.total
        line = f"evalkit: {progress.alias} on {progress.task}: {progress.done}/{progress.total}"
        if first:
            line += f" ({progress.done} stored, asking {progress.total - progress.done})"
        elif progress.done > before:
            pace = (progress.done - before) / max(now - began, 1e-3)
            line += f", {pace:.1f}/s" + ("" if last else f", {(progress.total - progress.done) / pace:.0f} s to go")
        if progress.spent:
            line += f", {progress.spent:.4f} USD spent"
        if self.rewrite is not None and not last:
            self.rewrite(f"{_bar(progress.done, progress.total)} {line}"[: self.width])
        elif first or last or now - self._last_shown >= _EVERY:
            if self.rewrite is not None:
                self.rewrite("")
            self._last_shown = now
            self.write(line)


def _bar(done: int, total: int, cells: int = 12) -> str:
    """How much is done.

    >>> _bar(3, 12), _bar(0, 0)
    ('[###.........]', '[............]')
    """
    full = cells * done // total if total else 0
    return f"[{'#' * full}{'.' * (cells - full)}]"
