"""A run as JSON: its header, with every figure; what each example scored is in ``jsonl``.

The one that is written at the end of a large run has ``left_out``: how many answers are not beside it, the command that
gives all, and how many names each list of its own lacks, by the place of the list (``tasks.0.comparisons.1.lost``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evalkit.reports.page import PAGE, Page
from evalkit.runs.record import Rows, Run, dump_run, no_rows


def render(run: Run, _rows: Rows = no_rows, page: Page = PAGE) -> Iterator[str]:
    """The header as indented JSON."""
    table = dump_run(run)
    if page.left_out is not None:
        names_left: dict[str, int] = {}
        table = _cut(table, page.left_out.worst, "", names_left)
        table["left_out"] = page.left_out.table | {"header": page.left_out.header, "names": names_left}
    yield json.dumps(table, indent=1) + "\n"


def _cut(value: Any, most: int, place: str, left: dict[str, int]) -> Any:
    """``value`` with ``most`` names of each list of names, and of each table of texts by name; the others counted."""
    if isinstance(value, Mapping):
        if len(value) > most and all(isinstance(text, str) for text in value.values()):
            left[place] = len(value) - most
            return dict(list(value.items())[:most])
        return {key: _cut(item, most, f"{place}.{key}".lstrip("."), left) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if len(value) > most and all(isinstance(name, str) for name in value):
            left[place] = len(value) - most
            return value[:most]
        return [_cut(item, most, f"{place}.{number}", left) for number, item in enumerate(value)]
    return value
