"""Old runs can be forgotten; answers stay, and so do the runs that are kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from evalkit.cli.main import main
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.fixture
def stored(project: MiniProject) -> MiniProject:
    """Three runs; the example t-99 is only in the first."""
    session = project.asked(("tuned",))
    run = finish(session, session.selection, "pytest suites", {}).run
    rows = list(session.runs.rows(run.id))
    gone = [replace(row, example="t-99", input={"text": "of old"}) for row in rows]
    session.runs.save(replace(run, id="run-0"), gone)
    for name in ("run-2", "run-1", "run-3"):
        session.runs.save(replace(run, id=name), rows)
    session.runs.forget(["run-1"])
    session.close()
    return project


def prune(project: MiniProject, *options: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "prune", *options], catch_exceptions=False)


def counts(project: MiniProject) -> dict[str, list[tuple[str, int]]]:
    """How many rows each run has, and how many parts and completions there are."""
    with closing(sqlite3.connect(project.root / ".evalkit" / "store.sqlite")) as database:
        return {
            "rows": database.execute("select run, count(*) from rows group by run order by run").fetchall(),
            "runs": database.execute("select id, 1 from runs order by id").fetchall(),
            "of t-99": database.execute(
                "select '', count(*) from row_parts where digest not in (select substr(line, 2, 16) from rows)"
            ).fetchall(),
            "answers": database.execute("select '', count(*) from completions").fetchall(),
        }


def test_all_runs_but_the_last_are_forgotten_and_no_answer_is(stored: MiniProject) -> None:
    before = counts(stored)
    result = prune(stored, "--keep=1")
    after = counts(stored)
    assert (result.exit_code, "forgot 2 runs (run-0, run-2)" in result.stdout) == (0, True)
    assert [name for name, _ in after["runs"]] == ["run-3"]
    assert after["rows"] == [pair for pair in before["rows"] if pair[0] == "run-3"]
    assert (after["answers"], after["of t-99"]) == (before["answers"], [("", 0)])


def test_what_is_kept_can_be_read(stored: MiniProject) -> None:
    shown = CliRunner().invoke(main, ["--root", str(stored.root), "report", "run-3", "--format=jsonl"]).stdout
    prune(stored, "--keep=1")
    assert CliRunner().invoke(main, ["--root", str(stored.root), "report", "--format=jsonl"]).stdout == shown


def test_a_dry_run_forgets_nothing(stored: MiniProject) -> None:
    before = counts(stored)
    assert prune(stored, "--keep=2", "--dry-run").stdout == "1 run to forget (run-0)\n"
    assert counts(stored) == before


def test_with_fewer_runs_than_are_kept_nothing_is_forgotten(stored: MiniProject) -> None:
    before = counts(stored)
    assert prune(stored, "--keep=9").stdout == "0 runs to forget\n"
    assert counts(stored) == before


def test_how_many_are_kept_must_be_said(stored: MiniProject) -> None:
    assert prune(stored).exit_code == 2
    assert prune(stored, "--keep=0").exit_code == 2
