"""Reports of a large run have every figure and the worst answers, and say what they leave out."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from evalkit.cli.main import main
from evalkit.judging.no_verdict import NoVerdict, WhyNone
from evalkit.reports import json as as_json
from evalkit.reports import jsonl, markdown, notes, terminal
from evalkit.reports.large import MOST_ANSWERS, WORST, WorstRows
from evalkit.reports.page import PAGE, LeftOut, Page
from evalkit.runs.record import ModelRun, Participant, Row, RowScore, Run, TaskResult, no_rows
from evalkit.session.finish import finish, write

if TYPE_CHECKING:
    from conftest import MiniProject


def model_run(name: str, failed: int = 0, known: int = 0) -> ModelRun:
    return ModelRun(
        Participant(name, "backend", f"replay:{name}", "f"), True, 0, {}, {}, {},
        tuple(f"e-{number}" for number in range(failed)),
        {f"k-{number}": "hard" for number in range(known)}, {},
    )  # fmt: skip


def run_of(*models: ModelRun) -> Run:
    task = TaskResult(
        "mood", "Moods", "test", 1, True, "c", "mood", models, (), (), (), (), (),
        no_verdicts=tuple(NoVerdict(one.name, WhyNone.PART, 0, 1) for one in models),
    )  # fmt: skip
    return Run("run-1", "2026-01-01T08:00:00+00:00", "pytest", {}, {}, (task,))


def row(model: str, number: int, value: float | None, must_pass: bool = False, why: str = "") -> Row:
    scores = {} if value is None else {"mood": RowScore(value), "strict": RowScore(0.0)}
    return Row("mood", model, f"e-{number}", ("k",), "test", must_pass=must_pass, scores=scores, unanswered=why)


def rows(count: int) -> Iterator[Row]:
    """``count`` rows of each of two models, the last ones the worst."""
    for model in ("a", "b"):
        yield from (row(model, number, 1 - number / count) for number in range(count))


def kept(worst: WorstRows, given: list[Row]) -> list[tuple[str, str]]:
    assert list(worst.watched(given)) == given
    return [(one.model, one.example) for one in worst.for_reports(lambda *_: given)[0]()]


def test_up_to_so_many_answers_all_are_in_and_above_only_the_worst_of_each_model() -> None:
    given = list(rows(10))
    assert len(kept(WorstRows(run_of(), most=20, worst=3), given)) == 20
    assert kept(WorstRows(run_of(), most=19, worst=3), given) == [
        (model, f"e-{number}") for model in ("a", "b") for number in (7, 8, 9)
    ]


def test_what_must_pass_is_worse_than_what_stayed_unanswered_and_that_than_any_score() -> None:
    given = [
        row("a", 0, 0.1), row("a", 1, None, why="no server"), row("a", 2, 0.9, must_pass=True),
        row("a", 3, 1.0, must_pass=True), row("a", 4, None), row("a", 5, 0.0),
    ]  # fmt: skip
    by_number = [
        [name for _, name in kept(WorstRows(run_of(model_run("a")), most=0, worst=most), given)] for most in (1, 2, 3)
    ]
    assert by_number == [["e-2"], ["e-1", "e-2"], ["e-1", "e-2", "e-5"]]


def test_the_lines_of_a_large_run_end_with_how_many_are_left_out_and_the_command_that_has_all() -> None:
    worst = WorstRows(run_of(), most=19, worst=3)
    kept(worst, list(rows(10)))
    few, page = worst.for_reports(no_rows)
    *lines, last = map(json.loads, jsonl.render(run_of(), few, page))
    assert len(lines) == 6
    assert last["left_out"] == {
        "answers": 14, "of": 20, "worst": 3, "run": "run-1", "all": "evalkit report run-1 --format=jsonl",
    }  # fmt: skip


def test_the_header_of_a_large_run_counts_the_names_that_its_lists_lack() -> None:
    run = run_of(model_run("a", failed=9, known=4), model_run("b", failed=2))
    page = Page(left_out=LeftOut(14, 20, 3, "run-1"))
    table = json.loads("".join(as_json.render(run, no_rows, page)))
    first, second = table["tasks"][0]["model_runs"]
    assert [len(part) for part in (first["failed"], first["known_fails"], second["failed"])] == [3, 3, 2]
    assert table["left_out"]["names"] == {
        "tasks.0.model_runs.0.failed": 6, "tasks.0.model_runs.0.known_fails": 1,
    }  # fmt: skip
    assert table["left_out"]["header"] == "evalkit report run-1 --format=json"


def test_without_a_page_that_leaves_out_a_header_is_whole_however_long_it_is() -> None:
    table = json.loads("".join(as_json.render(run_of(model_run("a", failed=5_000)))))
    assert len(table["tasks"][0]["model_runs"][0]["failed"]) == 5_000
    assert "left_out" not in table


@pytest.mark.parametrize("report", [markdown, terminal])
def test_a_report_for_people_says_what_is_left_out_where_anything_is(report: object) -> None:
    page = Page(left_out=LeftOut(14, 20, 3, "run-1"))
    whole, cut = ("".join(report.render(run_of(), no_rows, one)) for one in (PAGE, page))  # type: ignore[attr-defined]
    assert "14 of 20 answers" in cut
    assert "`evalkit report run-1 --format=jsonl`" in cut
    assert "eft out" not in whole


def test_of_many_known_fails_a_line_counts_those_that_are_not_named() -> None:
    [task] = run_of(model_run("a", known=500)).tasks
    lines = [line for line in notes.details(task) if "known to fail" in line]
    assert (len(lines), lines[-1]) == (41, "a: 460 more are known to fail (--format=json has all)")


def test_the_reports_of_40_000_answers_are_small_and_take_little_memory(tmp_path: Path) -> None:
    count = 20_000
    run = run_of(model_run("a", failed=count), model_run("b"))
    tracemalloc.start()
    worst = WorstRows(run)
    passed = sum(1 for _ in worst.watched(rows(count)))
    written = write(run, *worst.for_reports(no_rows), tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (passed, passed > MOST_ANSWERS) == (2 * count, True)
    lines = (tmp_path / "latest.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 * WORST + 1
    assert max(path.stat().st_size for path in written) < 200_000
    assert peak < 5_000_000


def test_what_the_files_of_a_session_leave_out_the_named_command_gives(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalkit.session.finish.WorstRows", partial(WorstRows, most=20, worst=2))
    project.answers("tuned", project.right() | {"t-05": "prose"})
    session = project.asked(("tuned",), ("base",))
    finish(session, session.selection, "pytest suites", {})
    *lines, last = (project.root / "reports" / "latest.jsonl").read_text(encoding="utf-8").splitlines()
    left_out = json.loads(last)["left_out"]
    assert "t-05" in [row["example"] for row in map(json.loads, lines) if row["model"] == "tuned"]
    _, *command = left_out["all"].split()
    everything = CliRunner().invoke(main, ["--root", str(project.root), *command]).stdout.splitlines()
    assert (left_out["of"], left_out["answers"]) == (len(everything), len(everything) - len(lines))
    assert set(lines) < set(everything)
