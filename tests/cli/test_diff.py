"""Two models stand beside each other answer by answer: what the second lost first, then what it gained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from evalkit.cli.main import main
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

BAD, GOOD = '{"mood": "bad", "strength": 0.5}', '{"mood": "good", "strength": 0.9}'


@pytest.fixture
def stored(project: MiniProject) -> MiniProject:
    """`tuned` has t-02 wrong, `base` t-04 and t-06, of which the last is dull; the rest both have right."""
    project.tag("dull", "t-06", "t-07")
    project.answers("tuned", project.right() | {"t-02": BAD})
    project.answers("base", project.right() | {"t-04": BAD, "t-06": "Good."})
    session = project.asked(("tuned",), ("base",))
    finish(session, session.selection, "pytest suites", {})
    session.close()
    return project


def diff(project: MiniProject, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "diff", *arguments], catch_exceptions=False)


def heads(result: Result) -> list[tuple[str, ...]]:
    """Of each pair its example and what became of it."""
    lines = [line.split() for line in result.stdout.splitlines() if line[:2] in ("t-", "r-", "m-")]
    return [(words[0], words[3].strip(",")) for words in lines]


def test_what_was_lost_comes_first_and_both_answers_stand_below(stored: MiniProject) -> None:
    result = diff(stored, "tuned", "base")
    assert heads(result) == [("t-04", "lost"), ("t-06", "lost"), ("t-02", "gained")]
    assert result.stdout.splitlines()[:5] == [
        "t-04  mood, mood lost",
        "  text: This is t-04.",
        '  expected: {"mood": "good", "strength": 0.9}',
        f"  tuned  {GOOD}",
        f"  base   {BAD}",
    ]
    assert result.stdout.splitlines()[-1].endswith(": 2 lost, 1 gained, 9 alike of 12 examples")


@pytest.mark.parametrize(
    ("options", "examples"),
    [
        (("--direction=gained",), ["t-02"]),
        (("--tag=dull",), ["t-06"]),
        (("--field=strength", "--direction=lost"), ["t-04", "t-06"]),
        (("--direction=same", "--tag=dull"), ["t-07"]),
    ],
)
def test_they_are_chosen_by_direction_tag_and_field(
    stored: MiniProject, options: tuple[str, ...], examples: list[str]
) -> None:
    assert [name for name, _ in heads(diff(stored, "tuned", "base", *options))] == examples


def test_two_runs_of_one_model_are_named_by_their_ids(stored: MiniProject) -> None:
    stored.answers("tuned", stored.right())
    session = stored.asked(("tuned",), identity="run-2")
    finish(session, session.selection, "pytest", {})
    session.close()
    result = diff(stored, "run-1", "run-2")
    assert heads(result) == [("t-02", "gained")]
    assert f"  run-1  {BAD}" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("tunde", "base"), "Did you mean 'tuned'?"),
        (("tuned", "base", "--field=mod"), "Did you mean 'mood'?"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(stored: MiniProject, arguments: tuple[str, ...], told: str) -> None:
    result = diff(stored, *arguments)
    assert (result.exit_code, told in result.output) == (4, True)
