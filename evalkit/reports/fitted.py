"""Tables for a terminal, no wider than it: what does not fit stands in further tables below, under the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from evalkit._internal.outside_text import one_line

Row = tuple[str, Sequence[str]]

SIDE = "dim"
"""The style of columns that only stand beside the others: where room is short they show a figure without interval."""


def table(columns: Mapping[str, str], rows: Iterable[Row]) -> Table:
    """One table. ``columns`` have a style each."""
    made = Table(pad_edge=False)
    made.add_column("")
    for name, style in columns.items():
        made.add_column(one_line(name), justify="right", style=style, overflow="fold")
    for name, cells in rows:
        made.add_row(*map(one_line, (name, *cells)))
    return made


def plain_table(columns: Iterable[str], rows: Iterable[Row]) -> Table:
    """One table without lines between its columns: narrower, for many small figures."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column("")
    for name in columns:
        made.add_column(one_line(name), justify="right", overflow="fold")
    for name, cells in rows:
        made.add_row(*map(one_line, (name, *cells)))
    return made


def wide(console: Console, made: Table) -> int:
    """How many columns of the terminal a table takes."""
    return Measurement.get(console, console.options, made).maximum


def fitted(console: Console, columns: Mapping[str, str], rows: Iterable[Row], width: int) -> Iterator[Table]:
    """The table as one where ``width`` allows it, else as several of as many columns as fit: at least one each."""
    lines = list(rows)
    whole = table(columns, lines)
    if wide(console, whole) <= width or len(columns) < 2:
        yield whole
        return
    short = [_shortened(line, columns) for line in lines]
    names, start = list(columns), 0
    while start < len(names):
        end, made = start + 1, _some(columns, short, start, start + 1)
        while end < len(names):
            more = _some(columns, short, start, end + 1)
            if wide(console, more) > width:
                break
            end, made = end + 1, more
        yield made
        start = end


def _some(columns: Mapping[str, str], lines: Sequence[Row], start: int, end: int) -> Table:
    shown = dict(list(columns.items())[start:end])
    return table(shown, [(name, cells[start:end]) for name, cells in lines])


def _shortened(line: Row, columns: Mapping[str, str]) -> Row:
    name, cells = line
    return name, [
        cell.partition(" ")[0] if style == SIDE else cell for cell, style in zip(cells, columns.values(), strict=True)
    ]
