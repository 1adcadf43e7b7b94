"""A table is never wider than its page: columns that don't fit stand below, and no figure is broken in two."""

from __future__ import annotations

from rich.console import Console

from evalkit.reports.fitted import SIDE, fitted, wide

CONSOLE = Console(width=500)
ROWS = [("mood", ["46.2 [37.4, 55.4]"] * 4), ("strict", ["100.0 [96.8, 100.0]"] * 4)]
COLUMNS = {"tuned": "", "base": "", "empty": SIDE, "majority": SIDE}


def heads(width: int) -> list[list[object]]:
    return [[column.header for column in made.columns[1:]] for made in fitted(CONSOLE, COLUMNS, ROWS, width)]


def test_what_fits_is_one_table() -> None:
    assert heads(200) == [["tuned", "base", "empty", "majority"]]


def test_what_does_not_fit_goes_on_in_a_further_table() -> None:
    assert heads(55) == [["tuned", "base"], ["empty", "majority"]]


def test_each_table_has_a_column_at_least() -> None:
    assert heads(5) == [["tuned"], ["base"], ["empty"], ["majority"]]


def test_no_table_is_wider_than_asked_for() -> None:
    assert all(wide(CONSOLE, made) <= 55 for made in fitted(CONSOLE, COLUMNS, ROWS, 55))


def test_where_room_is_short_side_columns_have_no_interval() -> None:
    [_, side] = fitted(CONSOLE, COLUMNS, ROWS, 55)
    assert list(side.columns[1].cells) == ["46.2", "100.0"]
