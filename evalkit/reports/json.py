"""A run as JSON: everything that was stored of it, every example's scores included."""

from __future__ import annotations

import json

from evalkit.runs.record import Run, dump_run


def render(run: Run) -> str:
    """The run as indented JSON."""
    return json.dumps(dump_run(run), indent=1, ensure_ascii=False) + "\n"
