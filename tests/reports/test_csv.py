"""A run as CSV has a line for each example and model, and a column for each field."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from evalkit.cli.main import main
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

QUOTED = '"Well", he said,\nbad'


def lines(project: MiniProject) -> list[dict[str, str]]:
    session = project.asked(("tuned",), ("base",))
    finish(session, session.selection, "pytest suites", {})
    session.close()
    result = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format=csv"], catch_exceptions=False)
    return list(csv.DictReader(StringIO(result.stdout)))


def test_each_row_has_what_was_asked_expected_answered_and_scored(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-03": '{"mood": "bad", "strength": 0.5}'})
    [row] = [line for line in lines(project) if (line["model"], line["example"]) == ("tuned", "t-03")]
    assert {name: row[name] for name in ("task", "split", "input.text", "expected.mood", "got.mood", "score.mood")} == {
        "task": "mood", "split": "test", "input.text": "This is t-03.", "expected.mood": "good", "got.mood": "bad",
        "score.mood": "0",
    }  # fmt: skip
    assert (row["got.strength"], row["score.strict"]) == ("0.5", "1")


def test_a_text_of_quotes_and_lines_comes_back_as_it_is(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-03": QUOTED})
    [row] = [line for line in lines(project) if (line["model"], line["example"]) == ("tuned", "t-03")]
    assert (row["text"], row["got.mood"]) == (QUOTED, "")


def test_every_model_and_example_is_there(project: MiniProject) -> None:
    counts = [line["model"] for line in lines(project)]
    assert (counts.count("tuned"), counts.count("base")) == (14, 12)


def test_a_run_is_exported_by_how_the_files_name_ends(project: MiniProject, tmp_path: Path) -> None:
    count = len(lines(project))
    for name, head in (("run.csv", 1), ("run.jsonl", 0)):
        result = CliRunner().invoke(main, ["--root", str(project.root), "export", "--to", str(tmp_path / name)])
        assert result.exit_code == 0
        assert len((tmp_path / name).read_text(encoding="utf-8").splitlines()) == count + head
    result = CliRunner().invoke(main, ["--root", str(project.root), "export", "--to", str(tmp_path / "run.xls")])
    assert (result.exit_code, "expected .jsonl or .csv" in result.output) == (4, True)
