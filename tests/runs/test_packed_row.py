"""Rows come back as they were stored, take little room, and what they share is stored once."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evalkit.runs.packed_row import MARK, pack, text_of, unpack
from evalkit.runs.record import Row, RowScore, Run, Sample, dump_row
from evalkit.runs.store import RunStore, stored_rows

LONG = " ".join(f"word{number}" for number in range(200))


def row(model: str, number: int, text: str = "yes") -> Row:
    sample = Sample(text, {"mood": "good"}, ("prose_before",), "stop", completion_tokens=7)
    return Row(
        "mood", model, f"e-{number}", (f"{number:064x}",), "test", group="g", tags=("short",), must_pass=True,
        input={"text": f"{number} {LONG}"}, expected={"mood": "good"}, samples=(sample,),
        scores={"mood": RowScore(0.5, "near")},
    )  # fmt: skip


def run(name: str) -> Run:
    return Run(name, "2026-01-01T08:00:00+00:00", "pytest", {}, {}, ())


def rows(count: int) -> list[Row]:
    return [row(model, number) for model in ("a", "b", "c") for number in range(count)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path / "store.sqlite")) as opened:
        yield opened


def count(store: RunStore, table: str) -> int:
    with closing(sqlite3.connect(store.path)) as database:
        return int(database.execute(f"select count(*) from {table}").fetchone()[0])


@pytest.mark.parametrize("text", ["yes", "half a pair \ud83d", "", "\x00\x01", "é" * 40_000])
def test_a_row_is_unpacked_as_it_was_packed(text: str) -> None:
    first = text_of(row("a", 0, text))
    for one in (row("a", 0, text), row("b", 7, text)):
        packed = pack(one, first)
        assert unpack(packed.blob, zlib.compress(packed.part), first) == one


def test_rows_are_read_in_the_order_in_which_they_were_stored(store: RunStore) -> None:
    store.save(run("one"), rows(5))
    assert list(store.rows("one")) == rows(5)
    assert [one.model for one in store.rows("one", example="e-3")] == ["a", "b", "c"]
    assert list(store.rows("one", model="b", example="e-3")) == [row("b", 3)]


def test_what_models_and_runs_were_given_alike_is_stored_once(store: RunStore) -> None:
    for name in ("one", "two"):
        store.save(run(name), rows(5))
    assert (count(store, "rows"), count(store, "row_parts")) == (30, 5)
    assert [list(store.rows(name)) for name in ("one", "two")] == [rows(5), rows(5)]


def test_a_row_that_is_much_like_the_first_takes_a_tenth_of_its_text() -> None:
    first = text_of(row("a", 0))
    assert len(pack(row("b", 7), first).blob) < len(dump_row(row("b", 7))) / 10


def test_rows_that_an_older_evalkit_stored_are_read(store: RunStore) -> None:
    store.save(run("one"))
    with closing(sqlite3.connect(store.path)) as database, database:
        database.executemany(
            "insert into rows values ('one', ?, ?, ?, ?, ?)",
            [
                (number, one.task, one.model, one.example, zlib.compress(dump_row(one).encode("ascii"), 1))
                for number, one in enumerate(rows(2))
            ],
        )
    assert list(store.rows("one")) == rows(2)
    assert zlib.compress(b"{}")[:1] != MARK


def test_one_example_of_many_is_found_by_the_index(store: RunStore) -> None:
    store.save(run("one"), rows(2))
    with closing(sqlite3.connect(store.path)) as database:
        asked: list[str] = []
        store._db._connection.set_trace_callback(asked.append)
        list(store.rows("one", example="e-1"))
        store._db._connection.set_trace_callback(None)
        plan = database.execute(f"explain query plan {asked[-1]}").fetchall()
    assert "rows_by_example" in str(plan)


def test_a_run_that_breaks_while_it_is_stored_leaves_nothing(store: RunStore) -> None:
    def broken() -> Iterator[Row]:
        yield row("a", 0)
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        store.save(run("one"), broken())
    assert (count(store, "runs"), count(store, "rows"), count(store, "row_parts")) == (0, 0, 0)


def test_the_rows_of_one_task_and_model_are_read_alone(store: RunStore) -> None:
    store.save(run("one"), rows(3))
    read = stored_rows(store.path, "one")
    assert list(read()) == rows(3)
    assert list(read("mood", "b")) == [row("b", number) for number in range(3)]
    assert list(read("weather")) == []
