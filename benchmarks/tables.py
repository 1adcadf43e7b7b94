"""Puts the tables that benchmarks make into a page of the docs, each between its marks."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def write(page: str, tables: Mapping[str, Sequence[str]]) -> None:
    """Writes the lines of each of ``tables`` into docs/``page``, between the marks of its name. Ends the process where
    these are not there once: then nothing is written."""
    path = Path(__file__).parents[1] / "docs" / page
    text = path.read_text(encoding="utf-8")
    for name, lines in tables.items():
        begin, end = (f"<!-- {name}: {edge} -->" for edge in ("begin", "end"))
        body = "\n".join([begin, *lines, end])
        text, count = re.subn(
            f"{re.escape(begin)}\n.*?{re.escape(end)}", body.replace("\\", r"\\"), text, flags=re.DOTALL
        )
        if count != 1:
            sys.exit(f"{path}: the marks of the table {name!r} are not there once")
    path.write_text(text, encoding="utf-8")
