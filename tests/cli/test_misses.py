"""What a model got wrong is listed with what was asked, expected and answered; runs are listed with their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from evalkit.cli.main import main
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

BAD = '{"mood": "bad", "strength": 0.9}'


@pytest.fixture
def stored(project: MiniProject) -> MiniProject:
    """`tuned` takes t-03 for bad, and answers t-05 in prose; both are sunny."""
    project.tag("sunny", "t-03", "t-04", "t-05")
    project.answers("tuned", project.right() | {"t-03": BAD, "t-05": "It is good."})
    session = project.asked(("tuned",), ("base",))
    finish(session, session.selection, "pytest suites", {})
    session.close()
    return project


def run(project: MiniProject, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *arguments], catch_exceptions=False)


def listed(result: Result) -> list[str]:
    """The examples that a list of misses has."""
    return [line.split()[0] for line in result.stdout.splitlines() if " · " in line]


def test_a_miss_has_what_was_asked_expected_and_answered_and_why_it_is_none(stored: MiniProject) -> None:
    lines = run(stored, "misses").stdout.splitlines()
    assert lines[:5] == [
        "t-03  mood · tuned on test [sunny]",
        "  text: This is t-03.",
        '  expected: {"mood": "good", "strength": 0.9}',
        '  got:      {"mood": "bad", "strength": 0.9}',
        "  mood: another value",
    ]
    assert any(line.startswith("  got:      It is good.  (") for line in lines)
    assert lines[-1] == "2 misses in run run-1"


@pytest.mark.parametrize(
    ("options", "examples"),
    [
        ((), ["t-03", "t-05"]),
        (("--field=strength",), ["t-05"]),
        (("--tag=sunny",), ["t-03", "t-05"]),
        (("--task=mood", "--backend=tuned"), ["t-03", "t-05"]),
    ],
)
def test_they_are_chosen_by_task_model_score_and_tag(
    stored: MiniProject, options: tuple[str, ...], examples: list[str]
) -> None:
    assert listed(run(stored, "misses", *options)) == examples


def test_a_rivals_misses_are_listed_where_it_is_named(stored: MiniProject) -> None:
    assert len(listed(run(stored, "misses", "--backend=base"))) == 12


@pytest.mark.parametrize("option", ["--task=mod", "--backend=tund", "--field=mod", "--tag=suny"])
def test_a_name_that_the_run_does_not_have_is_told_with_the_nearest(stored: MiniProject, option: str) -> None:
    result = run(stored, "misses", option)
    assert (result.exit_code, "Did you mean" in result.output) == (4, True)


def test_runs_are_listed_with_what_came_of_them(stored: MiniProject) -> None:
    lines = run(stored, "runs").stdout.splitlines()
    assert lines[0].startswith("run-1  20")
    assert lines[1] == "  mood (12 examples of test): tuned INCONCLUSIVE"


def test_of_many_runs_the_last_are_listed_and_the_others_counted(stored: MiniProject) -> None:
    session = stored.asked(("tuned",), identity="run-2")
    finish(session, session.selection, "pytest", {})
    session.close()
    lines = run(stored, "runs", "-n1").stdout.splitlines()
    assert (lines[0].split()[0], lines[-1]) == ("run-2", "1 run before: -n shows more")
