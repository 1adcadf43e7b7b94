"""Runs are kept beside their completions, and found by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from evalkit.errors import StoreError, UnknownName
from evalkit.runs.record import Run, dump_run
from evalkit.runs.store import RunStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with closing(RunStore(tmp_path / "store.sqlite")) as opened:
        yield opened


def run(name: str) -> Run:
    return Run(name, "2026-01-01T08:00:00+00:00", "pytest", {"python": "3"}, {"passed": 1}, ())


def test_a_run_is_read_as_it_was_written(store: RunStore) -> None:
    store.save(run("a"))
    assert store.run("a") == run("a")


def test_a_run_is_found_by_its_id_its_beginning_or_as_the_latest(store: RunStore) -> None:
    for name in ("20260101-a1", "20260102-b2", "20260103-c3"):
        store.save(run(name))
    assert [store.run(name).id for name in ("20260102-b2", "20260101", "latest")] == [
        "20260102-b2", "20260101-a1", "20260103-c3",
    ]  # fmt: skip


def test_a_whole_id_is_found_though_another_begins_with_it(store: RunStore) -> None:
    for name in ("a", "a-rescored"):
        store.save(run(name))
    assert store.run("a").id == "a"


def test_the_latest_run_is_the_one_saved_last_whatever_its_id(store: RunStore) -> None:
    for name in ("z", "b", "a"):
        store.save(run(name))
    assert store.run().id == "a"


def test_the_latest_run_is_the_one_saved_last_whatever_the_clock_says(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        hour_now = 9

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            cls.hour_now -= 1
            return cls(2026, 1, 1, cls.hour_now, tzinfo=tz)

    monkeypatch.setattr("evalkit.runs.store.datetime", Clock)
    for name in ("a", "b", "c"):
        store.save(run(name))
    assert (store.run().id, [stored.id for stored in store.runs()]) == ("c", ["a", "b", "c"])


def test_runs_that_an_older_evalkit_stored_come_before_those_of_this_one(store: RunStore) -> None:
    store.save(run("new"))
    put(store, "older", json.dumps(dump_run(run("older"))))
    assert [stored.id for stored in store.runs()] == ["older", "new"]


@pytest.mark.parametrize("name", ["2026", "2027", ""])
def test_a_name_that_is_not_one_runs_is_an_error_that_lists_them(store: RunStore, name: str) -> None:
    for saved in ("20260101-a1", "20260102-b2"):
        store.save(run(saved))
    with pytest.raises(UnknownName, match=rf"unknown run '{name}'.*Known: 20260101-a1, 20260102-b2. \(the last ten of"):
        store.run(name)


def test_without_runs_there_is_no_latest(store: RunStore) -> None:
    with pytest.raises(UnknownName, match=r"unknown run 'latest'. Known: none"):
        store.run("latest")


def put(store: RunStore, name: str, header: str) -> None:
    """A run that this evalkit did not write."""
    with closing(sqlite3.connect(store.path)) as database:
        database.execute("insert into runs values (?, '2026', ?)", (name, header))
        database.commit()


def test_a_run_of_an_older_form_says_how_to_make_it_anew(store: RunStore) -> None:
    put(store, "old", '{"id": "old", "tasks": []}')
    with pytest.raises(StoreError, match=r"run old was stored by an older evalkit .*`evalkit rescore old` makes it an"):
        store.run("old")


def test_runs_of_an_older_form_are_left_out_and_named(store: RunStore) -> None:
    put(store, "old", '{"id": "old", "tasks": []}')
    store.save(run("new"))
    assert ([other.id for other in store.runs()], store.older()) == (["new"], ["old"])


def test_a_run_of_a_newer_form_is_not_guessed_at(store: RunStore) -> None:
    put(store, "next", '{"id": "next", "schema_version": 99, "tasks": []}')
    with pytest.raises(StoreError, match="run next is of version 99, this evalkit reads up to version 2"):
        store.run("next")


def test_a_damaged_run_says_where(store: RunStore) -> None:
    put(store, "bad", '{"id": "bad", "schema_version": 1, "created": "", "command": "", "tasks": [{"task": 3}]}')
    with pytest.raises(StoreError, match=r"(?s)run bad can't be read: .*tasks.0.task"):
        store.run("bad")
