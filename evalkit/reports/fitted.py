"""Tables for a terminal, no wider than it: what does not fit stands in further tables below, under the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from evalkit._internal.outside_text import one_line

Row = tuple[str, Sequence[str]]

SIDE = "dim"
"""The style of columns that only stand beside the others: where room is short they show a figure without interval."""


_WIDEST = 16
"""So wide is a column of a ``cut_table`` at most, but for its last one."""

_NARROWEST = 24
"""The names of rows are broken down to this before a table is."""

_GAP = 3
"""Between two columns of a plain table."""


def table(columns: Mapping[str, str], rows: Iterable[Row]) -> Table:
    """One table. ``columns`` have a style each."""
    made = Table(pad_edge=False)
    made.add_column("")
    for name, style in columns.items():
        made.add_column(one_line(name), justify="right", style=style, overflow="fold")
    for name, cells in rows:
        made.add_row(*map(one_line, (name, *cells)))
    return made


def plain_table(columns: Mapping[str, str] | Iterable[str], rows: Iterable[Row]) -> Table:
    """One table without lines between its columns: narrower, for many small figures."""
    made = _plain()
    for name in columns:
        made.add_column(one_line(name), justify="right", overflow="fold")
    for name, cells in rows:
        made.add_row(*map(one_line, (name, *cells)))
    return made


def cut_table(console: Console, columns: Sequence[str], rows: Iterable[Row], width: int) -> Table:
    """One plain table no wider than ``width``: the first of ``columns`` is that of the rows' names, the last is cut."""
    lines = list(rows)
    room = width - wide(console, _cut(columns[:-1], [(name, cells[:-1]) for name, cells in lines], 0)) - _GAP
    return _cut(columns, lines, max(room, len(columns[-1])))


def _cut(columns: Sequence[str], rows: Iterable[Row], room: int) -> Table:
    made = _plain(columns[0])
    for name in columns[1:]:
        last = bool(room) and name == columns[-1]
        made.add_column(one_line(name), no_wrap=True, overflow="ellipsis", max_width=room if last else _WIDEST)
    for name, cells in rows:
        made.add_row(*map(one_line, (name, *cells)))
    return made


def _plain(first: str = "") -> Table:
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column(one_line(first))
    return made


def wide(console: Console, made: Table) -> int:
    """How many columns of the terminal a table takes."""
    return Measurement.get(console, console.options, made).maximum


Maker = Callable[[Mapping[str, str], Iterable[Row]], Table]
"""Makes a table: ``table`` or ``plain_table``."""


def fitted(
    console: Console, columns: Mapping[str, str], rows: Iterable[Row], width: int, make: Maker = table
) -> Iterator[Table]:
    """The table as one where ``width`` allows it, else as several of as many columns as fit: at least one each."""
    lines = list(rows)
    whole = make(columns, lines)
    if wide(console, whole) <= width or len(columns) < 2:
        yield whole
        return
    short = [_shortened(line, columns) for line in lines]
    one = make(columns, short)
    one.columns[0].max_width = _NARROWEST
    if wide(console, one) <= width:
        names_width = max(len(name) for name, _ in lines)
        one.columns[0].max_width = max(_NARROWEST, width - wide(console, make(columns, short)) + names_width)
        yield one
        return
    names, start = list(columns), 0
    while start < len(names):
        end, made = start + 1, _some(columns, short, range(start, start + 1), make)
        while end < len(names):
            more = _some(columns, short, range(start, end + 1), make)
            if wide(console, more) > width:
                break
            end, made = end + 1, more
        yield made
        start = end


def _some(columns: Mapping[str, str], lines: Sequence[Row], which: range, make: Maker) -> Table:
    shown = dict(list(columns.items())[which.start : which.stop])
    return make(shown, [(name, cells[which.start : which.stop]) for name, cells in lines])


def _shortened(line: Row, columns: Mapping[str, str]) -> Row:
    name, cells = line
    return name, [
        cell.partition(" ")[0] if style == SIDE else cell for cell, style in zip(cells, columns.values(), strict=True)
    ]
