"""Under GitHub Actions a run is added to the summary of its job, and a blocked verdict is an annotation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mini_project import Project


@pytest.fixture
def page(suite: Project, tmp_path: Path) -> Path:
    """The job's summary, in which another step has written."""
    place = tmp_path / "summary.md"
    place.write_text("# built\n", encoding="utf-8")
    suite.monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place))
    return place


def test_the_markdown_is_added_to_the_summary_of_the_job(suite: Project, page: Path) -> None:
    suite.run("suites", "--backend=good")
    markdown = (suite.root / "reports" / "latest.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == f"# built\n{markdown}"


@pytest.mark.usefixtures("page")
def test_each_blocked_verdict_is_an_annotation(suite: Project) -> None:
    result = suite.run("suites", "--backend=bad", "--backend=good")
    told = [line for line in result.outlines if line.startswith("::error ")]
    assert told == [
        "::error title=moods%3A bad is blocked::direction is 8.3 %25, the task asks for 60.0 %25.",
    ]


def test_workers_tell_it_once(suite: Project, page: Path) -> None:
    pytest.importorskip("xdist")
    result = suite.run("suites", "--backend=bad", "-n2")
    assert sum(line.startswith("::error ") for line in result.outlines) == 1
    assert page.read_text(encoding="utf-8").count("| direction \\* |") == 1


def test_a_summary_that_cannot_be_written_is_told(suite: Project, page: Path) -> None:
    page.unlink()
    page.mkdir()
    result = suite.run("suites", "--backend=good")
    result.stdout.fnmatch_lines(["moods * good: SHIP.*", "the job's summary can't be written: *"])


def test_a_page_without_room_says_where_the_report_is(suite: Project, page: Path) -> None:
    page.write_text("x" * (1024 * 1024), encoding="utf-8")
    suite.run("suites", "--backend=good")
    assert page.read_text(encoding="utf-8")[1024 * 1024 :].endswith("see reports/latest.md.\n")


def test_elsewhere_nothing_is_written(suite: Project, page: Path) -> None:
    suite.monkeypatch.delenv("GITHUB_ACTIONS")
    result = suite.run("suites", "--backend=bad")
    assert page.read_text(encoding="utf-8") == "# built\n"
    result.stdout.no_fnmatch_line("::error*")
