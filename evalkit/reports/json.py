"""A run as JSON: everything that was stored of it, every example's scores included."""

from __future__ import annotations

import json

from evalkit.reports.view import Run


def render(run: Run) -> str:
    """The run as indented JSON."""
    return json.dumps(run, indent=1, ensure_ascii=False) + "\n"
